"""The preparation is the model's first layer and does what NumPy does by hand."""

from typing import Any

import numpy as np
import pytest
import torch

from firstlight.core.errors import ModelError
from firstlight.models import (
    answer_in_units,
    build_model,
    default_preparation,
    load_model,
    prepare_model,
    save_model,
)
from firstlight.models.backend import import_keras
from firstlight.models.preparation import channel_statistics, stretch_of
from firstlight.training import lower


def answer(model: Any, images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(model(images).detach())


def pixels(dtype: str) -> np.ndarray[Any, Any]:
    random = np.random.default_rng(1)
    if np.dtype(dtype).kind == "f":
        return random.normal(3.0, 2.0, (9, 32, 32, 3)).astype(dtype)
    return random.integers(0, np.iinfo(dtype).max, (9, 32, 32, 3), dtype, endpoint=True)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("preparation", ["rescale", "standardise"])
def test_it_does_what_numpy_does(residual: Any, dtype: str, preparation: str) -> None:
    images = pixels(dtype)
    if (dtype, preparation) == ("float32", "rescale"):
        with pytest.raises(ModelError, match="rescale needs pixels of a type with a known largest"):
            prepare_model(residual, preparation, images)
        return
    by_hand = (
        images / np.iinfo(dtype).max
        if preparation == "rescale"
        else (images - images.mean((0, 1, 2))) / images.std((0, 1, 2))
    )
    prepared = prepare_model(residual, preparation, images)
    np.testing.assert_allclose(
        answer(prepared, images.astype("float32")),
        answer(residual, by_hand.astype("float32")),
        atol=1e-5,
    )


def decades() -> np.ndarray[Any, Any]:
    """Faint noise around 5 with a few sources up to a million times as bright, in two channels."""
    random = np.random.default_rng(3)
    images = random.normal(5, [0.5, 4], (12, 20, 20, 2))
    bright = random.random((12, 20, 20)) < 0.02
    images[bright] += 10 ** random.uniform(1, 6, (int(bright.sum()), 1))
    return images.astype("float32")


def test_asinh_does_what_numpy_does(keras: Any) -> None:
    images = decades()
    model = build_model("simple", (20, 20, 2), 3, "classify")
    prepared = prepare_model(model, "asinh", images)
    pixels = images.astype(float).reshape(-1, 2)
    middle = np.median(pixels, axis=0)
    scale = 1.4826 * np.median(abs(pixels - middle), axis=0)
    # The medians find the noise, whatever the sources do.
    np.testing.assert_allclose(middle, 5, atol=0.5)
    np.testing.assert_allclose(scale, [0.5, 4], rtol=0.1)
    by_hand = np.arcsinh((images - middle) / scale)
    by_hand = (by_hand - by_hand.mean((0, 1, 2))) / by_hand.std((0, 1, 2))
    assert abs(by_hand).max() < 20
    expected = answer(model, by_hand.astype("float32"))
    np.testing.assert_allclose(answer(prepared, images), expected, atol=2e-4)


def test_asinh_stands_beside_numbers_and_is_lowered(tmp_path: Any, keras: Any) -> None:
    images, side = decades(), np.arange(12, dtype=np.float32)[:, None]
    model = build_model("simple", (20, 20, 3), 1, "measure")
    both = prepare_model(model, "asinh", images, side)
    save_model(both, tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    expected = both.predict([images, side], verbose=0)
    network = lower(again)
    assert network.in_keras == []
    ours = network(torch.from_numpy(images), torch.from_numpy(side)).detach().numpy()
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-4)


def test_asinh_where_nearly_all_pixels_are_alike() -> None:
    images = np.zeros((4, 20, 20, 1), "float32")
    assert stretch_of(images)[1] == 1
    images[0, :2, :2, 0] = [[100, 300], [300, 100]]
    middle, scale = stretch_of(images)
    assert (middle, scale) == (0, 200)
    model = build_model("simple", (20, 20, 1), 3, "classify")
    assert np.isfinite(answer(prepare_model(model, "asinh", images), images)).all()


def test_a_chain_stays_a_chain_and_shares_its_layers(simple: Any, keras: Any) -> None:
    images = np.zeros((2, 28, 28, 1), "uint8")
    prepared = prepare_model(simple, "rescale", images)
    assert isinstance(prepared, keras.Sequential)
    assert prepared.layers[1:] == simple.layers
    assert prepare_model(prepared, "standardise", images) is prepared
    assert prepare_model(simple, "none", images) is simple


def test_a_functional_model_that_is_prepared_already_is_left(residual: Any) -> None:
    images = pixels("uint8")
    prepared = prepare_model(residual, "rescale", images)
    assert prepare_model(prepared, "rescale", images) is prepared


def test_a_preparation_behind_layers_without_weights_is_found(keras: Any) -> None:
    """The order of Keras's own tutorial: flip first, then rescale."""
    images = np.zeros((2, 8, 8, 1), "uint8")
    layers = keras.layers

    def chain(*parts: Any) -> Any:
        return keras.Sequential([keras.Input((8, 8, 1)), *parts])

    augmented = (layers.RandomFlip(), layers.RandomRotation(0.1))
    last = (layers.Flatten(), layers.Dense(2))
    nested = chain(chain(*augmented, layers.Rescaling(1 / 255)), *last)
    inputs = keras.Input((8, 8, 1))
    graph = keras.Model(inputs, chain(layers.Normalization(), *last)(augmented[0](inputs)))
    for model in (chain(*augmented, layers.Rescaling(1 / 255), *last), nested, graph):
        assert prepare_model(model, "rescale", images) is model
    late = chain(layers.Conv2D(1, 3), layers.Rescaling(1 / 255))
    for model in (late, chain(*augmented, *last)):
        assert prepare_model(model, "rescale", images).layers[0].name == "rescaling"


def test_an_unknown_preparation(simple: Any) -> None:
    with pytest.raises(ModelError, match="no preparation called rescaled: did you mean rescale"):
        prepare_model(simple, "rescaled", np.zeros((2, 28, 28, 1), "uint8"))


def test_statistics_in_pieces_keep_their_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    # A large mean and a small spread: one pass in float32 would lose the variance altogether.
    images = (1e4 + np.random.default_rng(2).random((50, 8, 8, 2))).astype("float32")
    monkeypatch.setattr("firstlight.models.preparation._CHUNK_BYTES", 3 * 8 * 8 * 2 * 8)
    mean, variance = channel_statistics(images)
    exact = images.astype(np.float64)
    np.testing.assert_allclose(mean, exact.mean((0, 1, 2)), rtol=1e-14)
    np.testing.assert_allclose(variance, exact.var((0, 1, 2)), rtol=1e-10)


def test_the_default_goes_by_the_type() -> None:
    named = {dtype: default_preparation(dtype) for dtype in ("uint8", "uint16", "float64", "int32")}
    assert named == {
        "uint8": "rescale",
        "uint16": "rescale",
        "float64": "standardise",
        "int32": "standardise",
    }


def test_a_constant_channel_does_not_divide_by_zero() -> None:
    model = build_model("simple", (28, 28, 1), 10, "classify")
    images = np.full((3, 28, 28, 1), 7, "uint8")
    prepared = prepare_model(model, "standardise", images)
    assert np.isfinite(answer(prepared, images.astype("float32"))).all()


@pytest.mark.parametrize("name", ["simple", "residual"])
def test_measured_values_come_in_their_units(name: str) -> None:
    targets = np.array([[10.0, 4000.0, 7.0], [30.0, 6000.0, 7.0]], np.float32)
    model = build_model(name, (20, 20, 1), 3, "measure")
    in_units = answer_in_units(model, targets)
    images = np.random.default_rng(0).uniform(0, 1, (4, 20, 20, 1)).astype("float32")
    plain, scaled = (m.predict(images, verbose=0) for m in (model, in_units))
    # By hand: standard deviations 10, 1000 and none; means 20, 5000 and 7.
    np.testing.assert_allclose(scaled, plain * [10, 1000, 1] + [20, 5000, 7], rtol=1e-4)
    assert in_units.count_params() == model.count_params()


def test_a_bounded_answer_stays_as_it_is() -> None:
    keras = import_keras()
    last = keras.layers.Dense(1, activation="sigmoid")
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten(), last])
    assert answer_in_units(model, np.array([[1.0], [3.0]])) is model


def test_spreads_come_in_units_of_the_targets() -> None:
    targets = np.array([[10.0, 4000.0], [30.0, 6000.0]], np.float32)
    model = build_model("simple", (20, 20, 1), 4, "measure")
    images = np.random.default_rng(0).uniform(0, 1, (4, 20, 20, 1)).astype("float32")
    plain = model.predict(images, verbose=0)
    scaled = answer_in_units(model, targets).predict(images, verbose=0)
    np.testing.assert_allclose(scaled[:, :2], plain[:, :2] * [10, 1000] + [20, 5000], rtol=1e-4)
    # What was a standard deviation of one becomes that of the targets.
    expected = np.exp(plain[:, 2:]) * [10, 1000]
    np.testing.assert_allclose(np.exp(scaled[:, 2:]), expected, rtol=1e-4)


@pytest.mark.parametrize("preparation", ["none", "standardise"])
def test_numbers_beside_an_image_become_channels_of_it(preparation: str) -> None:
    rng = np.random.default_rng(1)
    images = rng.normal(5, 3, (6, 20, 20, 1)).astype("float32")
    side = rng.normal([8, 100], [1, 30], (6, 2)).astype("float32")
    model = build_model("simple", (20, 20, 3), 1, "measure")
    both = prepare_model(model, preparation, images, side)
    pixels = images
    if preparation == "standardise":
        pixels = (images - images.mean()) / images.std()
    planes = np.broadcast_to(((side - side.mean(0)) / side.std(0))[:, None, None], (6, 20, 20, 2))
    by_hand = model.predict(np.concatenate([pixels, planes], axis=3), verbose=0)
    np.testing.assert_allclose(both.predict([images, side], verbose=0), by_hand, rtol=2e-4)


def test_a_number_that_is_always_the_same_does_not_divide_by_zero() -> None:
    model = build_model("simple", (20, 20, 2), 1, "measure")
    images = np.random.default_rng(1).normal(size=(3, 20, 20, 1)).astype("float32")
    both = prepare_model(model, "none", images, np.full((3, 1), 7, np.float32))
    assert np.isfinite(both.predict([images, np.full((3, 1), 8.0)], verbose=0)).all()
