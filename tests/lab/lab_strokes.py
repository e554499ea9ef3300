"""Ten digits as strokes of a pen, in shares of the pad."""

from itertools import pairwise
from math import cos, radians, sin

from playwright.sync_api import Page

Stroke = list[tuple[float, float]]


def arc(x: float, y: float, width: float, height: float, start: float, end: float) -> Stroke:
    """A piece of an ellipse; degrees run clockwise from the right."""
    angles = [radians(start + (end - start) * k / 24) for k in range(25)]
    return [(x + width * cos(angle), y + height * sin(angle)) for angle in angles]


def line(*points: tuple[float, float]) -> Stroke:
    return [
        (x + (to_x - x) * k / 8, y + (to_y - y) * k / 8)
        for (x, y), (to_x, to_y) in pairwise(points)
        for k in range(9)
    ]


DIGITS: list[list[Stroke]] = [
    [arc(0.5, 0.5, 0.2, 0.3, 0, 360)],
    [line((0.5, 0.2), (0.5, 0.8))],
    [arc(0.5, 0.36, 0.18, 0.16, 190, 370) + line((0.66, 0.45), (0.33, 0.78), (0.7, 0.78))],
    [arc(0.48, 0.34, 0.17, 0.15, 200, 440) + arc(0.48, 0.64, 0.2, 0.16, 280, 510)],
    [line((0.38, 0.2), (0.33, 0.52), (0.7, 0.52)), line((0.62, 0.22), (0.6, 0.82))],
    [line((0.68, 0.22), (0.38, 0.22), (0.36, 0.46)) + arc(0.48, 0.61, 0.19, 0.17, 235, 510)],
    [line((0.6, 0.18), (0.42, 0.4)) + arc(0.5, 0.64, 0.16, 0.16, 200, 560)],
    [line((0.3, 0.24), (0.7, 0.24), (0.45, 0.8))],
    [arc(0.5, 0.34, 0.13, 0.14, 90, 450) + arc(0.5, 0.64, 0.16, 0.16, 270, 630)],
    [arc(0.5, 0.36, 0.15, 0.15, 0, 360) + line((0.65, 0.36), (0.6, 0.8))],
]


def draw(page: Page, digit: int) -> None:
    """Draw a digit with the mouse."""
    box = page.locator(".pad").bounding_box()
    assert box is not None
    for stroke in DIGITS[digit]:
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        page.mouse.move(*places[0])
        page.mouse.down()
        for place in places[1:]:
            page.mouse.move(*place)
        page.mouse.up()
