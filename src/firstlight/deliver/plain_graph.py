"""The calls of a network that can leave: all of it in Keras's layers, with one output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from firstlight.core.errors import ModelError
from firstlight.models.graph import Graph, graph_of, is_plain

if TYPE_CHECKING:
    import keras


def graph_with_one_output(model: keras.Model) -> Graph:
    """A network's calls, where its configuration says all that it does.

    Args:
        model: a Sequential or Functional model.

    Raises:
        ModelError: it has code of its own, or another number of outputs.

    Example:
        >>> from firstlight.models import build_model
        >>> model = build_model("simple", (20, 20, 1), 3, "classify")
        >>> len(graph_with_one_output(model).calls) == 1 + len(model.layers)
        True
    """
    if not is_plain(model):
        raise ModelError(
            f"{model.name} has code of its own, which is not in its file: build it as a Sequential "
            "or Functional model of Keras's layers to take it out."
        )
    graph = graph_of(model)
    if len(graph.outputs) != 1:
        raise ModelError(
            f"{model.name} has {len(graph.outputs)} outputs, but one was expected: take out the "
            "part that you need as a model of its own."
        )
    return graph
