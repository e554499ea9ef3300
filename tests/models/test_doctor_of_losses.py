"""The shape doctor about losses, metrics and last layers."""

from pathlib import Path
from typing import Any

import pytest
from doctor_checks import CONV, ENOUGH, FLAT, LAST, LINEAR, MNIST, POOL, check

from firstlight.core.findings import Layer
from firstlight.core.losses import LOSSES
from firstlight.models import (
    check_model,
    fitting_loss,
)


@pytest.mark.parametrize(
    ("last", "loss", "level", "code", "ends_with"),
    [
        ("softmax", None, "error", "answers-cannot-reach", "linear"),
        ("sigmoid", None, "warning", "answers-cannot-reach", "linear"),
        (None, "categorical_crossentropy", "error", "loss-does-not-fit", None),
        (None, "hinge", "error", "loss-does-not-fit", None),
        (None, "poisson", "warning", "loss-does-not-fit", "softplus"),
        ("tanh", "poisson", "warning", "loss-does-not-fit", "softplus"),
        ("softmax", "poisson", "error", "answers-cannot-reach", "softplus"),
    ],
)
def test_measuring(
    tmp_path: Path, last: str | None, loss: str | None, level: str, code: str, ends_with: str | None
) -> None:
    dense = Layer("Dense", {"units": 2, **({"activation": last} if last else {})})
    checkup = check(tmp_path, [FLAT, dense], outputs=2, task="measure", loss=loss)
    (finding,) = checkup.findings
    assert (finding.level, finding.code) == (level, code)
    assert finding.fix is not None
    if ends_with is None:
        assert finding.fix.settings == {"loss": "mean_squared_error"}
    else:
        assert checkup.mended is not None
        assert checkup.mended[-1].arguments["activation"] == ends_with


def test_softmax_with_one_output_where_a_number_is_measured(tmp_path: Path) -> None:
    checkup = check(tmp_path, [FLAT, LAST], outputs=1, task="measure")
    (finding,) = checkup.findings
    assert finding.code == "softmax-with-one-output"
    assert checkup.mended is not None
    assert checkup.mended[-1].arguments["activation"] == "linear"


@pytest.mark.parametrize(
    ("loss", "ending", "level", "settings", "ends_with"),
    [
        ("mean_squared_error", "softmax", "warning", "categorical_crossentropy", None),
        ("binary_crossentropy", "softmax", "warning", "categorical_crossentropy", None),
        ("categorical_crossentropy", "sigmoid", "warning", None, "softmax"),
        ("binary_crossentropy", "relu", "error", None, "sigmoid"),
        ("sparse_categorical_crossentropy", "tanh", "error", None, "softmax"),
        ("categorical_focal_crossentropy", "linear", "error", None, "softmax"),
        ("kl_divergence", "linear", "error", None, "softmax"),
        ("binary_focal_crossentropy", "linear", "error", None, "sigmoid"),
        ("binary_focal_crossentropy", "softmax", "warning", "categorical_crossentropy", None),
        ("categorical_generalized_cross_entropy", "sigmoid", "warning", None, "softmax"),
        ("dice", "linear", "error", None, "softmax"),
        ("hinge", "softmax", "warning", "categorical_crossentropy", None),
        ("poisson", "softmax", "error", "categorical_crossentropy", None),
        ("mean_absolute_percentage_error", "linear", "error", "categorical_crossentropy", None),
    ],
)
def test_losses_and_last_layers(
    tmp_path: Path,
    loss: str,
    ending: str,
    level: str,
    settings: str | None,
    ends_with: str | None,
) -> None:
    dense = Layer("Dense", {"units": "outputs", "activation": ending})
    checkup = check(tmp_path, [FLAT, dense], loss=loss)
    (finding,) = checkup.findings
    assert (finding.level, finding.code) == (level, "loss-does-not-fit")
    assert finding.fix is not None
    assert finding.fix.settings.get("loss") == settings
    if ends_with is not None:
        assert checkup.mended is not None
        assert checkup.mended[-1].arguments["activation"] == ends_with


@pytest.mark.parametrize("task", ["classify", "measure"])
@pytest.mark.parametrize("loss", LOSSES)
def test_what_fits_is_left_alone(tmp_path: Path, task: Any, loss: str) -> None:
    if task not in LOSSES[loss].tasks:
        return
    ending = LOSSES[loss].endings[:1] or ("linear",)
    last = Layer("Dense", {"units": "outputs", "activation": ending[0]})
    checkup = check(tmp_path, [CONV, POOL, FLAT, last], task=task, loss=loss)
    assert (checkup.findings, checkup.mended) == ((), None)


def test_a_metric_of_the_other_task(tmp_path: Path) -> None:
    (finding,) = check(tmp_path, [FLAT, LAST], metric="rmse").findings
    assert finding.message == "the metric rmse says nothing where classes are told apart."
    assert finding.fix is not None
    assert finding.fix.settings == {"metric": "accuracy"}
    # Each metric that is named exists, or this would raise.
    assert finding.fix.sentence == "use accuracy"
    assert check(tmp_path, [FLAT, LAST], metric="accuracy").findings == ()
    (finding,) = check(tmp_path, [FLAT, LINEAR], task="measure", metric="accuracy").findings
    assert finding.fix is not None
    assert finding.fix.sentence == "use rmse"


def test_top_5_of_five_classes_is_refused(tmp_path: Path) -> None:
    (finding,) = check(tmp_path, [FLAT, LAST], outputs=5, metric="top_5").findings
    assert finding.message == "the metric top_5 says nothing where there are 5 classes."
    assert check(tmp_path, [FLAT, LAST], outputs=6, metric="top_5").findings == ()


SIGMOID = Layer("Dense", {"units": 1, "activation": "sigmoid"})


def test_one_sigmoid_tells_two_classes_apart(tmp_path: Path, notebook: Path) -> None:
    for loss in (None, "binary_crossentropy"):
        assert check(tmp_path, [FLAT, SIGMOID], outputs=2, loss=loss).findings == ()
    for loss in ("categorical_crossentropy", "kl_divergence", "categorical_hinge"):
        checkup = check(tmp_path, [FLAT, SIGMOID], outputs=2, loss=loss)
        (finding,) = checkup.findings
        assert (finding.level, finding.code) == ("error", "loss-does-not-fit")
        assert finding.message == (
            f"{loss} compares a probability for each class, but the network ends with one sigmoid."
        )
        assert finding.fix is not None
        assert finding.fix.settings == {"loss": "binary_crossentropy"}
        assert checkup.mended is None
    notebook.write_text(
        "import keras\n"
        "def make(image_shape):\n"
        "    images = keras.Input(image_shape)\n"
        "    flat = keras.layers.Flatten()(images)\n"
        "    return keras.Model(images, keras.layers.Dense(1, activation='sigmoid')(flat))\n"
    )
    assert check_model(f"{notebook}:make", MNIST, 2, "classify", memory=ENOUGH).findings == ()
    assert check_model(f"{notebook}:make", MNIST, 3, "classify").errors[0].code == (
        "wrong-number-of-outputs"
    )


def test_one_sigmoid_for_more_classes_is_widened(tmp_path: Path) -> None:
    checkup = check(tmp_path, [FLAT, SIGMOID], outputs=3)
    assert checkup.errors[0].code == "wrong-number-of-outputs"
    assert checkup.mended is not None
    assert checkup.mended[-1].arguments == {"units": "outputs", "activation": "softmax"}


@pytest.mark.parametrize(
    ("units", "activation", "task", "loss"),
    [
        (1, "sigmoid", "classify", "binary_crossentropy"),
        (2, "sigmoid", "classify", "categorical_crossentropy"),
        (2, "softmax", "classify", "categorical_crossentropy"),
        (1, None, "measure", "mean_squared_error"),
        (1, "sigmoid", "measure", "mean_squared_error"),
    ],
)
def test_the_loss_that_fits(
    keras: Any, units: int, activation: str | None, task: Any, loss: str
) -> None:
    last = keras.layers.Dense(units, activation=activation)
    assert fitting_loss(keras.Sequential([keras.Input((3,)), last]), task) == loss
