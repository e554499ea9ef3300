"""The arguments that several layers share, and how an argument is written down."""

from __future__ import annotations

from typing import Any

from firstlight.core.network import Argument

ACTIVATIONS = frozenset(
    """celu elu exponential gelu hard_sigmoid hard_silu leaky_relu linear log_softmax mish relu
    relu6 selu sigmoid silu softmax softplus softsign swish tanh""".split()
)
# What may stand for an initializer, a regularizer or a constraint, and what each takes.
PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "initializer": {
        "Constant": ("value",),
        "GlorotNormal": ("seed",),
        "GlorotUniform": ("seed",),
        "HeNormal": ("seed",),
        "HeUniform": ("seed",),
        "LecunNormal": ("seed",),
        "LecunUniform": ("seed",),
        "Ones": (),
        "Orthogonal": ("gain", "seed"),
        "RandomNormal": ("mean", "stddev", "seed"),
        "RandomUniform": ("minval", "maxval", "seed"),
        "TruncatedNormal": ("mean", "stddev", "seed"),
        "VarianceScaling": ("scale", "mode", "distribution", "seed"),
        "Zeros": (),
    },
    "regularizer": {"L1": ("l1",), "L1L2": ("l1", "l2"), "L2": ("l2",)},
    "constraint": {
        "MaxNorm": ("max_value", "axis"),
        "MinMaxNorm": ("min_value", "max_value", "rate", "axis"),
        "NonNeg": (),
        "UnitNorm": ("axis",),
    },
}
# Initializers that need no arguments, as people write them; the same for the other parts.
_WORDS: dict[str, tuple[str, ...]] = {
    "initializer": tuple(
        """glorot_uniform glorot_normal he_normal he_uniform lecun_normal lecun_uniform orthogonal
        random_normal random_uniform truncated_normal variance_scaling ones zeros""".split()
    ),
    "regularizer": ("l1", "l2"),
    "constraint": ("max_norm", "min_max_norm", "non_neg", "unit_norm"),
}
# More than any machine can hold; keeps typing mistakes from becoming endless sums.
MOST = 1_000_000


def count(name: str, help: str, default: int | None = None, **more: Any) -> Argument:
    """A whole number of 1 or more, unless `more` says otherwise."""
    return Argument(name, "count", help, default, **{"least": 1, "most": MOST, **more})


def number(name: str, help: str, default: float | None = None, **more: Any) -> Argument:
    """A number."""
    return Argument(name, "number", help, default, **more)


def pair(name: str, help: str, default: int | None = None, **more: Any) -> Argument:
    """Height and width, of 1 or more unless `more` says otherwise."""
    return Argument(name, "pair", help, default, **{"least": 1, "most": MOST, **more})


def switch(name: str, help: str, default: bool, **more: Any) -> Argument:
    """True or false."""
    return Argument(name, "switch", help, default, **more)


def part(name: str, default: str | None = None) -> Argument:
    """An initializer, a regularizer or a constraint: its name says of what."""
    of, _, ending = name.rpartition("_")
    what = _PARTS_OF[of]
    sentence = {
        "initializer": f"How {what} are set before training.",
        "regularizer": f"A penalty on large values of {what}, added to the loss.",
        "constraint": f"A rule that {what} keep to after every step.",
    }[ending]
    kind: Any = ending
    choices = tuple(item for item in _WORDS[ending] if item != "orthogonal" or of in MATRICES)
    return Argument(name, kind, sentence, default, optional=True, choices=choices, rare=True)


# Only weights with two axes or more can start orthogonal.
MATRICES = ("kernel", "depthwise", "pointwise")
_PARTS_OF = {
    "activity": "the layer's answers",
    "alpha": "the learned slopes",
    "beta": "the learned shifts",
    "bias": "the biases",
    "depthwise": "the kernels of each channel",
    "gamma": "the learned scales",
    "kernel": "the weights",
    "moving_mean": "the running means",
    "moving_variance": "the running variances",
    "pointwise": "the weights that mix the channels",
}


def parts(*weights: str) -> tuple[Argument, ...]:
    """The initializers, regularizers and constraints of a layer's weights, in Keras's order."""
    starts = {"bias": "zeros", "beta": "zeros", "gamma": "ones", "alpha": "zeros"}
    regularized = (*weights, "activity") if "bias" in weights else weights
    return (
        *(part(f"{of}_initializer", starts.get(of, "glorot_uniform")) for of in weights),
        *(part(f"{of}_regularizer") for of in regularized),
        *(part(f"{of}_constraint") for of in weights),
    )


FILTERS = count("filters", "How many patterns it looks for: as many maps come out.", needed=True)
KERNEL = pair("kernel_size", "Height and width of the window, in pixels.", needed=True)
STRIDES = pair("strides", "How many pixels the window moves on at a time.", 1)
PADDING = Argument(
    "padding",
    "choice",
    "valid: only where the window fits; same: zeros around the image keep its size.",
    "valid",
    choices=("valid", "same"),
)
DILATION = pair("dilation_rate", "How far apart the window's pixels are.", 1, rare=True)
MULTIPLIER = count(
    "depth_multiplier", "How many patterns it looks for in each channel.", 1, rare=True
)
ACTIVATION = Argument(
    "activation",
    "activation",
    "The function that each answer goes through.",
    None,
    optional=True,
    choices=tuple(sorted(ACTIVATIONS)),
)
BIAS = switch("use_bias", "Whether a learned number is added to each answer.", True)
RATE = number("rate", "The part of the numbers that is hit.", needed=True, least=0, most=1)
SEED = count("seed", "Makes the chance the same each time.", optional=True, least=0, rare=True)
POOL = pair("pool_size", "Height and width of the block that becomes one number.", 2)
POOL_STEP = pair(
    "strides", "How many pixels the block moves on; empty: its own size.", optional=True
)
KEEP = switch("keepdims", "Whether the answer stays an image, of one pixel.", False, rare=True)
AXIS = count(
    "axis", "The axis it works along; -1 is the channels.", -1, least=-8, most=8, rare=True
)
EPSILON = number(
    "epsilon", "A small number that keeps it from dividing by zero.", 0.001, least=0, rare=True
)
CENTER = switch("center", "Whether it learns a shift (beta).", True, rare=True)
SCALE = switch("scale", "Whether it learns a scale (gamma).", True, rare=True)
SLOPE = number("negative_slope", "How much of a negative number passes.", 0.0, least=0)
