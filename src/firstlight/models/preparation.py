"""The picture's preparation as the first layer of the model.

What was done to the training images is then done to every other image, by construction: in
`predict`, in an export, in a server.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import DTypeLike, NDArray

from firstlight.core.errors import ModelError
from firstlight.core.settings import PREPARATIONS
from firstlight.core.stored import ImageArray, blocks_of
from firstlight.models.answer_rules import ending_of
from firstlight.models.argument_rules import suggestion
from firstlight.models.backend import import_keras
from firstlight.models.graph import calls_of

if TYPE_CHECKING:
    import keras

Preparation = Literal["rescale", "standardise", "asinh", "none"]
_CHUNK_BYTES = 16 * 1024 * 1024
SIDE_CHANNELS = "side_channels"  # the layer that spreads numbers over an image of one size
_LOOKED_AT = 4_000_000  # numbers of the training images for their medians


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
            its standard deviation, `asinh` brings a range of many decades together before that
            (see `stretch_of`), `none` leaves the model as it is.
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
    steps: list[Any] = []
    if preparation != "none" and not _is_prepared(model):
        steps = _steps(preparation, images)
    if side is not None:
        return _with_side(model, steps, images.shape[1:], side)
    if not steps:
        return model
    inputs = keras.Input(images.shape[1:])
    if isinstance(model, keras.Sequential) and len(steps) == 1:
        return keras.Sequential([inputs, *steps, *model.layers], name=model.name)
    return keras.Model(inputs, model(_through(steps, inputs)), name=f"prepared_{model.name}")


def _steps(preparation: str, images: ImageArray) -> list[Any]:
    """What the pixels go through: layers, and operations of Keras."""
    keras = import_keras()
    layers = keras.layers
    if preparation == "rescale":
        return [layers.Rescaling(1 / _largest(images.dtype), name="rescaling")]
    if preparation == "standardise":
        return [_normalization("normalization", *channel_statistics(images))]
    middle, scale = stretch_of(images)
    mean, variance = channel_statistics(
        images, lambda pixels: np.arcsinh((pixels - middle) / scale)
    )
    return [
        _normalization("stretch", middle, scale**2),
        keras.ops.arcsinh,
        _normalization("normalization", mean, variance),
    ]


def _normalization(name: str, mean: NDArray[Any], variance: NDArray[Any]) -> keras.layers.Layer:
    return import_keras().layers.Normalization(
        mean=mean.tolist(), variance=variance.tolist(), name=name
    )


def _through(steps: list[Any], inputs: Any) -> Any:
    for step in steps:
        inputs = step(inputs)
    return inputs


def stretch_of(images: ImageArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where the many pixels of each channel lie, and how far they scatter.

    The inverse hyperbolic sine of (pixel - middle) / scale is even up to the scale, and a
    logarithm beyond: noise stays noise, and what is a thousand times as bright still fits beside
    it. The middle is the median; the scale is the median distance from it as a standard deviation
    (times 1.4826), or where most pixels are alike the mean distance of the others.

    Source: Lupton, Gunn & Szalay 1999 (Astronomical Journal 118, 1406).

    Args:
        images: `(N, H, W, C)`; a few million of their pixels are looked at.

    Returns:
        `(C,)` middles and `(C,)` scales above 0.

    Example:
        >>> bright = np.array([-1, 0, 0, 1, 1, 5000], "float32").reshape(1, 2, 3, 1)
        >>> middle, scale = stretch_of(bright)
        >>> middle.tolist(), scale.round(3).tolist()
        ([0.5], [0.741])
    """
    count = max(1, _LOOKED_AT // int(np.prod(images.shape[1:])))
    some = images[:: max(1, len(images) // count)]
    pixels = np.asarray(some, np.float64).reshape(-1, images.shape[3])
    middle = np.median(pixels, axis=0)
    distance = np.abs(pixels - middle)
    scale = 1.4826 * np.median(distance, axis=0)
    others = distance.sum(axis=0) / np.maximum((distance > 0).sum(axis=0), 1)
    scale = np.where(scale > 0, scale, others)
    return middle, np.where(scale > 0, scale, 1.0)


def _with_side(
    model: keras.Model,
    steps: list[Any],
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
    planes = layers.UpSampling2D(image_shape[:2], name=SIDE_CHANNELS)(planes)
    both = layers.Concatenate(name="image_and_side")([_through(steps, inputs), planes])
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


def channel_statistics(
    images: ImageArray, change: Callable[[NDArray[Any]], NDArray[Any]] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and variance of each channel over all images and pixels.

    Read in pieces and summed in float64, so an array on disk is never in memory as a whole, and
    in two passes, so no digits are lost where the mean is large.

    Args:
        images: `(N, H, W, C)`.
        change: what is done to the pixels before, or None.

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

    def blocks() -> Iterator[NDArray[Any]]:
        for block in blocks_of(images, size):
            yield block if change is None else change(block.astype(np.float64))

    mean = sum(block.sum(axis=axes, dtype=np.float64) for block in blocks()) / pixels
    squares = sum(np.square(block.astype(np.float64) - mean).sum(axis=axes) for block in blocks())
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
