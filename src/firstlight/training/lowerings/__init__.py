"""One lowering a Keras layer class: each makes the torch modules that do what the layer does."""

# Imported for what they register.
from firstlight.training.lowerings import (
    convolutions,
    dense,
    images,
    merging,
    normalisation,
    pooling,
    reshaping,
    simple,
)
from firstlight.training.lowerings.operations import lower_operation
from firstlight.training.lowerings.registry import NotLoweredError, lower_layer

__all__ = [
    "NotLoweredError",
    "convolutions",
    "dense",
    "images",
    "lower_layer",
    "lower_operation",
    "merging",
    "normalisation",
    "pooling",
    "reshaping",
    "simple",
]
