"""What seems to be wrong with a training, read from its epochs: sentence, evidence, what to try.

Each rule has its thresholds beside it, with the reason or the source.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from firstlight.core.course_reading import (
    ERRORS,
    LEAST_EPOCHS,
    CourseReading,
    mean,
    standard_error,
)
from firstlight.core.diagnosis import Course, Diagnosis
from firstlight.core.notebook import readable

# The mean of so many epochs stands for "the end": one epoch alone goes up and down by chance.
END = 3
# Twice the loss of the beginning is where the learning-rate range test ends (`range_testing`).
JUMP = 2.0
# A tenth of the first epoch's loss: below that, doubling is noise of a loss that is nearly 0.
TELLING_JUMP = 0.1
# Prechelt 1998, "Early Stopping - But When?", stops where the validation loss is 1 to 5 per cent
# above its lowest. Twice the largest of these, and as much of what it had fallen by.
LOST = 0.1
# One image in ten that is known by heart: far above the one in a hundred of good trainings.
GAP = 0.1
# An error half as large again: more than half of the squared error is then learned by heart
# (1 - 1 / 1.5**2 = 56 %).
ERROR_RATIO = 1.5
# Half of the way from one answer for all images to no mistakes at all (for values: r2 below 0.5).
HALF = 0.5
# In the last fifth of its epochs, a tenth of all that it has fallen by.
STILL = 0.1
# Stanford's course CS231n ("Neural Networks Part 1"): as much as 40 % of a network can be dead
# where the learning rate was too high. Here of a layer.
DEAD = 0.4
# firstlight's recipes are made for thousands of images: a tenth of a thousand of each class, and
# as many values as leave about 50 to validate by.
FEW_OF_A_CLASS, FEW = 100, 300
# Keras's own; the other optimizers have 0.001.
KERAS_RATES = {"sgd": 0.01}
USUAL_RATE = 0.001
LARGER = {"simple": "compact", "intermediate": "compact", "compact": "residual"}


def diagnose(course: Course) -> tuple[Diagnosis, ...]:
    """What seems to be wrong with a training, the worst first; () where all is well.

    Args:
        course: a run that has ended, or that trains.

    Example:
        >>> from firstlight.core.diagnosis import EpochScores
        >>> losses = [(0.7, 0.7), (0.3, 0.5), (0.1, 0.6), (0.03, 0.9), (0.01, 1.0), (0.01, 1.1)]
        >>> epochs = [EpochScores(k + 1, a, None, b, None) for k, (a, b) in enumerate(losses)]
        >>> settings = {"epochs": 6, "learning_rate": 0.01, "metric": "accuracy", "patience": None,
        ...     "augment": "none", "schedule": "constant"}
        >>> course = Course(settings, "classify", 5000, 500, 2, tuple(epochs))
        >>> for found in diagnose(course):
        ...     print(found.code, found.settings)
        overfitting {'augment': 'shift:1'}
    """
    read = CourseReading(course)
    found: list[Diagnosis | None] = [_rate_too_high(read) or _not_learning(read)]
    if found == [None]:
        found = [_overfitting(read) or _underfitting(read) or _still_improving(read)]
    found += [_dead_units(read), _few_images(read)]
    return tuple(one for one in found if one is not None)


def _rate_too_high(read: CourseReading) -> Diagnosis | None:
    """The loss is not finite, or jumps up."""
    course, (losses, _) = read.course, read.losses()
    evidence = ""
    if course.diverged:
        evidence = (
            f"In epoch {len(course.epochs) + 1} loss or weights were no longer finite numbers"
        )
    elif losses and course.beginning is not None and max(losses) > JUMP * course.beginning > 0:
        worst = losses.index(max(losses))
        evidence = (
            f"The loss was {readable(course.beginning)} before the first step and on average "
            f"{readable(losses[worst])} in epoch {course.epochs[worst].epoch}"
        )
    else:
        for k in range(1, len(losses)):
            lowest = min(losses[:k])
            telling = losses[k] - lowest > TELLING_JUMP * abs(losses[0])
            if telling and losses[k] > JUMP * lowest > 0:
                evidence = (
                    f"The training loss jumped from {readable(lowest)} to {readable(losses[k])} in "
                    f"epoch {course.epochs[k].epoch}"
                )
    if not evidence:
        return None
    lower = _lower_rate(course)
    return Diagnosis(
        "warning",
        "learning-rate-too-high",
        "The learning rate is too high: its steps lead past the lowest loss, and further up.",
        f"{evidence}; the learning rate is {read.rate:g}.",
        f"Try a lower learning rate, {lower:g}. If the loss jumps there too, look for extreme "
        "pixels among the images.",
        {"learning_rate": lower},
    )


def _not_learning(read: CourseReading) -> Diagnosis | None:
    """On validation images no more than one answer for all of them could reach."""
    course, (train, held_out) = read.course, read.values()
    if course.constant is None or not train or not held_out or not read.past_warm_up():
        return None
    best = max if read.is_share or read.metric == "r2" else min
    if read.beats_constant(best(held_out), course.validation_images):
        return None
    evidence = (
        f"The best validation {read.metric} is {read.shown(best(held_out))}; the same answer for "
        f"every image has {read.shown(course.constant)}"
    )
    look = "Look at a few images with their labels: do they belong together?"
    if not read.beats_constant(best(train), course.images):
        usual = _usual_rate(course)
        rate = _rounded(read.rate / 10 if read.rate > 3 * usual else 10 * read.rate)
        return Diagnosis(
            "warning",
            "not-learning",
            "It does not learn: it does no better than the same answer for every image.",
            f"{evidence}.",
            f"{look} If so, try another learning rate: {rate:g} in place of {read.rate:g}.",
            {"learning_rate": rate},
        )
    error = standard_error(held_out[-1], course.validation_images)
    if read.is_share and train[-1] - held_out[-1] <= ERRORS * error:
        return None
    help_itself = _could_augment(course)
    return Diagnosis(
        "warning",
        "not-learning",
        "It learns nothing that holds for other images, only its training images by heart.",
        f"{evidence}, and the training images have {read.shown(best(train))}.",
        f"{look} If so, bring more images"
        + (", or try random shifts of them (augment shift:1)." if help_itself else "."),
        {"augment": "shift:1"} if help_itself else {},
    )


def _overfitting(read: CourseReading) -> Diagnosis | None:
    """Far better on the training images than on others, or worse and worse on the others."""
    evidence = _gap(read) or _rise(read)
    if not evidence:
        return None
    if _could_augment(read.course):
        experiment = "Try random shifts of the training images by a pixel (augment shift:1)"
        change: dict[str, Any] = {"augment": "shift:1"}
    elif read.course.settings.get("patience") is None:
        experiment = "Let it stop after 5 epochs without a lower validation loss (patience 5)"
        change = {"patience": 5}
    else:
        experiment, change = "Try a smaller network", {}
    return Diagnosis(
        "warning",
        "overfitting",
        "It overfits: much of what it learns holds for its training images only.",
        f"{evidence}.",
        f"{experiment}. More images help more than any setting.",
        change,
    )


def _gap(read: CourseReading) -> str:
    """How far apart training and validation are; "" where that is not much."""
    train, held_out = read.values()
    if not train or not held_out or not read.past_warm_up():
        return ""
    ours, theirs = mean(train[-END:]), mean(held_out[-END:])
    if read.is_share:
        error = standard_error(theirs, read.course.validation_images)
        far = ours - theirs > max(GAP, ERRORS * error)
    else:
        far = read.error(theirs) > ERROR_RATIO * read.error(ours)
    return (
        f"The {read.metric} is {read.shown(ours)} on the training images and {read.shown(theirs)} "
        "on the validation images"
        if far
        else ""
    )


def _rise(read: CourseReading) -> str:
    """How far the validation loss has risen while the training loss fell; "" where it has not."""
    train, held_out = read.losses()
    if len(train) < 2 * END or len(held_out) < 2 * END:
        return ""
    means = [mean(held_out[k : k + END]) for k in range(len(held_out) - END + 1)]
    best = means.index(min(means))
    rise, fall = means[-1] - means[best], max(held_out[: best + END]) - means[best]
    if best + END >= len(means) or train[-1] >= mean(train[best : best + END]):
        return ""
    if rise <= LOST * fall or (means[best] > 0 and rise <= LOST * means[best]):
        return ""
    first, last = read.course.epochs[best].epoch, read.course.epochs[best + END - 1].epoch
    return (
        f"The validation loss was {readable(means[best])} in epochs {first} to {last} and is "
        f"{readable(means[-1])} now, while the training loss fell to {readable(train[-1])}"
    )


def _underfitting(read: CourseReading) -> Diagnosis | None:
    """Not even the training images are learned."""
    train, held_out = read.values()
    losses, _ = read.losses()
    if not (read.course.over and train and held_out and losses):
        return None
    gained = read.gained(mean(train[-END:]))
    if gained is None or gained >= HALF or len(losses) < LEAST_EPOCHS:
        return None
    settings, model = read.course.settings, str(read.course.settings.get("model"))
    change: dict[str, Any] = {}
    if _falls(losses) or not read.constant_rate:
        epochs = 3 * int(settings["epochs"])
        experiment, change = f"Train longer: {epochs} epochs", {"epochs": epochs}
    elif model in LARGER:
        experiment = f"Try a larger network, {LARGER[model]}"
        change = {"model": LARGER[model]}
    else:
        experiment = "Try a network with more filters, or one convolution more"
    return Diagnosis(
        "warning",
        "underfitting",
        "It underfits: it does not even learn its training images.",
        f"The {read.metric} on the training images is {read.shown(mean(train[-END:]))}: "
        f"{100 * gained:.0f} % of the way from the same answer for all images to no mistakes.",
        f"{experiment}. Or the images do not show what is asked for.",
        change,
    )


def _still_improving(read: CourseReading) -> Diagnosis | None:
    """The validation loss was still falling when the training ended."""
    settings, (_, held_out) = read.course.settings, read.losses()
    # Where the schedule brings the rate to 0, the loss falls towards the end whatever is left.
    if not (read.course.over and read.constant_rate and len(held_out) >= LEAST_EPOCHS):
        return None
    if len(held_out) < int(settings["epochs"]) or not _falls(held_out):
        return None
    epochs = 2 * int(settings["epochs"])
    before = held_out[-1 - _last_fifth(held_out)]
    return Diagnosis(
        "advice",
        "still-improving",
        "It was still getting better when it ended.",
        f"The validation loss fell from {readable(before)} to {readable(held_out[-1])} over the "
        "last fifth of the epochs.",
        f"Train twice as long: {epochs} epochs.",
        {"epochs": epochs},
    )


def _falls(losses: Sequence[float]) -> bool:
    """Whether a loss still falls at the end: in the last fifth, a tenth of all it has fallen."""
    last = losses[-1 - _last_fifth(losses)] - losses[-1]
    return losses[-1] == min(losses) and last > STILL * (losses[0] - losses[-1]) > 0


def _last_fifth(losses: Sequence[float]) -> int:
    return max(1, len(losses) // 5)


def _dead_units(read: CourseReading) -> Diagnosis | None:
    """Filters or neurons that answer 0 to every image."""
    worst = max(read.course.units, key=lambda one: one.dead / one.units, default=None)
    if worst is None or worst.dead < DEAD * worst.units:
        return None
    lower = _lower_rate(read.course)
    return Diagnosis(
        "warning",
        "dead-units",
        "Part of the network is dead: units answer 0 to every image, and learn no more.",
        f"In layer {worst.layer}, {worst.dead} of {worst.units} units answered 0 everywhere.",
        f"Try a lower learning rate, {lower:g}, or batch normalisation before the ReLU.",
        {"learning_rate": lower},
    )


def _few_images(read: CourseReading) -> Diagnosis | None:
    """So few images that the scores are rough and the network learns them by heart."""
    course = read.course
    if not course.epochs:
        return None
    if course.images >= (FEW_OF_A_CLASS * course.classes if course.classes else FEW):
        return None
    each = f", {course.images / course.classes:.0f} of each class" if course.classes else ""
    help_itself = _could_augment(course)
    return Diagnosis(
        "advice",
        "few-images",
        "There are few images to learn from, and scores on few images are rough.",
        f"{course.images:,} training images{each}; one of the {course.validation_images:,} "
        f"validation images is {100 / max(1, course.validation_images):.1f} % of them.",
        "Bring more images; random shifts make more of those that are there (augment shift:1)."
        if help_itself
        else "Bring more images.",
        {"augment": "shift:1"} if help_itself else {},
    )


def _could_augment(course: Course) -> bool:
    """Whether images of classes are trained on as they are; a shift hardly ever changes a class."""
    return course.task == "classify" and course.settings.get("augment") in (None, "none")


def _usual_rate(course: Course) -> float:
    return KERAS_RATES.get(str(course.settings.get("optimizer")), USUAL_RATE)


def _lower_rate(course: Course) -> float:
    """A tenth of the learning rate; far above what is usual, ten times that."""
    return _rounded(min(float(course.settings["learning_rate"]) / 10, 10 * _usual_rate(course)))


def _rounded(rate: float) -> float:
    """In two digits, as the learning-rate finder suggests them."""
    return float(f"{rate:.2g}")
