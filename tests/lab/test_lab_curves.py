"""Curves are exact means over batches, kept short, and go on after a kill as if nothing was."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from firstlight.shells.lab.curves import MOST_POINTS, CurveMaker, add_epoch, add_point
from firstlight.shells.lab.messages.runs import EpochRow, Point

# In an epoch; its last step has 5 images.
STEPS, BATCH, IMAGES = 50, 10, 495
WEIGHTS = np.tile([10] * 49 + [5], 4)


def mean(values: np.ndarray, first: int, last: int) -> float:
    """Over the images of the steps `first + 1` to `last`."""
    return float(np.average(values[first:last], weights=WEIGHTS[first:last]))


def events(losses: np.ndarray, right: np.ndarray, told: list[int]) -> list[dict[str, Any]]:
    """What the training loop writes: means over the epoch so far, after the steps in `told`."""
    made = []
    for step in told:
        begin = (step - 1) // STEPS * STEPS
        made.append(
            {
                "kind": "step",
                "step": step,
                "epoch": begin // STEPS + 1,
                "loss": mean(losses, begin, step),
                "accuracy": mean(right, begin, step),
            }
        )
        if step % STEPS == 0:
            made.append({**made[-1], "kind": "epoch", "epochs": 4, "seconds": 1.0})
    return made


@pytest.fixture
def losses() -> np.ndarray:
    return np.random.default_rng(1).uniform(0, 3, 4 * STEPS)


def curve(maker: CurveMaker, told: list[dict[str, Any]]) -> list[Point]:
    points: list[Point] = []
    for event in told:
        point = maker.point(event)
        if point is not None:
            add_point(points, point)
    return points


def made(metric: str = "accuracy") -> CurveMaker:
    maker = CurveMaker(metric, BATCH, IMAGES)
    maker.start({"steps": 4 * STEPS, "epochs": 4})
    return maker


def test_points_are_means_over_just_their_batches(losses: np.ndarray) -> None:
    told = [1, 4, 30, 49, 50, 51, 99, 103, 150, 199]
    points = curve(made(), events(losses, losses / 3, told))
    # Step 100 was told by the epoch's event only.
    assert [(point.first, point.last) for point in points][:4] == [
        (0, 1),
        (1, 4),
        (4, 30),
        (30, 49),
    ]
    for point in points:
        assert point.loss == pytest.approx(mean(losses, point.first, point.last))
        assert point.value == pytest.approx(mean(losses, point.first, point.last) / 3)


def test_a_metric_that_is_no_mean_has_no_points(losses: np.ndarray) -> None:
    told = [{**event, "f1": 0.5} for event in events(losses, losses, [10, 20])]
    assert [point.value for point in curve(made("f1"), told)] == [None, None]


def test_a_run_that_goes_on_from_a_checkpoint_draws_over_what_was_lost(losses: np.ndarray) -> None:
    maker = made()
    points = curve(maker, events(losses, losses, [10, 20, 30, 40]))
    again = 3 - losses
    for event in events(again, again, [21, 40]):
        point = maker.point(event)
        assert point is not None
        add_point(points, point)
    assert points[-1].last == 40
    assert all(one.last <= other.first for one, other in pairwise(points))
    assert points[-1].loss == pytest.approx(mean(again, points[-1].first, 40))


def test_a_long_curve_stays_short_and_keeps_its_mean() -> None:
    random = np.random.default_rng(2)
    points: list[Point] = []
    every = random.uniform(0, 1, 10_000)
    for k, loss in enumerate(every):
        add_point(points, Point(first=k, last=k + 1, loss=float(loss), value=None))
    assert MOST_POINTS / 2 <= len(points) <= MOST_POINTS
    assert (points[0].first, points[-1].last) == (0, 10_000)
    weights = [point.last - point.first for point in points]
    whole = np.average([point.loss for point in points], weights=weights)
    assert whole == pytest.approx(every.mean())


def test_epochs_that_ran_again_count_once() -> None:
    def row(epoch: int, loss: float) -> EpochRow:
        return EpochRow(
            epoch=epoch, loss=loss, value=None, validation_loss=None, validation_value=None,
            seconds=1.0,
        )  # fmt: skip

    epochs: list[EpochRow] = []
    for one in (row(1, 1.0), row(2, 2.0), row(2, 3.0)):
        add_epoch(epochs, one)
    assert [(one.epoch, one.loss) for one in epochs] == [(1, 1.0), (2, 3.0)]
    for epoch in range(3, 1000):
        add_epoch(epochs, row(epoch, 1.0))
        assert epochs[-1].epoch == epoch
    assert len(epochs) <= MOST_POINTS
