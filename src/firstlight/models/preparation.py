"""The picture's preparation as the first layer of the model.

What was done to the training images is then done to every other image, by construction: in
`predict`, in an export, in a server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from firstlight.core.errors import ModelError
from firstlight.core.settings import PREPARATIONS
from firstlight.core.stored import ImageArray, blocks_of
from firstlight.models.answer_rules import ending_of
from firstlight.models.backend import import_keras
from firstlight.models.graph import calls_of
from firstlight.models.layers import suggestion

if TYPE_CHECKING:
    import keras

Preparation = Literal["rescale", "standardise", "none"]
_CHUNK_BYTES = 16 * 1024 * 1024


def default_preparation(dtype: DTypeLike) -> Preparation:
    """What is done to images of a type unless the user says otherwise.

    Integers have a largest value, so their range is brought to 0 to 1; floating-point images
    have none and are standardised.

    Example:
        >>> default_preparation("uint8"), default_preparation("float32")
        ('rescale', 'standardise')
    """
    return "rescale" if np.dtype(dtype).kind in "ub" else "standardise"


def prepare_model(
    model: keras.Model,
    preparation: str,
    images: ImageArray,
    side: NDArray[np.float32] | None = None,
) -> keras.Model:
    """The model with the preparation of the images as its first layer.

    Args:
        model: a Keras model that takes images as floats.
        preparation: `rescale` divides by the largest value that the type can hold (255 for
            uint8, 65,535 for uint16), `standardise` subtracts each channel's mean and divides by
            its standard deviation, `none` leaves the model as it is.
        images: the **training** images, `(N, H, W, C)`; statistics are taken from these alone.
        side: the numbers beside the training images, `(N, S)`, or None. With them the model has a
            second input: each number, standardised, becomes one more channel of the image, the
            same everywhere. So any model can take them; it has to be built for `C + S` channels.

    Returns:
        A model that takes images as they are stored. It shares its layers with `model`, which
        is returned itself where Rescaling or Normalization already stands before its first layer
        with weights.

    Raises:
        ModelError: the preparation is unknown, or `rescale` is asked for floating-point images.

    Example:
        >>> from firstlight.models import build_model
        >>> model = build_model("simple", (28, 28, 1), 10, "classify")
        >>> images = np.zeros((4, 28, 28, 1), "uint8")
        >>> [layer.name for layer in prepare_model(model, "rescale", images).layers][0]
        'rescaling'
    """
    if preparation not in PREPARATIONS:
        raise ModelError(
            f"there is no preparation called {preparation}: {suggestion(preparation, PREPARATIONS)}"
        )
    keras = import_keras()
    first = None
    if preparation != "none" and not _is_prepared(model):
        first = _first_layer(preparation, images)
    if side is not None:
        return _with_side(model, first, images.shape[1:], side)
    if first is None:
        return model
    inputs = keras.Input(images.shape[1:])
    if isinstance(model, keras.Sequential):
        return keras.Sequential([inputs, first, *model.layers], name=model.name)
    return keras.Model(inputs, model(first(inputs)), name=f"prepared_{model.name}")


def _first_layer(preparation: str, images: ImageArray) -> keras.layers.Layer:
    layers = import_keras().layers
    if preparation == "rescale":
        return layers.Rescaling(1 / _largest(images.dtype), name="rescaling")
    mean, variance = channel_statistics(images)
    return layers.Normalization(
        mean=mean.tolist(), variance=variance.tolist(), name="normalization"
    )


def _with_side(
    model: keras.Model,
    first: keras.layers.Layer | None,
    image_shape: tuple[int, ...],
    side: NDArray[np.float32],
) -> keras.Model:
    """A model of images and of numbers beside them from one that takes both as channels."""
    keras = import_keras()
    layers, count = keras.layers, side.shape[1]
    inputs = keras.Input(image_shape, name="image")
    beside = keras.Input((count,), name="side")
    variance = side.var(axis=0, dtype=np.float64)
    standardised = layers.Normalization(
        mean=side.mean(axis=0, dtype=np.float64).tolist(),
        variance=np.where(variance > 0, variance, 1.0).tolist(),
        name="side_normalization",
    )(beside)
    planes = layers.Reshape((1, 1, count), name="side_pixel")(standardised)
    planes = layers.UpSampling2D(image_shape[:2], name="side_channels")(planes)
    image = inputs if first is None else first(inputs)
    both = layers.Concatenate(name="image_and_side")([image, planes])
    return keras.Model([inputs, beside], model(both), name=model.name)


def answer_in_units(model: keras.Model, targets: NDArray[np.float32]) -> keras.Model:
    """The model with a last layer that turns answers around 0 into values like the targets.

    A new network answers with numbers near 0 and 1. Asked for temperatures around 6,000 it would
    spend its training on getting there. The layer multiplies by each target's standard deviation
    and adds its mean, so the model learns standardised targets and answers in their units.

    Args:
        model: a Keras model that measures.
        targets: the **training** targets, `(N, T)`. Where the model answers with `2 T` numbers,
            the second half are logarithms of standard deviations (`--loss gaussian`).

    Returns:
        A model that shares its layers with `model`, which is returned itself where its answer
        does not end in a linear Dense layer (behind a sigmoid, say).

    Example:
        >>> from firstlight.models import build_model
        >>> model = build_model("simple", (28, 28, 1), 1, "measure")
        >>> answer_in_units(model, np.array([[4000.0], [6000.0]])).layers[-1].offset
        [5000.0]
    """
    keras = import_keras()
    last = calls_of(model)[-1].layer
    if not isinstance(last, keras.layers.Dense) or ending_of(last) != "linear":
        return model
    spread = targets.std(axis=0, dtype=np.float64)
    scale = np.where(spread > 0, spread, 1.0)
    offset = targets.mean(axis=0, dtype=np.float64)
    if model.output_shape[-1] == 2 * targets.shape[1]:
        # A spread k times as large has a logarithm that is larger by that of k.
        offset, scale = np.append(offset, np.log(scale)), np.append(scale, np.ones_like(scale))
    units = keras.layers.Rescaling(scale.tolist(), offset=offset.tolist(), name="units")
    if isinstance(model, keras.Sequential):
        inputs = keras.Input(model.input_shape[1:])
        return keras.Sequential([inputs, *model.layers, units], name=model.name)
    return keras.Model(model.inputs, units(model.outputs[0]), name=model.name)


def channel_statistics(images: ImageArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each channel over all images and pixels.

    Read in pieces and summed in float64, so an array on disk is never in memory as a whole, and
    in two passes, so no digits are lost where the mean is large.

    Args:
        images: `(N, H, W, C)`.

    Returns:
        `(C,)` means and `(C,)` variances (divided by the number of values).

    Example:
        >>> mean, variance = channel_statistics(np.array([[[[0], [2]]]], "uint8"))
        >>> mean.tolist(), variance.tolist()
        ([1.0], [1.0])
    """
    pixels = int(np.prod(images.shape[:3]))
    size = _CHUNK_BYTES * images.dtype.itemsize // 8
    axes = (0, 1, 2)
    blocks = blocks_of(images, size)
    mean = sum(block.sum(axis=axes, dtype=np.float64) for block in blocks) / pixels
    squares = sum(
        np.square(block.astype(np.float64) - mean).sum(axis=axes)
        for block in blocks_of(images, size)
    )
    return np.asarray(mean), np.asarray(squares / pixels)


def _largest(dtype: np.dtype[Any]) -> int:
    """The largest value that an integer type can hold."""
    if dtype.kind == "b":
        return 1
    if dtype.kind != "u":
        raise ModelError(
            f"rescale needs pixels of a type with a known largest value, but {dtype} came: "
            "use --prepare standardise."
        )
    return int(np.iinfo(dtype).max)


def _is_prepared(model: keras.Model) -> bool:
    """True where a preparation stands before the first layer with weights, however deep."""
    layers = import_keras().layers
    for call in calls_of(model):
        if isinstance(call.layer, (layers.Rescaling, layers.Normalization)):
            return True
        if getattr(call.layer, "weights", None):
            return False
    return False
