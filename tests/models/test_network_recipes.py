"""The recipes: the notebook's parameter counts, any image shape, and how each is trained."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from firstlight.core.errors import ModelError
from firstlight.core.settings import TrainSettings
from firstlight.models import RECIPES, build_model, describe_models, resolve_settings

MNIST = (28, 28, 1)
ALWAYS_RESOLVED = "epochs batch_size optimizer learning_rate schedule loss metric augment".split()


@pytest.mark.parametrize(
    ("name", "outputs", "task", "parameters"),
    [
        # As the notebook's own model.summary() counts them.
        ("simple", 10, "classify", 15_586),
        ("vgg", 1, "measure", 5_642_400),
        # By hand: 16 kernels of 5x5 and biases, then 12*12*16 numbers to 10 answers.
        ("intermediate", 10, "classify", (5 * 5 + 1) * 16 + (12 * 12 * 16 + 1) * 10),
        # By hand: two convolutions without bias, three batch normalisations of 4 each, Dense.
        (
            "compact",
            10,
            "classify",
            25 * 16 + 9 * 16 * 32 + 800 * 128 + 4 * (16 + 32 + 128) + 129 * 10,
        ),
    ],
)
def test_parameters_on_digits(name: str, outputs: int, task: Any, parameters: int) -> None:
    assert build_model(name, MNIST, outputs, task).count_params() == parameters


def test_vgg_is_the_notebooks_network() -> None:
    model = build_model("vgg", MNIST, 1, "measure")
    first, last = model.layers[0], model.layers[-1]
    assert [type(layer).__name__ for layer in model.layers].count("Conv2D") == 8
    assert not first.use_bias
    assert not last.use_bias
    assert model.layers[2].momentum == 0.9
    assert type(model.layers[2].beta_initializer).__name__ == "GlorotNormal"
    dense = [layer for layer in model.layers if type(layer).__name__ == "Dense"]
    # Layers of equal shape start differently: each has an initializer of its own.
    assert not np.array_equal(np.asarray(dense[1].kernel), np.asarray(dense[2].kernel))
    assert np.asarray(model.layers[2].beta).std() > 0


@pytest.mark.parametrize("side", [28, 64, 200])
def test_vgg_gap_has_the_same_weights_for_images_of_any_size(side: int) -> None:
    # By hand: eight convolutions of 3x3 and three dense layers, each with normalisation.
    filters = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
    convolutions = sum(9 * inside * out for inside, out in filters) + 4 * (32 + 64 + 128 + 256)
    dense = 256 * 1024 + 2 * 1024**2 + 3 * 4 * 1024 + 1024
    model = build_model("vgg-gap", (side, side, 1), 1, "measure")
    assert model.count_params() == convolutions + dense


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_what_each_recipe_ends_with(name: str) -> None:
    classify = build_model(name, (32, 32, 3), 4, "classify")
    measure = build_model(name, (32, 32, 3), 2, "measure")
    assert classify.output_shape == (None, 4)
    assert measure.output_shape == (None, 2)
    images = np.random.default_rng(0).random((2, 32, 32, 3), dtype=np.float32)
    assert np.asarray(classify(images).detach()).sum(axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert measure.layers[-1].activation.__name__ == "linear"


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 8, 1), (16, 16, 3), (23, 90, 1), (224, 224, 3)])
@pytest.mark.parametrize("name", ["compact", "residual"])
def test_any_image_size(name: str, shape: tuple[int, int, int]) -> None:
    model = build_model(name, shape, 5, "classify")
    assert model.output_shape == (None, 5)
    assert model.count_params() < 3_000_000


def test_settings_come_from_the_user_then_the_recipe_then_the_task() -> None:
    classify = resolve_settings(TrainSettings(model="vgg", epochs=2), "classify")
    assert (classify.epochs, classify.learning_rate, classify.batch_size) == (2, 0.001, 128)
    assert (classify.loss, classify.metric) == ("categorical_crossentropy", "accuracy")
    measure = resolve_settings(TrainSettings(model="vgg"), "measure")
    # The notebook's own: make_model_VGG(loss="mean_squared_error", l_rate=0.01).
    assert (measure.learning_rate, measure.loss) == (0.01, "mean_squared_error")
    assert measure.metric == "rmse"
    own = resolve_settings(TrainSettings(model="net.py:make", augment="flip"), "classify")
    assert (own.optimizer, own.schedule, own.augment) == ("adam", "constant", "flip")
    assert resolve_settings(TrainSettings(model="compact"), "classify").schedule == "one-cycle"
    for name in RECIPES:
        resolved = resolve_settings(TrainSettings(model=name), "classify")
        assert None not in [getattr(resolved, name) for name in ALWAYS_RESOLVED]


@pytest.mark.parametrize(
    ("images", "batch_size", "epochs"),
    [(None, 128, 1), (55_000, 128, 1), (20_000, 128, 3), (1_000, 64, 25), (60, 8, 40), (3, 8, 40)],
)
def test_small_data_get_smaller_batches_and_more_epochs(images, batch_size, epochs):
    # By hand: 20,000 / 128 is 157 batches, and 400 steps are 3 epochs of them.
    resolved = resolve_settings(TrainSettings(model="compact"), "classify", images)
    assert (resolved.batch_size, resolved.epochs) == (batch_size, epochs)


def test_what_the_user_says_stays_with_small_data():
    asked = TrainSettings(model="compact", batch_size=100, epochs=2)
    resolved = resolve_settings(asked, "classify", 60)
    assert (resolved.batch_size, resolved.epochs) == (100, 2)


def test_the_table_of_models() -> None:
    rows = {row["name"]: row for row in describe_models(MNIST, 10)}
    assert list(rows) == list(RECIPES)
    # By hand: 13*13*8 values of 2*256 operations, a bias and a ReLU; 10 answers and a softmax.
    assert rows["simple"]["flops"] == 13 * 13 * 8 * (2 * 256 + 2) + 10 * (2 * 1352 + 1 + 3)
    assert all(row["parameters"] > 0 for row in rows.values())
    small = {row["name"]: row for row in describe_models((8, 8, 1), 10)}
    assert small["simple"]["parameters"] is None
    assert small["compact"]["parameters"] > 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("simpel", "there is no model called simpel: did you mean simple?"),
        ("zzz", "choose one of compact, intermediate, maps, residual, simple, vgg, vgg-gap\\."),
        ("old.h5", r"old\.h5 cannot be read: give a \.keras file"),
    ],
)
def test_a_name_that_stands_for_nothing(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        build_model(name, MNIST, 10, "classify")


def test_a_typing_mistake_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("- Flatten\n- Dense: {units: 1000000}\n- Dense: {units: 1000000}\n")
    with pytest.raises(ModelError, match="would have 1,000,786,000,000 weights"):
        build_model(str(path), MNIST, 10, "classify")
