"""A network in the making: any edits in any order, against Keras; there and back again."""

import math
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.core.network import NetworkView
from firstlight.models import (
    CATALOGUE,
    RECIPES,
    NetworkDocument,
    build_layers,
    keras_code,
    view_network,
)
from firstlight.models.network_document import as_typed

MNIST = (28, 28, 1)
KINDS = sorted(CATALOGUE)
# What somebody may have typed so far.
TYPED = st.sampled_from(
    [
        *("", "1", "2", "3, 3", "3x5", "[2, 2]", "3,", "1e", "0.5", "relu", "same", "sa", "-"),
        *("outputs", "tanh", "{L2: {l2: 0.1}}", "{L2", "he_normal", "1e999", "2020-01-01"),
        *("!!set {a}", "9" * 190),
    ]
)
VALUES = st.one_of(TYPED, st.booleans(), st.none(), st.integers(-1, 9))
EDITS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(KINDS), st.integers(-1, 9)),
    st.tuples(st.just("remove"), st.integers(0, 9)),
    st.tuples(st.just("move"), st.integers(0, 9), st.integers(-1, 9)),
    st.tuples(st.just("set"), st.integers(0, 9), st.integers(0, 30), VALUES),
    st.tuples(st.just("recipe"), st.sampled_from(["simple", "compact", "intermediate"])),
    st.tuples(st.just("mend"), st.integers(0, 3)),
    st.tuples(st.just("undo")),
    st.tuples(st.just("redo")),
)


def view(document: NetworkDocument, task: Any = "classify", outputs: int = 10) -> NetworkView:
    return view_network(document, MNIST, outputs, task)


def layers_of(recipe: str, task: Any = "classify") -> tuple[Layer, ...]:
    layers = RECIPES[recipe].layers
    assert layers is not None
    return tuple(layers(MNIST, task))


def apply(document: NetworkDocument, edit: tuple[Any, ...]) -> None:
    """One edit; places that the list does not have are wrapped around."""
    name, *rest = edit
    if name == "add":
        document.add(*rest)
    elif name == "recipe":
        document.become(layers_of(rest[0]))
    elif name in ("undo", "redo"):
        getattr(document, name)()
    elif name == "mend":
        shown = view(document)
        found = [*shown.findings, *(item for row in shown.rows for item in row.findings)]
        if found:
            fix = found[rest[0] % len(found)].fix
            assert fix is not None
            document.mend(fix)
    elif document.rows:
        row = document.rows[rest[0] % len(document.rows)]
        if name == "remove":
            document.remove(row.key)
        elif name == "move":
            document.move(row.key, rest[1])
        else:
            arguments = CATALOGUE[row.layer.kind].arguments
            document.set_argument(row.key, arguments[rest[1] % len(arguments)].name, rest[2])


@settings(max_examples=100, deadline=None)
@given(edits=st.lists(EDITS, max_size=12))
@example(edits=[("recipe", "simple"), ("set", 0, 0, "1e999")])
@example(edits=[("mend", 0), ("set", 0, 0, "1"), ("set", 0, 0, None), ("undo",)])
def test_any_edits_in_any_order(keras: Any, edits: list[tuple[Any, ...]]) -> None:
    document = NetworkDocument()
    for edit in edits:
        before, revision = document.rows, document.revision
        apply(document, edit)
        assert (document.rows == before) == (document.revision == revision)
        shown = view(document)
        assert [row.key for row in shown.rows] == [row.key for row in document.rows]
        assert len({row.key for row in shown.rows}) == len(shown.rows)
        same = NetworkDocument.of(document.layers)
        same.set_yaml(shown.yaml)
        assert (same.layers, view(same).yaml) == (document.layers, shown.yaml)
        compile(shown.code, "code", "exec")
    # Keras is asked about the last list alone, since it takes its time.
    shown = view(document)
    if shown.ready:
        model = build_layers(document.layers, MNIST, 10)
        assert [row.makes for row in shown.rows] == [
            layer.output.shape[1:] for layer in model.layers
        ]
        assert [row.parameters for row in shown.rows] == [
            layer.count_params() for layer in model.layers
        ]
        assert shown.parameters == model.count_params()
        assert model.output_shape == (None, 10)


@settings(max_examples=100, deadline=None)
@given(edits=st.lists(EDITS, min_size=1, max_size=12))
def test_everything_can_be_taken_back_and_made_again(edits: list[tuple[Any, ...]]) -> None:
    document = NetworkDocument()
    document.become(layers_of("simple"))
    for edit in edits:
        apply(document, edit)
    last, steps = document.rows, 0
    while document.can_undo:
        document.undo()
        steps += 1
    assert document.rows == ()
    for _ in range(steps):
        document.redo()
    # Steps that were taken back before the end can be made again behind it.
    assert document.rows == last or document.can_redo
    revision = document.revision
    for _ in range(3):
        NetworkDocument().undo()
    assert document.revision == revision


@pytest.mark.parametrize("recipe", [name for name in RECIPES if RECIPES[name].layers])
@pytest.mark.parametrize("task", ["classify", "measure"])
def test_code_builds_the_same_network(keras: Any, recipe: str, task: Any) -> None:
    document = NetworkDocument.of(layers_of(recipe, task))
    _same_in_keras(document.layers)
    shown = view(document, task)
    assert shown.ready
    assert not shown.findings


def test_code_with_every_kind_of_argument(keras: Any) -> None:
    _same_in_keras(
        (
            Layer("ZeroPadding2D", {"padding": [[1, 2], [0, 3]], "name": "edge"}),
            Layer("Conv2D", {"kernel_size": [3, 5], "filters": 4, "strides": [2, 1]}),
            Layer("PReLU", {"shared_axes": [1, 2], "alpha_initializer": "ones"}),
            Layer("Rescaling", {"offset": 1e-05, "scale": [1.0, 2.0, 3.0, 4.0]}),
            Layer("Dropout", {"rate": 0.5, "noise_shape": [None, 1, 1, 4], "seed": 3}),
            Layer("Reshape", {"target_shape": [-1]}),
            Layer(
                "Dense",
                {
                    "activation": "softmax",
                    "units": "outputs",
                    "use_bias": False,
                    "kernel_initializer": {"HeNormal": {"seed": 3}},
                    "kernel_regularizer": {"L1L2": {"l1": 0.5, "l2": 1e-20}},
                    "kernel_constraint": {"NonNeg": None},
                },
            ),
        )
    )


def _same_in_keras(layers: Any) -> None:
    """The code makes the layers that Keras makes of the list."""
    made: dict[str, Any] = {}
    exec(keras_code(layers, MNIST, 10), made)
    model = build_layers(layers, MNIST, 10)
    for ours, theirs in zip(model.layers, made["model"].layers, strict=True):
        assert type(ours) is type(theirs)
        own, other = ours.get_config(), theirs.get_config()
        assert {**own, "name": ""} == {**other, "name": ""}
    assert made["model"].count_params() == model.count_params()


def test_half_typed_arguments_are_findings() -> None:
    document = NetworkDocument.of(layers_of("simple"))
    key = document.rows[0].key
    for text, said, then in [
        ("", "Conv2D takes a whole number of 1 or more for filters, but nothing came", 16),
        ("1e", "Conv2D takes a whole number of 1 or more for filters, but '1e' came", 16),
        ("0", "Conv2D takes a whole number of 1 or more for filters, but 0 came", 16),
    ]:
        document.set_argument(key, "filters", text)
        shown = view(document)
        (finding,) = shown.rows[0].findings
        assert finding.message == f"layer 1: {said}."
        assert finding.fix is not None
        assert finding.fix.sentence == f"use {then}"
        assert (shown.ready, shown.rows[0].makes, shown.rows[2].parameters) == (False, None, None)
        document.mend(finding.fix)
        assert document.layers[0].arguments["filters"] == then
        assert document.rows[0].key == key
        assert view(document).ready


def test_each_row_has_its_findings() -> None:
    document = NetworkDocument()
    document.set_yaml(
        "- Conv2D: {filters: 16, kernel_size: 5, activation: relu}\n"
        "- MaxPooling2D\n"
        "- Dense: {units: 8, activation: softmax}\n"
    )
    shown = view(document)
    assert [len(row.findings) for row in shown.rows] == [0, 0, 1]
    finding = shown.rows[2].findings[0]
    assert finding.code == "one-answer-per-image"
    assert finding.fix is not None
    keys = [row.key for row in document.rows]
    document.mend(finding.fix)
    assert [row.layer.kind for row in document.rows] == [
        "Conv2D",
        "MaxPooling2D",
        "Flatten",
        "Dense",
    ]
    assert [document.rows[place].key for place in (0, 1, 3)] == keys
    finding = view(document).rows[3].findings[0]
    assert finding.message == "the network answers with 8 numbers, but there are 10 classes."
    assert finding.fix is not None
    document.mend(finding.fix)
    assert view(document).ready
    # Wrong arguments are said wherever they stand; shapes only as far as they are known.
    document.set_yaml("- MaxPooling2D: {pool_size: 99}\n- Conv3D\n- Dense\n- Flatten\n")
    codes = [[item.code for item in row.findings] for row in view(document).rows]
    assert codes == [["pooling-to-nothing"], ["cannot-build"], ["cannot-build"], []]


def test_an_empty_network_is_told_how_to_begin() -> None:
    shown = view(NetworkDocument())
    (finding,) = shown.findings
    assert (finding.code, shown.ready, shown.rows, shown.yaml) == ("no-layers", False, (), "")
    document = NetworkDocument()
    assert finding.fix is not None
    document.mend(finding.fix)
    assert view(document).ready
    document.set_yaml(" \n")
    assert document.layers == ()


def test_typing_in_one_field_is_one_step_back() -> None:
    document = NetworkDocument.of(layers_of("simple"))
    key, first = document.rows[0].key, document.rows
    for text in ("1", "12", "128"):
        document.set_argument(key, "filters", text)
    document.set_argument(key, "strides", "2")
    assert document.layers[0].arguments["filters"] == 128
    document.undo()
    document.undo()
    assert document.rows == first
    document.redo()
    assert document.layers[0].arguments == {**first[0].layer.arguments, "filters": 128}
    document.move(key, 2)
    assert not document.can_redo


def test_defaults_are_not_written_down() -> None:
    document = NetworkDocument.of([Layer("Conv2D", {"filters": 4, "kernel_size": 3})])
    for name, value in [("strides", "1"), ("use_bias", True), ("padding", "valid"), ("name", "")]:
        document.set_argument(1, name, value)
    assert document.revision == 0
    document.set_argument(1, "use_bias", "1")
    assert (
        view(document)
        .rows[0]
        .findings[0]
        .message.endswith("true or false for use_bias, but 1 came.")
    )
    document.set_argument(1, "use_bias", False)
    assert view(document).yaml == "- Conv2D: {filters: 4, kernel_size: 3, use_bias: false}\n"


@pytest.mark.parametrize(
    ("kind", "name", "text", "value"),
    [
        ("Conv2D", "filters", " 12 ", 12),
        ("Conv2D", "filters", "outputs", "outputs"),
        ("Conv2D", "kernel_size", "3×5", [3, 5]),
        ("Conv2D", "kernel_size", "3 5", "3 5"),
        ("ZeroPadding2D", "padding", "[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("Reshape", "target_shape", "784", [784]),
        ("BatchNormalization", "momentum", "1e-2", 0.01),
        ("BatchNormalization", "momentum", ".inf", ".inf"),
        ("Dense", "kernel_regularizer", "{L2: {l2: 1e-4}}", {"L2": {"l2": 1e-4}}),
        ("Dense", "kernel_regularizer", "{L2: {l2:", "{L2: {l2:"),
        ("Dense", "name", "12", "12"),
    ],
)
def test_what_was_typed(kind: str, name: str, text: str, value: Any) -> None:
    argument = CATALOGUE[kind].argument(name)
    assert argument is not None
    assert as_typed(argument, text) == value


def test_what_is_refused_leaves_the_document_as_it_was() -> None:
    document = NetworkDocument.of([Layer("Flatten"), Layer("Conv3D")])
    attempts: list[tuple[Any, tuple[Any, ...], str]] = [
        (document.add, ("Lambda", 0), "there is no layer called Lambda"),
        (document.remove, (9,), "that layer has been taken away"),
        (document.move, (9, 0), "that layer has been taken away"),
        (document.set_argument, (1, "units", "3"), "Flatten has no argument units"),
        (document.set_argument, (2, "units", "3"), "Conv3D has no argument units"),
        (document.set_argument, (1, "name", "a" * 300), "200 characters are the most"),
        (document.set_yaml, ("- Flatten\n- {",), "no YAML that can be used"),
        (document.set_yaml, ("- Flatten\n" * 1001,), "1,000 is the most"),
        (document.set_yaml, ("- Dense: {units: .nan}",), "it says nan"),
        (document.set_yaml, ("- Dense: {units: 2020-01-01}",), "it says 2020-01-01"),
        (document.set_yaml, ("- Dense: {3: 4}",), "it has the name 3, where a word"),
    ]
    for method, arguments, message in attempts:
        with pytest.raises(ModelError, match=message):
            method(*arguments)
    assert (document.layers, document.revision) == ((Layer("Flatten"), Layer("Conv3D")), 0)
    full = NetworkDocument.of([Layer("ReLU")] * 1000)
    with pytest.raises(ModelError, match="1,000 layers are the most"):
        full.add("ReLU", 0)


def test_numbers_beyond_all_machines_are_findings() -> None:
    layers = [Layer("UpSampling2D", {"size": 1_000_000})] * 1000
    shown = view(NetworkDocument.of(layers))
    assert "more than any machine can hold" in shown.rows[0].findings[0].message
    steps = [Layer("MaxPooling2D", {"strides": 1_000_000, "padding": "same"})] * 1000
    fields = [row.receptive_field for row in view(NetworkDocument.of(steps)).rows]
    assert all(field is not None and math.isfinite(field[0]) for field in fields)


def test_keras_is_not_imported() -> None:
    program = (
        "import sys\n"
        "from firstlight.models import NetworkDocument, RECIPES, view_network\n"
        "layers = RECIPES['vgg'].layers((28, 28, 1), 'measure')\n"
        "document = NetworkDocument.of(layers)\n"
        # As the notebook's own model.summary() counts them.
        "assert view_network(document, (28, 28, 1), 1, 'measure').parameters == 5_642_400\n"
        "print([name for name in ('keras', 'torch') if name in sys.modules])\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "[]"
