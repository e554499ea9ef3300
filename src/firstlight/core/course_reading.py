"""What can be read from the course of a training: its curves, and how far from chance they are."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from firstlight.core.diagnosis import Course, EpochScores
from firstlight.core.notebook import readable
from firstlight.core.settings import CLASS_METRICS

# Two standard errors: what chance alone gives in one of twenty trainings, as in every interval.
ERRORS = 2.0
# The fall that the range test wants to see, too, before it takes it for learning.
LEAST_FALL = 0.05
# The schedule one-cycle raises the learning rate over the first fifth: judge nothing before.
WARM_UP, LEAST_EPOCHS = 0.2, 3


@dataclass(frozen=True)
class CourseReading:
    """A course of a training with what the rules of `diagnosing` want to know of it."""

    course: Course

    @property
    def metric(self) -> str:
        """The name of the metric beside the loss."""
        return str(self.course.settings["metric"])

    @property
    def rate(self) -> float:
        """The (largest) learning rate."""
        return float(self.course.settings["learning_rate"])

    @property
    def is_share(self) -> bool:
        """Whether the metric is a share of images that are right, more or less."""
        return self.metric in CLASS_METRICS

    @property
    def constant_rate(self) -> bool:
        """Whether the learning rate stays as it is."""
        return self.course.settings["schedule"] == "constant"

    def past_warm_up(self) -> bool:
        """Whether there are enough epochs to judge by."""
        done, planned = len(self.course.epochs), int(self.course.settings["epochs"])
        return done >= 1 and (self.course.over or done >= max(LEAST_EPOCHS, WARM_UP * planned))

    def column(self, of: Callable[[EpochScores], float | None]) -> list[float]:
        """One number of each epoch; none where it is missing in any."""
        values = [of(epoch) for epoch in self.course.epochs]
        known = [value for value in values if value is not None and math.isfinite(value)]
        return known if len(known) == len(values) else []

    def losses(self) -> tuple[list[float], list[float]]:
        """The loss after each epoch, of training and validation."""
        return self.column(lambda e: e.loss), self.column(lambda e: e.validation_loss)

    def values(self) -> tuple[list[float], list[float]]:
        """The metric after each epoch, of training and validation."""
        return self.column(lambda e: e.value), self.column(lambda e: e.validation_value)

    def shown(self, value: float) -> str:
        """A value of the metric in words."""
        return f"{100 * value:.1f} %" if self.is_share else readable(value)

    def error(self, value: float) -> float:
        """A value metric as a length of errors, so that one can be divided by another."""
        if self.metric == "r2":
            return math.sqrt(max(0.0, 1 - value))
        return math.sqrt(value) if self.metric == "mse" else value

    def gained(self, value: float) -> float | None:
        """Of the way from one answer for all images (0) to no mistakes (1), how much is done."""
        constant = self.course.constant
        if constant is None:
            return None
        if self.is_share:
            return (value - constant) / (1 - constant) if constant < 1 else None
        error, of_constant = self.error(value), self.error(constant)
        return 1 - (error / of_constant) ** 2 if of_constant > 0 else None

    def beats_constant(self, value: float, images: int) -> bool:
        """Whether a value of the metric is more than one answer for all images could reach."""
        gained, constant = self.gained(value), self.course.constant
        if gained is None or constant is None:
            return True
        if self.is_share:
            return value - constant > ERRORS * standard_error(constant, images)
        return self.error(value) < (1 - LEAST_FALL) * self.error(constant)


def standard_error(share: float, images: int) -> float:
    """The standard error of a share that was counted on so many images.

    Example:
        >>> standard_error(0.5, 100)
        0.05
    """
    return math.sqrt(max(0.0, share * (1 - share)) / max(1, images))


def mean(values: Sequence[float]) -> float:
    """The mean of some numbers.

    Example:
        >>> mean([1.0, 2.0])
        1.5
    """
    return sum(values) / len(values)
