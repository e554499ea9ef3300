"""An ONNX graph that is written node by node.

Tensors lie as in Keras, channels last, or channels first where ONNX's convolutions and poolings
want them; they are turned only where the next node needs the other order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from firstlight.training.lowered import array_of

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto


@dataclass(frozen=True)
class Value:
    """A tensor of the graph.

    Attributes:
        name: by which nodes refer to it.
        order: the order in which Keras's axes come in it; () is Keras's own.
    """

    name: str
    order: tuple[int, ...] = ()


@dataclass
class OnnxGraph:
    """The nodes and constants written so far.

    Attributes:
        scope: what is being written; new names begin with it.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    scope: str = ""
    _names: set[str] = field(default_factory=set)
    _turned: dict[tuple[str, tuple[int, ...]], Value] = field(default_factory=dict)
    _stored: dict[tuple[int, tuple[int, ...] | None], tuple[str, Any]] = field(default_factory=dict)

    def add(self, kind: str, *inputs: Value | str, **attributes: Any) -> Value:
        """Add a node with one answer, which lies as the first input does.

        Args:
            kind: the ONNX operator.
            inputs: tensors, or names of constants; "" leaves an optional input out.
            attributes: of the operator.
        """
        first = inputs[0]
        order = first.order if isinstance(first, Value) else ()
        return Value(self._node(kind, inputs, 1, attributes)[0], order)

    def add_several(self, kind: str, count: int, value: Value, **attributes: Any) -> list[Value]:
        """Add a node with several answers, which lie as its input does."""
        return [Value(name, value.order) for name in self._node(kind, [value], count, attributes)]

    def _node(
        self, kind: str, inputs: Sequence[Value | str], count: int, attributes: dict[str, Any]
    ) -> list[str]:
        from onnx import helper

        names = [one.name if isinstance(one, Value) else one for one in inputs]
        outputs = [self.new_name(kind) for _ in range(count)]
        self.nodes.append(helper.make_node(kind, names, outputs, name=outputs[0], **attributes))
        return outputs

    def constant(self, value: ArrayLike, name: str = "constant") -> str:
        """The name of a new constant; floating-point numbers become float32."""
        from onnx import numpy_helper

        array: NDArray[Any] = np.asarray(value)
        if array.dtype.kind == "f":
            array = array.astype(np.float32)
        title = self.new_name(name)
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), title))
        return title

    def weight(self, variable: Any, axes: tuple[int, ...] | None = None) -> str:
        """The name of a Keras variable as a constant, its axes in another order if wished.

        A layer that is called twice has its weights in the file once.
        """
        key = (id(variable), axes)
        if key not in self._stored:
            array = array_of(variable)
            name = self.constant(array if axes is None else array.transpose(axes), variable.name)
            # The variable is kept too, so that its number stays its own.
            self._stored[key] = (name, variable)
        return self._stored[key][0]

    def turned(self, value: Value, order: tuple[int, ...]) -> Value:
        """The tensor with Keras's axes in another order; () is Keras's own."""
        order = () if list(order) == sorted(order) else order
        if value.order == order:
            return value
        if (value.name, order) not in self._turned:
            to_keras = np.argsort(value.order) if value.order else np.arange(len(order))
            axes = to_keras[list(order)] if order else to_keras
            turned = self.add("Transpose", value, perm=axes.tolist())
            self._turned[value.name, order] = Value(turned.name, order)
        return self._turned[value.name, order]

    def last(self, value: Value) -> Value:
        """The tensor as Keras has it."""
        return self.turned(value, ())

    def first(self, value: Value, rank: int, axis: int = -1) -> Value:
        """The tensor with one of its axes (the channels) second, and the others as they were."""
        axis %= rank
        others = [number for number in range(1, rank) if number != axis]
        return self.turned(value, (0, axis, *others))

    def axis_in(self, value: Value, axis: int) -> int:
        """Where one of Keras's axes lies in the tensor."""
        return value.order.index(axis % len(value.order)) if value.order else axis

    def new_name(self, stem: str) -> str:
        """A name that nothing has yet, after what is being written."""
        stem = f"{self.scope}/{stem}" if self.scope else stem
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f"{stem}_{number}"
        self._names.add(name)
        return name


def integers(values: Iterable[Any]) -> NDArray[np.int64]:
    """Whole numbers as ONNX takes them."""
    return np.array([int(value) for value in values], np.int64)
