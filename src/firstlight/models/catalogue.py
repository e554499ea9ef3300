"""Every layer that a list of layers may name, with every argument that it takes.

Written down here so that lists can be checked, and forms made of them, without importing Keras.
Names, order and defaults are those of Keras 3's constructors; `data_format` is left out, since
images are `(H, W, C)` here, and so are `dtype` and what works on one backend only.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from firstlight.core.network import Argument, LayerKind
from firstlight.models.arguments import (
    ACTIVATION,
    AXIS,
    BIAS,
    CENTER,
    DILATION,
    EPSILON,
    FILTERS,
    KEEP,
    KERNEL,
    MOST,
    MULTIPLIER,
    PADDING,
    POOL,
    POOL_STEP,
    RATE,
    SCALE,
    SEED,
    SLOPE,
    STRIDES,
    count,
    number,
    pair,
    part,
    parts,
    switch,
)

_COMMON = (
    Argument("name", "text", "What it is called.", None, optional=True, rare=True),
    switch("trainable", "Whether training changes its weights.", True, rare=True),
)


def _kind(
    kind: str, title: str, words: str, group: str, *arguments: Argument, **start: Any
) -> LayerKind:
    # The one layer whose constructor does not hand it on.
    common = _COMMON[:1] if kind == "SpatialDropout2D" else _COMMON
    return LayerKind(kind, title, words, group, (*arguments, *common), start)


_CONVOLUTIONS = (
    _kind(
        "Conv2D",
        "Convolution",
        "looks for small patterns",
        "Convolution",
        *(FILTERS, KERNEL, STRIDES, PADDING, DILATION),
        count("groups", "Deals the channels out to groups that do not meet.", 1, rare=True),
        *(ACTIVATION, BIAS),
        *parts("kernel", "bias"),
        filters=16,
        kernel_size=3,
        activation="relu",
    ),
    _kind(
        "DepthwiseConv2D",
        "Depthwise convolution",
        "looks for patterns in each channel by itself",
        "Convolution",
        *(KERNEL, STRIDES, PADDING, MULTIPLIER, DILATION, ACTIVATION, BIAS),
        *parts("depthwise", "bias"),
        kernel_size=3,
        activation="relu",
    ),
    _kind(
        "SeparableConv2D",
        "Separable convolution",
        "looks in each channel, then mixes the channels",
        "Convolution",
        *(FILTERS, KERNEL, STRIDES, PADDING, DILATION, MULTIPLIER, ACTIVATION, BIAS),
        *parts("depthwise", "pointwise", "bias"),
        filters=16,
        kernel_size=3,
        activation="relu",
    ),
    _kind(
        "Conv2DTranspose",
        "Transposed convolution",
        "paints a pattern for each pixel: makes images larger",
        "Convolution",
        *(FILTERS, KERNEL, STRIDES, PADDING),
        pair("output_padding", "Pixels added at the far sides.", optional=True, least=0, rare=True),
        *(DILATION, ACTIVATION, BIAS),
        *parts("kernel", "bias"),
        filters=16,
        kernel_size=3,
        strides=2,
        activation="relu",
    ),
)
_POOLINGS = (
    _kind(
        "MaxPooling2D",
        "Max pooling",
        "keeps the strongest in each block",
        "Pooling",
        *(POOL, POOL_STEP, PADDING),
    ),
    _kind(
        "AveragePooling2D",
        "Average pooling",
        "keeps the mean of each block",
        "Pooling",
        *(replace(POOL, default=None, needed=True), POOL_STEP, PADDING),
        pool_size=2,
    ),
    _kind(
        "GlobalAveragePooling2D",
        "Global average pooling",
        "keeps the mean of each map",
        "Pooling",
        KEEP,
    ),
    _kind(
        "GlobalMaxPooling2D",
        "Global max pooling",
        "keeps the strongest of each map",
        "Pooling",
        KEEP,
    ),
)
_ACTIVATING = (
    _kind(
        "ReLU",
        "ReLU",
        "keeps positives, zeroes negatives",
        "Activation",
        number("max_value", "Larger numbers are cut to this.", optional=True, least=0, rare=True),
        replace(SLOPE, rare=True),
        number("threshold", "Smaller numbers count as negative.", 0.0, least=0, rare=True),
    ),
    _kind(
        "LeakyReLU",
        "Leaky ReLU",
        "keeps positives, lets a little of negatives through",
        "Activation",
        replace(SLOPE, default=0.3),
    ),
    _kind(
        "PReLU",
        "Learned ReLU",
        "learns how much of negatives to let through",
        "Activation",
        *parts("alpha"),
        Argument(
            "shared_axes",
            "axes",
            "Axes along which one slope serves all: 1 and 2 are height and width.",
            None,
            optional=True,
            least=1,
            most=8,
        ),
        shared_axes=[1, 2],
    ),
    _kind(
        "ELU",
        "ELU",
        "keeps positives, bends negatives smoothly",
        "Activation",
        number("alpha", "How far below zero it goes.", 1.0),
    ),
    _kind(
        "Softmax",
        "Softmax",
        "turns scores into probabilities",
        "Activation",
        replace(AXIS, kind="axes"),
    ),
    _kind(
        "Activation",
        "Activation",
        "sends each number through a function",
        "Activation",
        replace(ACTIVATION, needed=True, optional=False, help="The function."),
        activation="relu",
    ),
)
_NORMALISING = (
    _kind(
        "BatchNormalization",
        "Batch normalisation",
        "brings each map to mean 0, spread 1",
        "Normalisation",
        AXIS,
        number(
            "momentum",
            "How much of the running mean stays at each step: 0.9 forgets fast.",
            0.99,
            least=0,
            most=1,
        ),
        *(EPSILON, CENTER, SCALE),
        *(part("beta_initializer", "zeros"), part("gamma_initializer", "ones")),
        part("moving_mean_initializer", "zeros"),
        # With `renorm`, Keras calls it whether it is there or not.
        replace(part("moving_variance_initializer", "ones"), optional=False),
        *(part("beta_regularizer"), part("gamma_regularizer")),
        *(part("beta_constraint"), part("gamma_constraint")),
        switch("renorm", "Whether it trains with running means too.", False, rare=True),
        number("renorm_momentum", "The momentum of these means.", 0.99, least=0, most=1, rare=True),
    ),
    _kind(
        "LayerNormalization",
        "Layer normalisation",
        "brings each pixel's channels to mean 0, spread 1",
        "Normalisation",
        replace(AXIS, kind="axes"),
        *(EPSILON, CENTER, SCALE),
        *parts("beta", "gamma"),
    ),
    _kind(
        "GroupNormalization",
        "Group normalisation",
        "brings groups of maps to mean 0, spread 1",
        "Normalisation",
        count(
            "groups", "How many groups; it divides the channels. -1: one for each.", 32, least=-1
        ),
        *(AXIS, EPSILON, CENTER, SCALE),
        *parts("beta", "gamma"),
        groups=4,
    ),
    _kind(
        "Normalization",
        "Normalisation",
        "takes a given mean away, divides by a given spread",
        "Normalisation",
        replace(AXIS, kind="axes", optional=True),
        Argument("mean", "numbers", "The mean, or one for each channel.", None, optional=True),
        Argument(
            "variance", "numbers", "The variance, or one for each channel.", None, optional=True
        ),
        switch("invert", "Whether to undo it instead.", False, rare=True),
        mean=0.0,
        variance=1.0,
    ),
    _kind(
        "Rescaling",
        "Rescaling",
        "multiplies, then adds",
        "Normalisation",
        Argument("scale", "numbers", "What each number is multiplied by.", None, needed=True),
        Argument("offset", "numbers", "What is added then.", 0.0),
        scale=1.0,
    ),
)
_CHANCE = (
    _kind(
        "Dropout",
        "Dropout",
        "in training, zeroes some numbers by chance",
        "Chance, in training only",
        RATE,
        Argument(
            "noise_shape",
            "shape",
            "The shape of the dice; 1 along an axis: all of it or nothing.",
            None,
            optional=True,
            least=1,
            most=MOST,
            rare=True,
        ),
        SEED,
        rate=0.25,
    ),
    _kind(
        "SpatialDropout2D",
        "Spatial dropout",
        "in training, zeroes whole maps by chance",
        "Chance, in training only",
        *(RATE, SEED),
        rate=0.25,
    ),
    _kind(
        "GaussianDropout",
        "Gaussian dropout",
        "in training, multiplies by numbers around 1",
        "Chance, in training only",
        *(RATE, SEED),
        rate=0.25,
    ),
    _kind(
        "GaussianNoise",
        "Gaussian noise",
        "in training, adds noise",
        "Chance, in training only",
        number("stddev", "How strong the noise is.", needed=True, least=0, most=1),
        SEED,
        stddev=0.1,
    ),
)
_SHAPING = (
    _kind("Flatten", "Flatten", "unrolls maps into one list", "Shape"),
    _kind(
        "Reshape",
        "Reshape",
        "orders the numbers anew",
        "Shape",
        Argument(
            "target_shape",
            "shape",
            "The new shape; -1 once: whatever is left.",
            None,
            needed=True,
            least=-1,
            most=MOST,
        ),
        target_shape=[-1],
    ),
    _kind(
        "ZeroPadding2D",
        "Zero padding",
        "puts zeros around the image",
        "Shape",
        Argument("padding", "sides", "How many pixels.", 1, least=0, most=MOST),
    ),
    _kind(
        "Cropping2D",
        "Cropping",
        "cuts the edges off",
        "Shape",
        Argument("cropping", "sides", "How many pixels.", 0, least=0, most=MOST),
        cropping=1,
    ),
    _kind(
        "UpSampling2D",
        "Upsampling",
        "makes the image larger",
        "Shape",
        pair("size", "How many times as high and wide.", 2),
        Argument(
            "interpolation",
            "choice",
            "What the new pixels become.",
            "nearest",
            choices=("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"),
        ),
    ),
)
_DENSE = _kind(
    "Dense",
    "Dense",
    "weighs every number",
    "Dense",
    count("units", "How many answers it gives.", needed=True),
    *(ACTIVATION, BIAS),
    *parts("kernel", "bias"),
    units=64,
    activation="relu",
)

CATALOGUE: dict[str, LayerKind] = {
    item.kind: item
    for item in (
        *_CONVOLUTIONS,
        *_POOLINGS,
        *_ACTIVATING,
        _DENSE,
        *_NORMALISING,
        *_CHANCE,
        *_SHAPING,
    )
}
