"""Patch, weights and bias add up to what Keras answers there; oracle: Keras itself."""

import numpy as np
import pytest

from firstlight.core.errors import ModelError, SettingError
from firstlight.explain import kernel_at_work, open_model
from firstlight.models import import_keras

keras = import_keras()
ACTIVATIONS = {"linear": lambda x: x, "relu": lambda x: max(x, 0.0), "tanh": np.tanh}


def keras_answer(model, layer, image):
    answers = keras.Model(model.inputs[0], model.get_layer(layer).output)(image[None])
    return keras.ops.convert_to_numpy(answers)[0]


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("plain_model", "first"),
        ("plain_model", "second"),
        ("odd_model", "grouped"),
        ("odd_model", "depthwise"),
        ("odd_model", "separable"),
    ],
)
def test_every_number_of_a_layer_adds_up(name, layer, request, random):
    model = request.getfixturevalue(name)
    opened = open_model(model)
    image = random.normal(size=model.input_shape[1:]).astype("float32")
    if name == "plain_model":
        image *= 255
    expected = keras_answer(model, layer, image)
    for filter, row, column in np.ndindex(expected.shape[2], *expected.shape[:2]):
        work = kernel_at_work(opened, image, layer, filter, (row, column))
        value = ACTIVATIONS[work.activation](work.total)
        assert value == pytest.approx(expected[row, column, filter], rel=1e-5, abs=2e-5)
        assert work.value == pytest.approx(expected[row, column, filter], rel=1e-5, abs=2e-5)
        assert work.total == pytest.approx(work.channel_sums.sum() + work.bias)


def test_padding_is_known_as_such(plain_model, random):
    image = random.integers(1, 255, (9, 8, 2))
    opened = open_model(plain_model)
    # 9 rows in steps of 2 with 3 under the kernel: 2 rows of padding, one of them before. 8
    # columns: 1 of padding, which goes after.
    corner = kernel_at_work(opened, image, "first", 0, (0, 0))
    assert corner.rows.tolist() == [-1, 0, 1]
    assert corner.columns.tolist() == [0, 1, 2]
    assert corner.inside.tolist() == [[False] * 3, [True] * 3, [True] * 3]
    assert not corner.patch[0].any()
    np.testing.assert_allclose(corner.patch[1:], image[:2, :3] / 255, rtol=1e-6)
    end = kernel_at_work(opened, image, "first", 0, (4, 3))
    assert end.inside.tolist() == [[True, True, False]] * 2 + [[False] * 3]


def test_a_group_sees_its_own_channels(odd_model, random):
    opened = open_model(odd_model)
    image = random.normal(size=(11, 10, 4)).astype("float32")
    channels = [kernel_at_work(opened, image, "grouped", k, (5, 5)).channels for k in range(6)]
    assert [one.tolist() for one in channels] == [[0, 1]] * 3 + [[2, 3]] * 3
    dilated = kernel_at_work(opened, image, "grouped", 0, (5, 5))
    assert dilated.rows.tolist() == [3, 5, 7]
    alone = [kernel_at_work(opened, image, "depthwise", k, (0, 0)).channels for k in (0, 1, 11)]
    assert [one.tolist() for one in alone] == [[0], [0], [5]]


def test_the_largest_answer_is_shown_unless_asked_otherwise(plain_model, random):
    image = random.integers(0, 255, (9, 8, 2))
    expected = keras_answer(plain_model, "first", image.astype("float32"))
    work = kernel_at_work(open_model(plain_model), image)
    assert work.layer == "first"
    assert work.value == pytest.approx(expected.max(), rel=1e-5)
    sums = np.abs(work.channel_sums[work.largest_channels])
    assert (np.diff(sums) <= 0).all()


def test_what_is_not_there_is_refused(plain_model):
    opened, image = open_model(plain_model), np.zeros((9, 8, 2))
    with pytest.raises(ModelError, match="no layer called thrid: it has rescaling"):
        kernel_at_work(opened, image, "thrid")
    with pytest.raises(ModelError, match="last is a Dense, but a convolution was expected"):
        kernel_at_work(opened, image, "last")
    with pytest.raises(SettingError, match="a filter 0 to 5, but 6 came"):
        kernel_at_work(opened, image, "first", 6)
    with pytest.raises(SettingError, match="a row 0 to 4, but -1 came"):
        kernel_at_work(opened, image, "first", 0, (-1, 0))
    flat = keras.Sequential([keras.Input((2, 2, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ModelError, match="has no convolution to look at"):
        kernel_at_work(open_model(flat), np.zeros((2, 2, 1)))
