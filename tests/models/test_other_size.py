"""A network for images of another size, held against Keras's own, built for that size."""

import numpy as np
import pytest

from firstlight.core.errors import ModelError
from firstlight.models import (
    answer_in_units,
    build_model,
    for_size,
    import_keras,
    prepare_model,
)

keras = import_keras()
layers = keras.layers
RANDOM = np.random.default_rng(0)
SMALL = RANDOM.normal(size=(4, 16, 16, 1)).astype("float32")
OTHER = RANDOM.normal(3, 2, size=(3, 24, 37, 1)).astype("float32")


def trained(model):
    """The model with weights and moving statistics that are not those of the beginning."""
    for variable in model.variables:
        values = np.random.default_rng(1).uniform(0.5, 1.5, variable.shape)
        variable.assign(values * np.where(variable.numpy() == 0, 0.1, variable.numpy()))
    return model


def made_for(height, width):
    """A small network as Keras builds it, of images of any size."""
    image = keras.Input((height, width, 1))
    x = layers.Conv2D(5, 3, strides=2, padding="same")(image)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    y = layers.Conv2D(5, 3, padding="same")(x)
    x = layers.GlobalAveragePooling2D()(layers.Add()([x, y])[:, 1:, ..., ::2] * 2.0)
    return keras.Model(image, layers.Dense(2)(x))


def test_it_answers_as_kerass_own_model_of_that_size():
    model = trained(made_for(16, 16))
    keras_own = made_for(24, 37)
    keras_own.set_weights(model.get_weights())
    found = for_size(model, 24, 37)
    assert found.input_shape == (None, 24, 37, 1)
    np.testing.assert_array_equal(
        found.predict(OTHER, verbose=0), keras_own.predict(OTHER, verbose=0)
    )
    assert all(a is b for a, b in zip(found.variables, model.variables, strict=True))
    assert for_size(model, 16, 16) is model


@pytest.mark.parametrize("name", ["vgg-gap", "residual"])
def test_recipes_with_preparation_units_and_numbers_beside(name):
    """Held against the network inside, fed with what the preparation says it is fed with."""
    inner = build_model(name, (16, 16, 2), 1, "measure")
    side = RANDOM.normal(8, 1, size=(4, 1)).astype("float32")
    whole = prepare_model(inner, "standardise", SMALL, side)
    whole = trained(answer_in_units(whole, np.array([[3.0], [5.0]])))
    z = np.array([[7.0], [8.0], [9.5]], "float32")
    found = for_size(whole, 24, 37).predict([OTHER, z], verbose=0)

    by_hand = build_model(name, (24, 37, 2), 1, "measure")
    by_hand.set_weights(inner.get_weights())
    pixels = (OTHER - SMALL.mean(dtype="float64")) / SMALL.std(dtype="float64")
    numbers = (z - side.mean(dtype="float64")) / side.std(dtype="float64")
    planes = np.broadcast_to(numbers[:, None, None], OTHER.shape)
    fed = np.concatenate([pixels, planes], axis=-1).astype("float32")
    expected = 4 + by_hand.predict(fed, verbose=0)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_network_with_a_weight_for_each_pixel_is_refused():
    model = build_model("compact", (16, 16, 1), 10, "classify")
    with pytest.raises(ModelError, match="images of 16 x 16 pixels were expected") as refused:
        for_size(model, 24, 37)
    assert "since layer dense (Dense) takes no others, but 24 x 37 came" in str(refused.value)
    assert "--model vgg-gap or residual" in str(refused.value)


def test_images_too_small_for_the_network_are_refused():
    model = build_model("vgg-gap", (16, 16, 1), 10, "classify")
    with pytest.raises(ModelError, match=r"max_pooling2d.*, but 4 x 4 came"):
        for_size(model, 4, 4)


def test_an_upsampling_of_the_users_own_stays_as_it_is():
    image = keras.Input((8, 8, 1))
    up = layers.UpSampling2D((3, 3), name="larger")(image)
    model = keras.Model(image, up)
    assert for_size(model, 10, 12).output_shape == (None, 30, 36, 1)
