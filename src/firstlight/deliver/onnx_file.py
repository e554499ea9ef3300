"""A Keras model as an ONNX file, layer by layer; and the file asked, to see that it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import MissingExtraError, ModelError
from firstlight.deliver.conversions import NotConvertedError, convert_layer, convert_operation
from firstlight.deliver.onnx_graph import OnnxGraph, Value
from firstlight.deliver.plain_graph import graph_with_one_output
from firstlight.models.graph import Call

if TYPE_CHECKING:
    import keras
    from onnx import ModelProto

# Version 20 of the operators brought Gelu; onnxruntime reads it from 1.17 (January 2024) on.
OPERATORS_VERSION = 20
FORMAT_VERSION = 9
MOST_BYTES = 2_000_000_000  # of one file: the format's own limit is 2 GiB


def to_onnx(
    model: keras.Model,
    inputs: Sequence[str],
    outputs: Sequence[str],
    about: Mapping[str, str] | None = None,
) -> ModelProto:
    """A Keras model as an ONNX model that needs no other file.

    Args:
        model: a Sequential or Functional model with one output; its layers are Keras's.
        inputs: a name for each of its inputs, which keep Keras's shape, `(N, H, W, C)` for images.
        outputs: a name for the output; or two, of `(N, T)` each, for `(N, 2 T)` answers whose
            second half are logarithms of standard deviations (`--loss gaussian`): then the second
            output is their exponential.
        about: facts that go into the file, by name.

    Raises:
        ModelError: a layer has no way of being written; the message names it.
        MissingExtraError: the packages for ONNX are not installed.

    Example:
        >>> from firstlight.models import build_model
        >>> file = to_onnx(build_model("simple", (20, 20, 1), 3, "classify"), ["image"], ["answer"])
        >>> [node.op_type for node in file.graph.node][-2:]
        ['Softmax', 'Identity']
    """
    require_onnx()
    from onnx import TensorProto, checker, helper

    graph = OnnxGraph()
    for name in (*inputs, *outputs):
        graph.new_name(name)
    layout = graph_with_one_output(model)
    made: dict[int, Value] = {}
    takes = []
    for name, number in zip(inputs, layout.inputs, strict=True):
        made[number] = Value(name)
        shape = layout.calls[number].shape or model.input_shape[1:]
        takes.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape]))
    for number, call in enumerate(layout.calls):
        if call.layer is not None:
            graph.scope = call.name
            made[number] = _converted(graph, call, [made[place.call] for place in call.tensors])
    graph.scope = ""
    answers = _answers(graph, made[layout.outputs[0].call], outputs)
    width = model.output_shape[-1] // len(outputs)
    rest = model.output_shape[1:-1]
    gives = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *rest, width])
        for name in outputs
    ]
    for name, value in zip(outputs, answers, strict=True):
        graph.nodes.append(helper.make_node("Identity", [value.name], [name], name=name))
    made_graph = helper.make_graph(graph.nodes, "network", takes, gives, graph.constants)
    file = helper.make_model(
        made_graph,
        producer_name="firstlight",
        opset_imports=[helper.make_opsetid("", OPERATORS_VERSION)],
        ir_version=FORMAT_VERSION,
    )
    helper.set_model_props(file, dict(about or {}))
    if file.ByteSize() > MOST_BYTES:
        raise ModelError(
            f"{model.name} has {model.count_params():,} weights, and an ONNX file holds about "
            f"{MOST_BYTES // 4:,}: export it as .keras."
        )
    checker.check_model(file, full_check=True)
    return file


def ask_onnx(
    path: str | Path, arrays: Mapping[str, NDArray[Any]], threads: int = 1
) -> dict[str, NDArray[np.float32]]:
    """What an ONNX file answers, by the names of its outputs.

    Args:
        path: the file.
        arrays: an array for each input, by name; their numbers become float32.
        threads: how many may work.

    Raises:
        MissingExtraError: onnxruntime is not installed.

    Example:
        >>> import tempfile, onnx
        >>> from firstlight.models import build_model
        >>> path = tempfile.mkdtemp() + "/simple.onnx"
        >>> model = build_model("simple", (20, 20, 1), 3, "classify")
        >>> onnx.save(to_onnx(model, ["image"], ["answer"]), path)
        >>> ask_onnx(path, {"image": np.zeros((5, 20, 20, 1))})["answer"].shape
        (5, 3)
    """
    require_onnx()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    count = len(next(iter(arrays.values())))
    parts = []
    for start in range(0, count, 100):
        some = {k: v[start : start + 100].astype(np.float32) for k, v in arrays.items()}
        parts.append(session.run(names, some))
    return {name: np.concatenate([part[k] for part in parts]) for k, name in enumerate(names)}


def require_onnx() -> None:
    """Refuse to go on where the packages for ONNX are missing.

    Raises:
        MissingExtraError: they are.

    Example:
        >>> require_onnx()
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            f'ONNX files need {error.name}, which is not installed: pip install "firstlight[onnx]".'
        ) from error


def _converted(graph: OnnxGraph, call: Call, inputs: list[Value]) -> Value:
    try:
        if type(call.layer).__module__.startswith("keras.src.ops."):
            return convert_operation(graph, call, inputs)
        if any(value is not None for key, value in call.keywords.items() if key != "training"):
            raise NotConvertedError("is called with options")
        return convert_layer(graph, call.layer, inputs)
    except NotConvertedError as reason:
        raise ModelError(
            f"layer {call.name} ({type(call.layer).__name__}) {reason}: build the network without "
            "it, or export it as .keras."
        ) from None


def _answers(graph: OnnxGraph, value: Value, outputs: Sequence[str]) -> list[Value]:
    """The tensors that the outputs are copies of."""
    value = graph.last(value)
    if len(outputs) == 1:
        return [value]
    values, logarithms = graph.add_several("Split", 2, value, axis=-1, num_outputs=2)
    return [values, graph.add("Exp", logarithms)]
