"""The diagnosis of a training, on curves that were made by hand for each rule."""

from typing import Any

import pytest

from firstlight.core.diagnosing import diagnose
from firstlight.core.diagnosis import Course, EpochScores, LayerUnits

SETTINGS: dict[str, Any] = {
    "model": "simple",
    "metric": "accuracy",
    "epochs": 10,
    "learning_rate": 0.001,
    "optimizer": "adam",
    "schedule": "constant",
    "augment": "none",
    "patience": None,
}
# A training as it should be: both losses fall, and are nearly flat in the end.
FALLING = [1.0, 0.5, 0.3, 0.2, 0.15, 0.12, 0.11, 0.105, 0.102, 0.1]
RISING = [0.6, 0.8, 0.9, 0.93, 0.95, 0.96, 0.97, 0.97, 0.97, 0.97]


def course(
    losses: list[float] = FALLING,
    values: list[float] | None = None,
    held_out: list[float] | None = None,
    validation_values: list[float] | None = None,
    **given: Any,
) -> Course:
    values = (RISING * 2)[: len(losses)] if values is None else values
    rows = zip(losses, values, held_out or losses, validation_values or values, strict=True)
    epochs = tuple(EpochScores(number + 1, *row) for number, row in enumerate(rows))
    known: dict[str, Any] = {
        "settings": SETTINGS | given.pop("settings", {}),
        "task": "classify",
        "images": 5000,
        "validation_images": 500,
        "classes": 10,
        "constant": 0.1,
        "beginning": 2.3,
    }
    return Course(epochs=epochs, **known | given)


def codes(asked: Course) -> list[str]:
    return [found.code for found in diagnose(asked)]


def test_a_training_as_it_should_be_has_nothing_to_say() -> None:
    assert diagnose(course()) == ()
    # Nor while it trains, nor before anything is known.
    assert diagnose(course(FALLING[:2], over=False)) == ()
    assert diagnose(course([], over=False)) == ()


def test_a_loss_that_is_no_number_any_more() -> None:
    (found,) = diagnose(course(FALLING[:3], diverged=True, settings={"learning_rate": 0.02}))
    assert (found.level, found.code) == ("warning", "learning-rate-too-high")
    assert "In epoch 4 " in found.evidence
    assert found.settings == {"learning_rate": 0.002}


@pytest.mark.parametrize(
    ("losses", "jumps"),
    [
        # Above twice the loss before the first step, which is 2.3.
        ([4.7, 2.3, 2.2], True),
        ([4.5, 2.3, 2.2], False),
        # Twice the lowest before, and by more than a tenth of the first.
        ([1.0, 0.3, 0.7], True),
        ([1.0, 0.3, 0.55], False),
        ([1.0, 0.01, 0.05], False),
        # A loss below 0, as of `gaussian`, has no double.
        ([1.0, -2.0, -1.5], False),
    ],
)
def test_a_loss_that_jumps(losses: list[float], jumps: bool) -> None:
    assert ("learning-rate-too-high" in codes(course(losses, over=False))) is jumps


def test_far_above_the_usual_rate_a_tenth_is_not_enough() -> None:
    (found,) = diagnose(course([50.0, 9.0, 4.0], settings={"learning_rate": 10.0}, over=False))
    assert found.settings == {"learning_rate": 0.01}
    sgd = {"learning_rate": 10.0, "optimizer": "sgd"}
    (found,) = diagnose(course([50.0, 9.0, 4.0], settings=sgd, over=False))
    assert found.settings == {"learning_rate": 0.1}


def test_no_better_than_the_same_answer_for_all() -> None:
    flat, chance = [2.3] * 10, [0.1] * 10
    (found,) = diagnose(course(flat, chance))
    assert found.code == "not-learning"
    assert "10.0 %" in found.evidence
    assert found.settings == {"learning_rate": 0.01}
    (found,) = diagnose(course(flat, chance, settings={"learning_rate": 0.1}))
    assert found.settings == {"learning_rate": 0.01}
    # The standard error of 10 % of 500 images is 1.34 %: 13 % is more than chance, 12 % is not.
    assert codes(course(flat, chance, flat, [0.12] * 10)) == ["not-learning"]
    assert "not-learning" not in codes(course(flat, chance, flat, [0.13] * 10))


def test_it_is_not_judged_before_the_learning_rate_has_risen() -> None:
    flat, chance = [2.3] * 10, [0.1] * 10
    long = {"epochs": 100}
    assert codes(course(flat, chance, settings=long, over=False)) == []
    assert codes(course(flat * 2, chance * 2, settings=long, over=False)) == ["not-learning"]
    assert codes(course(flat[:1], chance[:1], settings={"epochs": 1})) == ["not-learning"]


def test_images_that_are_learned_and_say_nothing_of_others() -> None:
    """As with labels that were shuffled."""
    found = diagnose(course(FALLING, RISING, [2.3] * 10, [0.11] * 10))
    assert [one.code for one in found] == ["not-learning"]
    assert "97.0 %" in found[0].evidence
    assert "labels" in found[0].experiment
    # Of five validation images one or two are right by chance, and so are none.
    few = {"validation_images": 5}
    assert codes(course(FALLING, [0.6] * 10, FALLING, [0.3] * 10, **few)) == []


def test_better_on_the_training_images_than_on_others() -> None:
    (found,) = diagnose(course(FALLING, RISING, FALLING, [0.5] * 7 + [0.8] * 3))
    assert (found.code, found.settings) == ("overfitting", {"augment": "shift:1"})
    assert "97.0 % on the training images and 80.0 % on the validation" in found.evidence
    augmented = {"augment": "shift:1"}
    (found,) = diagnose(course(FALLING, RISING, FALLING, [0.8] * 10, settings=augmented))
    assert found.settings == {"patience": 5}
    # A tenth is the limit; with few validation images, two standard errors of their accuracy.
    assert codes(course(FALLING, RISING, FALLING, [0.88] * 10)) == []
    assert codes(course(FALLING, RISING, FALLING, [0.86] * 10)) == ["overfitting"]
    few = {"validation_images": 20}
    assert codes(course(FALLING, RISING, FALLING, [0.86] * 10, **few)) == []


def test_a_validation_loss_that_rises() -> None:
    held_out = [1.0, 0.5, 0.4, 0.4, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65]
    (found,) = diagnose(course(FALLING, held_out=held_out))
    assert found.code == "overfitting"
    assert "was 0.4 in epochs 3 to 5 and is 0.6 now" in found.evidence
    # Nor does it need numbers above 0: all of it may lie lower.
    below = [value - 3 for value in held_out]
    assert codes(course([x - 3 for x in FALLING], held_out=below)) == ["overfitting"]
    # It has to be a tenth of the 0.6 that it had fallen by.
    for end, found_too in ((0.45, []), (0.47, ["overfitting"])):
        assert codes(course(FALLING, held_out=[1.0, 0.5, *[0.4] * 5, *[end] * 3])) == found_too
    # Up and down by chance, a little above the lowest, and where training rises as well.
    assert codes(course(FALLING, held_out=[*FALLING[:7], 0.12, 0.11, 0.12])) == []
    assert codes(course([*FALLING[:5], *[0.25] * 5], held_out=held_out)) == []


def values(error: float, of_others: float, metric: str = "rmse", **given: Any) -> Course:
    settings = {"metric": metric, **given.pop("settings", {})}
    known = {"task": "measure", "classes": 0, "constant": 2.0, "beginning": 1.0, "images": 900}
    return course(
        FALLING, [error] * 10, FALLING, [of_others] * 10, settings=settings, **known | given
    )


def test_the_same_for_values() -> None:
    assert codes(values(0.5, 0.6)) == []
    assert codes(values(1.95, 1.95)) == ["not-learning"]
    (found,) = diagnose(values(0.5, 0.8))
    assert (found.code, found.settings) == ("overfitting", {"patience": 5})
    assert codes(values(0.5, 1.95)) == ["not-learning"]
    # rmse 0.5 and 0.8 as other metrics have them, where the same answer for all is off by 2.
    assert codes(values(0.25, 0.64, "mse", constant=4.0)) == ["overfitting"]
    assert codes(values(0.25, 0.36, "mse", constant=4.0)) == []
    assert codes(values(1 - 0.0625, 1 - 0.16, "r2", constant=0.0)) == ["overfitting"]
    assert codes(values(1 - 0.0625, 1 - 0.09, "r2", constant=0.0)) == []


def test_not_even_the_training_images() -> None:
    losses = [2.0, 1.6, 1.5, 1.45, 1.44, 1.44, 1.44, 1.44, 1.44, 1.44]
    (found,) = diagnose(course(losses, [0.4] * 10))
    assert (found.code, found.settings) == ("underfitting", {"model": "compact"})
    # 0.4 is a third of the way from 0.1 to 1.
    assert "40.0 %: 33 % of the way" in found.evidence
    assert codes(course(losses, [0.56] * 10)) == []
    (found,) = diagnose(course(losses, [0.4] * 10, settings={"schedule": "one-cycle"}))
    assert found.settings == {"epochs": 30}
    (found,) = diagnose(course(losses, [0.4] * 10, settings={"model": "mine.yaml"}))
    assert found.settings == {}


def test_a_training_that_ended_too_early() -> None:
    line = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.25, 0.2]
    (found,) = diagnose(course(line))
    assert (found.level, found.code) == ("advice", "still-improving")
    assert "from 0.3 to 0.2" in found.evidence
    assert found.settings == {"epochs": 20}
    # Where the schedule itself brings the loss down towards the end, that says nothing.
    assert codes(course(line, settings={"schedule": "one-cycle"})) == []
    assert codes(course(line, over=False)) == []
    # One that was stopped early by --patience had its time.
    assert codes(course(line, settings={"epochs": 50, "patience": 3})) == []


def test_units_that_answer_nothing() -> None:
    units = (LayerUnits("one", 10, 3), LayerUnits("two", 10, 4))
    (found,) = diagnose(course(units=units))
    assert found.code == "dead-units"
    assert "layer two, 4 of 10" in found.evidence
    assert found.settings == {"learning_rate": 0.0001}
    assert codes(course(units=units[:1])) == []


def test_few_images() -> None:
    (found,) = diagnose(course(images=990, validation_images=50))
    assert (found.level, found.code) == ("advice", "few-images")
    assert "990 training images, 99 of each class" in found.evidence
    assert "is 2.0 % of them" in found.evidence
    assert codes(course(images=1000)) == []
    assert codes(values(0.5, 0.6, images=299)) == ["few-images"]
    assert codes(values(0.5, 0.6, images=300)) == []


def test_old_runs_that_say_less() -> None:
    assert codes(course(constant=None, beginning=None)) == []
    assert codes(course([2.3] * 10, [0.1] * 10, constant=None)) == []
