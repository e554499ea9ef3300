"""The curves of a run, made from its events and kept short whatever its length.

A `step` event holds the mean over its epoch so far. Drawn as it is, it would lag behind the
network and make training look worse than validation. From two of them follows the exact mean over
the batches in between, which is what a `Point` holds.
"""

from __future__ import annotations

from firstlight.core.events import Event
from firstlight.shells.lab.messages.runs import EpochRow, Point

MOST_POINTS = 400
# Means over images; of the other metrics no mean over a few batches follows.
MEANS = frozenset({"accuracy", "top_5", "mae", "mse", "mape"})


def merged(one: Point, other: Point) -> Point:
    """Two neighbouring points as one.

    Example:
        >>> merged(Point(first=0, last=1, loss=4.0, value=None),
        ...     Point(first=1, last=4, loss=2.0, value=None))
        Point(first=0, last=4, loss=2.5, value=None)
    """

    def mean(before: float | None, after: float | None) -> float | None:
        if before is None or after is None:
            return None
        left, right = one.last - one.first, other.last - other.first
        return (left * before + right * after) / (left + right)

    return Point(
        first=one.first,
        last=other.last,
        loss=mean(one.loss, other.loss),
        value=mean(one.value, other.value),
    )


def add_point(points: list[Point], new: Point) -> None:
    """Go on with a curve; where there are too many points, neighbours become one.

    A run that was killed goes on from its last checkpoint: what came after that is void.
    """
    while points and points[-1].last > new.first:
        points.pop()
    points.append(new)
    if len(points) > MOST_POINTS:
        pairs = [points[k : k + 2] for k in range(0, len(points), 2)]
        points[:] = [merged(*pair) if len(pair) == 2 else pair[0] for pair in pairs]


def add_epoch(epochs: list[EpochRow], new: EpochRow) -> None:
    """Go on with the finished epochs; one that ran again takes the place of what it was."""
    while epochs and epochs[-1].epoch >= new.epoch:
        epochs.pop()
    epochs.append(new)
    if len(epochs) > MOST_POINTS:
        # The first, every second and the last: their number is odd.
        epochs[:] = epochs[::2]


class CurveMaker:
    """Makes points and epochs from the events of one run.

    Args:
        metric: the metric beside the loss.
        batch: images in a step.
        images: images in an epoch, so that its last step may have fewer.
    """

    def __init__(self, metric: str, batch: int, images: int) -> None:
        self._metric = metric
        self._batch = batch
        self._images = images
        self._epoch = 0
        self._steps = 1  # of one epoch
        # Batches of this epoch in the last event, with its means.
        self._before: tuple[int, float, float | None] = (0, 0.0, 0.0)

    def start(self, event: Event) -> None:
        """Take in a `start` event."""
        self._steps = max(1, round(event["steps"] / max(1, event["epochs"])))

    def point(self, event: Event) -> Point | None:
        """The point that ends with a `step` or `epoch` event; None where nothing is new."""
        epoch = event["epoch"]
        begin = (epoch - 1) * self._steps
        done = self._steps if event["kind"] == "epoch" else event["step"] - begin
        if epoch != self._epoch or done < self._before[0]:
            self._epoch, self._before = epoch, (0, 0.0, 0.0)
        count, loss, value = self._before
        seen, seen_before = self._seen(done), self._seen(count)
        new = seen - seen_before
        if new <= 0:
            return None
        metric = event.get(self._metric) if self._metric in MEANS else None
        between = None
        if metric is not None and value is not None:
            between = (seen * metric - seen_before * value) / new
        point = Point(
            first=begin + count,
            last=begin + done,
            loss=(seen * event["loss"] - seen_before * loss) / new,
            value=between,
        )
        self._before = (done, event["loss"], metric)
        return point

    def _seen(self, steps: int) -> int:
        """Images that an epoch has seen after so many of its steps."""
        return min(steps * self._batch, self._images)

    def row(self, event: Event) -> EpochRow:
        """What an `epoch` event says."""
        return EpochRow(
            epoch=event["epoch"],
            loss=event["loss"],
            value=event.get(self._metric),
            validation_loss=event.get("validation_loss"),
            validation_value=event.get(f"validation_{self._metric}"),
            seconds=event["seconds"],
        )
