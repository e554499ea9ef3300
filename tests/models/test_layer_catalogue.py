"""The catalogue of layers, and layers without Keras, against Keras itself."""

import inspect
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.core.network import Argument
from firstlight.models import build_layers, walk, walk_layers
from firstlight.models.argument_rules import expected, refusal
from firstlight.models.catalogue import CATALOGUE
from firstlight.models.shape_rules import examine

# Images are (H, W, C), precision is an option, and the rest works on one backend or in code only.
NOT_OFFERED = set(
    """data_format dtype kwargs lora_alpha lora_rank name quantization_config renorm_clipping self
    synchronized""".split()
)
SHAPE = (12, 9, 4)


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_arguments_are_those_of_keras(keras: Any, kind: str) -> None:
    signature = inspect.signature(getattr(keras.layers, kind).__init__).parameters
    known = [item for item in CATALOGUE[kind].arguments if item.name not in ("name", "trainable")]
    assert [item.name for item in known] == [name for name in signature if name not in NOT_OFFERED]
    for argument in known:
        parameter = signature[argument.name]
        assert argument.needed == (parameter.default is parameter.empty), argument.name
        if not argument.needed:
            assert argument.default == _short(parameter.default), argument.name


def _short(value: Any) -> Any:
    """A default as a list writes it: equal numbers once, names in small letters."""
    if isinstance(value, tuple):
        values = {_short(item) for item in value}
        return values.pop() if len(values) == 1 else value
    return value.lower() if isinstance(value, str) else value


@pytest.mark.parametrize("kind", sorted(CATALOGUE))
def test_a_new_layer_works_and_is_described(kind: str) -> None:
    known = CATALOGUE[kind]
    model = build_layers([Layer(kind, known.start)], SHAPE, 10)
    assert model.output_shape == (
        None,
        *walk_layers([Layer(kind, known.start)], SHAPE, 10)[0].makes,
    )
    assert known.title
    assert known.words
    for argument in known.arguments:
        assert argument.help.endswith(".")
        assert (argument.kind in ("choice", "activation")) <= bool(argument.choices)


ODD = st.sampled_from([None, "", "1e", "outputs", True, -1, 0, 3, 1.5, 10**400, [2], [[1]], {}])
SIZE = st.integers(1, 4)


def values_of(argument: Argument) -> st.SearchStrategy[Any]:
    """Values of an argument that are right by themselves."""
    pair = st.one_of(SIZE, st.lists(SIZE, min_size=2, max_size=2))
    least = -4 if argument.least is None else int(max(-4, argument.least))
    axis = st.sampled_from([place for place in range(least, 5) if place != 0])
    number = st.floats(argument.least or 0.0, argument.most or 2.0)
    right: dict[str, st.SearchStrategy[Any]] = {
        "axes": st.one_of(axis, st.lists(axis, min_size=1, max_size=3, unique=True)),
        "choice": st.sampled_from(argument.choices or ("",)),
        "count": axis if argument.name == "axis" else SIZE,
        "number": number,
        "numbers": st.one_of(number, st.lists(number, min_size=1, max_size=4)),
        "pair": pair,
        "shape": st.lists(st.sampled_from([-1, 1, 2, 4, 9, 12]), min_size=1, max_size=4),
        "sides": st.one_of(pair, st.lists(st.tuples(SIZE, SIZE), min_size=2, max_size=2)),
        "switch": st.booleans(),
        "text": st.sampled_from(["first", "a b", "a/b"]),
    }
    words = st.sampled_from(argument.choices or ("",))
    return right.get(argument.kind, words)


@st.composite
def layers(draw: st.DrawFn, odd: bool = False) -> Layer:
    known = CATALOGUE[draw(st.sampled_from(sorted(CATALOGUE)))]
    chosen = [item for item in known.arguments if item.needed or draw(st.integers(0, 3)) == 0]
    # Keras looks at noise_shape only when it runs.
    arguments = {item.name: draw(values_of(item)) for item in chosen if item.name != "noise_shape"}
    if odd:
        arguments[draw(st.sampled_from(known.arguments)).name] = draw(ODD)
    return Layer(known.kind, arguments)


WITHOUT_START = Layer("BatchNormalization", {"renorm": True, "moving_variance_initializer": None})
SAME = Layer("Conv2D", {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"})
SHAPES = st.sampled_from([SHAPE, (7, 7, 1), (40,), (1, 2, 6)])


def as_list(layer: Layer, shape: tuple[int, ...]) -> tuple[list[Layer], tuple[int, int, int]]:
    """The layer, and behind a Flatten where it is to receive no image."""
    if len(shape) == 3:
        return [layer], shape
    return [Layer("Flatten"), layer], (1, shape[0], 1)


def is_odd(layer: Layer, shape: tuple[int, ...]) -> bool:
    """Whether it works along the batch, or along an axis twice: Keras lets some layers do so."""
    axis = layer.arguments.get("axis")
    if axis is None:
        return False
    axes = axis if isinstance(axis, list) else [axis]
    places = {place % (len(shape) + 1) for place in axes}
    return 0 in places or len(places) < len(axes)


@settings(max_examples=200, deadline=None)
@given(layer=layers(), shape=SHAPES)
@example(layer=SAME, shape=SHAPE)
@example(layer=replace(SAME, kind="Conv2DTranspose"), shape=SHAPE)
@example(layer=Layer("MaxPooling2D", {"pool_size": 2, "padding": "same"}), shape=SHAPE)
@example(layer=Layer("BatchNormalization", {"renorm": True}), shape=SHAPE)
def test_layers_without_keras_do_as_keras_does(keras: Any, layer: Layer, shape: Any) -> None:
    """Shapes, weights, operations and receptive fields are equal; what is refused is refused."""
    assume(not is_odd(layer, shape))
    listed, image = as_list(layer, shape)
    try:
        row = walk_layers(listed, image, 10)[-1]
    except ModelError:
        arguments = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in layer.arguments.items()
        }
        with pytest.raises(Exception):  # noqa: B017, PT011 -- Keras raises what happens to go wrong
            getattr(keras.layers, layer.kind)(**arguments)(keras.KerasTensor((None, *shape)))
        return
    model = build_layers(listed, image, 10)
    assert walk(model, image)[-1] == row
    assert row.parameters == model.layers[-1].count_params()
    trainable = sum(math.prod(weight.shape) for weight in model.layers[-1].trainable_weights)
    assert row.trainable_parameters == trainable


@settings(max_examples=200, deadline=None)
@given(layer=layers(odd=True), shape=SHAPES)
@example(layer=WITHOUT_START, shape=SHAPE)
def test_nothing_that_can_be_typed_throws(layer: Layer, shape: Any) -> None:
    """A layer is refused in one sentence, or Keras builds it too."""
    listed, image = as_list(layer, shape)
    rows, findings = examine(listed, image, 10)
    assert (len(rows) == len(listed)) == (not findings)
    for finding in findings:
        assert "\n" not in finding.message
        assert finding.fix is not None
    if not findings:
        model = build_layers(listed, image, 10)
        assert model.output_shape == (None, *rows[-1].makes)


@settings(max_examples=200, deadline=None)
@given(layer=layers(odd=True))
def test_a_refusal_says_what_to_write_instead(layer: Layer) -> None:
    """Remedies, taken one after another, end with a layer that is right."""
    for _ in range(len(CATALOGUE[layer.kind].arguments) + 1):
        refused = refusal(layer)
        if refused is None:
            break
        assert refused.instead is not None
        layer = refused.instead
    assert refusal(layer) is None


def test_what_is_expected_is_said_for_every_kind_of_argument() -> None:
    said = {
        expected(argument)
        for known in CATALOGUE.values()
        for argument in known.arguments
        if argument.kind not in ("activation", "initializer", "regularizer", "constraint")
    }
    assert "a number from 0 to 1" in said
    assert "a whole number of 1 or more, or two (height, width)" in said
    assert "one of valid, same" in said
