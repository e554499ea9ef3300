"""Keras layers and operations as nodes of an ONNX graph, one module for each family."""

from firstlight.deliver.conversions import (  # noqa: F401 - importing a module registers its layers
    convolutions,
    merging,
    normalisation,
    pooling,
    reshaping,
    simple,
)
from firstlight.deliver.conversions.operations import convert_operation
from firstlight.deliver.conversions.registry import NotConvertedError, convert_layer

__all__ = ["NotConvertedError", "convert_layer", "convert_operation"]
