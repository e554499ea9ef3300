"""Lists of layers: YAML <-> records <-> Keras, and everything that is refused on the way."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.core.errors import ModelError, WriteError
from firstlight.core.findings import Layer
from firstlight.models import build_layers, layers_of, read_layers, write_layers
from firstlight.models.argument_rules import check_layer

ACTIVATION = st.sampled_from(["relu", "tanh", "gelu", "softmax"])
INITIALIZER = st.sampled_from(
    ["he_normal", {"HeNormal": {"seed": 3}}, {"RandomNormal": {"mean": 0.0, "stddev": 1e-05}}]
)
REGULARIZER = st.sampled_from([{"L2": {"l2": 0.001}}, {"L1L2": {"l1": 0.5, "l2": 1e-20}}])
PAIR = st.one_of(st.integers(1, 3), st.sampled_from([[1, 2], [2, 3]]))


def layer(kind: str, needed: dict[str, Any], **optional: Any) -> st.SearchStrategy[Layer]:
    fixed = st.fixed_dictionaries(needed, optional=optional)
    return fixed.map(lambda arguments: Layer(kind, arguments))


# Only values that differ from the defaults: what is equal to a default is not written.
CONVOLUTION = layer(
    "Conv2D",
    {"filters": st.integers(1, 4), "kernel_size": PAIR},
    padding=st.just("same"),
    activation=ACTIVATION,
    use_bias=st.just(False),
    kernel_initializer=INITIALIZER,
    kernel_regularizer=REGULARIZER,
)
OTHERS = st.one_of(
    layer("BatchNormalization", {}, momentum=st.floats(0.1, 0.9), scale=st.just(False)),
    layer("Dropout", {"rate": st.floats(0.0, 0.9)}, seed=st.integers(0, 9)),
    layer("Activation", {"activation": ACTIVATION}),
    layer("LeakyReLU", {}, negative_slope=st.floats(0.4, 0.9)),
    layer("ZeroPadding2D", {"padding": st.sampled_from([2, [[1, 2], [0, 3]]])}),
    layer("Rescaling", {"scale": st.floats(1e-9, 10)}),
)
POOLING = layer("MaxPooling2D", {}, pool_size=st.sampled_from([3, [2, 3]]))
END = st.tuples(
    st.just(Layer("Flatten")), layer("Dense", {"units": st.integers(1, 5)}, activation=ACTIVATION)
)
LISTS = st.tuples(st.lists(st.one_of(CONVOLUTION, OTHERS), max_size=3), POOLING, END).map(
    lambda parts: (*parts[0], parts[1], *parts[2])
)


@settings(max_examples=30, deadline=None)
@given(layers=LISTS)
def test_yaml_and_keras_give_back_what_was_written(
    layers: tuple[Layer, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("lists") / "net.yaml"
    write_layers(layers, path)
    assert read_layers(path) == layers
    assert layers_of(build_layers(layers, (24, 24, 2), 10)) == _as_keras_keeps_them(layers)


def _as_keras_keeps_them(layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """What Keras keeps of the layers: paddings as pairs."""
    kept = []
    for item in layers:
        arguments = dict(item.arguments)
        if item.kind == "ZeroPadding2D" and arguments["padding"] == 2:
            arguments["padding"] = [[2, 2], [2, 2]]
        kept.append(Layer(item.kind, arguments))
    return tuple(kept)


def test_a_person_can_write_it(tmp_path: Path) -> None:
    path = tmp_path / "net.yml"
    path.write_text(
        "# two layers\n"
        "- Conv2D: {filters: 16, kernel_size: [5, 3], kernel_initializer: he_normal}\n"
        "- MaxPooling2D:\n- Flatten\n- Dropout:\n    rate: 1e-1\n- Dense: {units: outputs}\n"
    )
    layers = read_layers(path)
    assert layers[3] == Layer("Dropout", {"rate": 0.1})
    model = build_layers(layers, (28, 28, 1), 7)
    # By hand: 16 kernels of 5x3 and 16 biases; 24x26 pools to 12x13; 7 answers.
    assert model.count_params() == (5 * 3 + 1) * 16 + (12 * 13 * 16 + 1) * 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- Conv2d: {filters: 8}", "there is no layer called Conv2d: did you mean Conv2D?"),
        ("- Lambda: {function: print}", "there is no layer called Lambda"),
        ("- Conv2D: {filter: 8, kernel_size: 3}", "Conv2D has no argument filter: did you mean"),
        ("- Conv2D: {filters: 8}", "layer 1: Conv2D needs the argument kernel_size: add it."),
        (
            "- Dense: {units: 8, activation: rleu}",
            "Dense has no activation rleu: did you mean relu",
        ),
        ("- Dense: {units: 8, activation: [relu]}", "Dense has no activation"),
        (
            "- Dense: {units: {a: 1}}",
            "Dense takes a whole number of 1 or more for units, but {'a': 1} came",
        ),
        (
            "- Reshape: {target_shape: [[[1]]]}",
            "Reshape takes a list of whole numbers for target_shape, but [[[1]]] came",
        ),
        (
            "- Dense: {units: 8, kernel_initializer: he_norml}",
            "there is no initializer called he_norml: did you mean he_normal?",
        ),
        ("- Dense: {units: 8, kernel_regularizer: {Evil: {}}}", "no regularizer called Evil"),
        ("- Dense: {units: 8, kernel_regularizer: {L2: 3}}", "L2 takes its arguments as a mapping"),
        ("- Input: {shape: [28, 28, 1]}", "leave the Input layer out"),
        ("- 3", "layer 1: expected `- Name`"),
        ("- {Flatten: {}, Dense: {units: 3}}", "layer 1: expected `- Name`"),
        ("Flatten", "has to be a list of layers"),
        ("[]", "has to be a list of layers"),
        ("- Flatten: {", "is no YAML that can be used"),
        ("- !!python/object/apply:os.system [ls]", "is no YAML that can be used: could not"),
        ("- &a Flatten\n- *a", "it uses an alias"),
        ("- Dense: {units: 3, units: 4}", "it says units twice"),
        ("- Dense: " + "[" * 5000, "nested more than 8 levels deep"),
        ("- Flatten\n" * 1001, "lists 1,001 layers: 1,000 is the most"),
        ("# " + "x" * 300_000, "is larger than 256 kB"),
        ("- \x00", "is no YAML that can be used"),
    ],
)
def test_what_is_refused_in_a_file(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "net.yaml"
    path.write_text(text)
    with pytest.raises(ModelError) as caught:
        build_layers(read_layers(path), (28, 28, 1), 10)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ModelError, match=r"nowhere\.yaml cannot be read: No such file"):
        read_layers("nowhere.yaml")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            Layer("Dense", {"units": -1}),
            "layer 1: Dense takes a whole number of 1 or more for units, but -1 came: use 64.",
        ),
        (Layer("Conv2D", {"filters": 3, "kernel_size": 99}), "the layers do not fit together: "),
        (Layer("Dense", {"units": 3, "kernel_regularizer": {"L2": {"x": 1}}}), "L2 does not take"),
    ],
)
def test_what_keras_refuses_becomes_one_sentence(wrong: Layer, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        build_layers([wrong], (28, 28, 1), 10)
    assert message in str(caught.value)


def test_what_a_list_must_not_say() -> None:
    with pytest.raises(ModelError, match="Flatten has no argument data_format"):
        check_layer(Layer("Flatten", {"data_format": "channels_first"}))


def test_networks_that_are_no_plain_list(keras: Any, residual: Any) -> None:
    layers = keras.layers
    inner = keras.Sequential([keras.Input((4, 4, 1)), layers.Flatten()])
    first = layers.Conv2D(1, 1, data_format="channels_first")
    for model in (
        residual,
        keras.Sequential([keras.Input((4, 4, 1)), inner, layers.Dense(1)]),
        keras.Sequential([keras.Input((4, 4, 1)), layers.Dense(1, activation=keras.ops.sin)]),
        keras.Sequential([keras.Input((4, 4, 1)), layers.Dense(1, dtype="float16")]),
        keras.Sequential([layers.Lambda(lambda x: x)]),
        keras.Sequential([first]),
    ):
        assert layers_of(model) is None


def test_a_list_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "net.yaml"
    write_layers([Layer("Flatten")], path)

    def stopped(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", stopped)
    with pytest.raises(WriteError, match="the disk is full"):
        write_layers([Layer("ReLU")], path)
    assert path.read_text() == "- Flatten\n"
    assert list(tmp_path.iterdir()) == [path]
