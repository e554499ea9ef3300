"""What the process that holds a network does for the step Look inside."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.api.networks import side_names
from firstlight.api.one_look import look_at, saliency_of
from firstlight.core.insight import Filters, LayerAnswer, Look, Saliency
from firstlight.core.notebook import readable
from firstlight.shells.lab.opened_run import OpenedRun, Which

COLUMNS = 16
SCORE = "The score and its number of right answers or errors are those of the finished network."
LARGEST = 64  # pixels of a feature map; larger ones are averaged down


def inside(run: OpenedRun, image: Which, epoch: int | None) -> dict[str, Any]:
    """The fields of `messages.inside.Inside`."""
    from firstlight.draw.opened import opened_tables
    from firstlight.models import find_snapshots

    chosen, images, reading = run.image(image)
    look = look_at(run.folder, run.network(epoch), chosen, None)
    filters = {one.layer: one for one in look.filters}
    return {
        "task": look.task,
        "images": images,
        "reading": reading,
        "side": side_names(run.information),
        "epochs": list(find_snapshots(run.folder.snapshots)),
        "image": _image(run, look),
        "name": look.image_name,
        "headline": look.headline(),
        "answers": _said(look),
        "of": look.of,
        "layers": [_layer(one, filters.get(one.name)) for one in look.layers],
        "opened": [asdict(one) for one in opened_tables(look)],
        "notes": look.notes if epoch is None else (*look.notes, SCORE),
    }


def kernel(
    run: OpenedRun, image: Which, epoch: int | None, layer: str | None, filter: int | None
) -> dict[str, Any]:
    """The fields of `messages.inside.Kernel`."""
    from firstlight.explain import sliding_kernel

    chosen = run.image(image).image
    work = sliding_kernel(run.network(epoch), chosen.pixels, layer, filter, chosen.side)
    row, column = np.unravel_index(work.answer.argmax(), work.answer.shape)
    return {
        "layer": work.layer,
        "filter": work.filter,
        "received": _numbers(work.received[..., work.channels]),
        "answer": _numbers(work.answer),
        "weights": _numbers(work.weights),
        "channels": work.channels.tolist(),
        "bias": work.bias,
        "activation": work.activation,
        "before": work.before,
        "strides": work.strides,
        "dilation": work.dilation,
        "row": int(row),
        "column": int(column),
    }


def saliency(run: OpenedRun, image: Which, epoch: int | None, of: str) -> dict[str, Any]:
    """The fields of `messages.inside.Saliencies`."""
    from firstlight.draw.look_page import SALIENCY

    chosen = run.image(image).image
    look = look_at(run.folder, run.network(epoch), chosen, of)
    output = list(look.answers).index(look.of)
    found = saliency_of(run.network(epoch), chosen, output)
    return {
        "question": look.question,
        "words": SALIENCY,
        "image": _image(run, look),
        "maps": [_saliency_map(look, one) for one in found],
    }


def _image(run: OpenedRun, look: Look) -> dict[str, Any]:
    from firstlight.api.browsing import colours_in_words
    from firstlight.draw.mosaic import displayed

    pixels = look.image[None]
    return _pictures(displayed(pixels), colours_in_words(pixels, run.dataset.pixel_unit))


def _said(look: Look) -> list[dict[str, Any]]:
    said = []
    for name, value in look.answers.items():
        true: Any = None
        if look.true is not None:
            true = look.true[name] if isinstance(look.true, dict) else name == look.true
        said.append({"name": name, "value": value, "unit": look.units.get(name, ""), "true": true})
    return said


def _layer(answer: LayerAnswer, filters: Filters | None) -> dict[str, Any]:
    from firstlight.draw.layers import NUMBERS, filter_pixels, map_pixels

    maps, numbers = None, None
    if answer.has_places:
        pixels, words = map_pixels(answer, LARGEST)
        maps = _pictures(pixels, words)
    else:
        flat = answer.values.ravel()
        numbers = _numbers(flat[:NUMBERS])
        least, most = readable(float(flat.min())), readable(float(flat.max()))
        words = f"From {least} to {most}." if len(flat) > 1 else f"It is {most}."
        if len(flat) > NUMBERS:
            words += f" The first {NUMBERS} of {len(flat):,} numbers."
    return {
        "name": answer.name,
        "layer": answer.kind,
        "shape": answer.shape,
        "words": words,
        "maps": maps,
        "numbers": numbers,
        "filters": None if filters is None else _pictures(*filter_pixels(filters)),
    }


def _saliency_map(look: Look, found: Saliency) -> dict[str, Any]:
    from firstlight.draw.mosaic import displayed
    from firstlight.draw.saliency import NAMES, map_over, reading

    assert found.check is not None
    pixels = displayed(look.image[None])[0]
    both = np.stack([map_over(pixels, one) for one in (found.values, found.check.example)])
    title = NAMES[found.method]
    return {
        "title": title[:1].upper() + title[1:],
        "maps": _pictures(both, ""),
        "correlation": found.check.correlation,
        "reading": reading(found),
        "check": found.sentence(),
        "passed": found.check.passed,
    }


def _pictures(pixels: NDArray[np.uint8], words: str) -> dict[str, Any]:
    from firstlight.draw.html import pixels_to_png
    from firstlight.draw.mosaic import mosaic

    png = pixels_to_png(mosaic(pixels, COLUMNS, 0, 0)[0])
    count, height, width = pixels.shape[:3]
    return {
        "png": b64encode(png).decode(),
        "count": count,
        "columns": COLUMNS,
        "width": width,
        "height": height,
        "words": words,
    }


def _numbers(values: NDArray[np.float32]) -> dict[str, Any]:
    data = np.ascontiguousarray(values, "<f4").tobytes()
    return {"shape": values.shape, "data": b64encode(data).decode()}
