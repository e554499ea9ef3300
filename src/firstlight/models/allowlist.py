"""What a model file may name: the classes that are loaded, and those that would be code."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from firstlight.models.arguments import ACTIVATIONS, PARTS
from firstlight.models.backend import import_keras
from firstlight.models.layers import LAYERS

MODELS = frozenset("Functional Model Sequential".split())
# Keras's own layers that work on images and hold nothing but numbers: none of them reads a file,
# names a function or runs code that a file brings along.
_LAYERS = LAYERS | frozenset(
    """ActivityRegularization AdaptiveAveragePooling1D AdaptiveAveragePooling2D
    AdaptiveAveragePooling3D AdaptiveMaxPooling1D AdaptiveMaxPooling2D AdaptiveMaxPooling3D Add
    AlphaDropout AutoContrast Average AveragePooling1D AveragePooling3D CenterCrop Concatenate
    Conv1D Conv1DTranspose Conv3D Conv3DTranspose Cropping1D Cropping3D DepthwiseConv1D Dot
    GlobalAveragePooling1D GlobalAveragePooling3D GlobalMaxPooling1D
    GlobalMaxPooling3D Identity InputLayer MaxPooling1D MaxPooling3D Maximum Minimum Multiply
    Permute RMSNormalization RandomBrightness RandomColorDegeneration RandomColorJitter
    RandomContrast RandomCrop RandomElasticTransform RandomErasing RandomFlip RandomGaussianBlur
    RandomGrayscale RandomHue RandomInvert RandomPerspective RandomPosterization RandomRotation
    RandomSaturation RandomSharpness RandomShear RandomTranslation RandomZoom RepeatVector
    Resizing SeparableConv1D Solarization SpatialDropout1D SpatialDropout3D Subtract
    UnitNormalization UpSampling1D UpSampling3D ZeroPadding1D ZeroPadding3D""".split()
)
_OPTIMIZERS = frozenset("Adam AdamW Nadam RMSprop SGD".split())
_OPERATIONS = frozenset(
    """Absolute Add Arcsinh Clip Concatenate Divide Exp GetItem Log Log1p Max Maximum Mean Min
    Minimum Multiply Negative Power Relu Reshape Sigmoid Silu Softmax Sqrt Square Subtract Sum Tanh
    TrueDivide
    """.split()
)
_CLASSES: dict[str, frozenset[str]] = {
    "keras": MODELS | {"DTypePolicy"},
    "keras.models": MODELS,
    "keras.src.models.functional": MODELS,
    "keras.src.models.sequential": MODELS,
    "keras.layers": _LAYERS,
    "keras.initializers": frozenset(PARTS["initializer"]),
    "keras.regularizers": frozenset(PARTS["regularizer"]),
    "keras.constraints": frozenset(PARTS["constraint"]),
    "keras.optimizers": _OPTIMIZERS,
    "keras.src.ops.core": _OPERATIONS,
    "keras.src.ops.math": _OPERATIONS,
    "keras.src.ops.nn": _OPERATIONS,
    "keras.src.ops.numpy": _OPERATIONS,
}


def named_parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every part of a configuration that names a class, however deep.

    Example:
        >>> [part["class_name"] for part in named_parts([{"class_name": "Dense", "config": {}}])]
        ['Dense']
    """
    if isinstance(value, dict):
        if "class_name" in value:
            yield value
        for item in value.values():
            yield from named_parts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from named_parts(item)


def is_known(part: Mapping[str, Any]) -> bool:
    """Whether a part of a configuration is one that is loaded from any file.

    Example:
        >>> is_known({"class_name": "Dense", "module": "keras.layers", "registered_name": None})
        True
    """
    kind, module = part.get("class_name"), part.get("module")
    if kind in ("__keras_tensor__", "__slice__", "__ellipsis__") and module is None:
        return True
    if kind == "function" and module in ("builtins", "keras.activations"):
        return str(part.get("config")) in ACTIVATIONS
    known = str(kind) in _CLASSES.get(str(module), ())
    return known and part.get("registered_name") in (None, kind)


def is_code(part: Mapping[str, Any]) -> bool:
    """Whether a part of a configuration carries program code along.

    Example:
        >>> is_code({"class_name": "Lambda", "module": "keras.layers"})
        True
    """
    return part.get("class_name") in ("Lambda", "__lambda__")


def is_own(part: Mapping[str, Any], own: Mapping[str, type]) -> bool:
    """Whether a part of a configuration asks for one of the user's own classes.

    Args:
        part: the part.
        own: the classes that the user trusts, by name.

    Example:
        >>> class Doubled: ...
        >>> is_own({"class_name": "Doubled", "module": "net"}, {"Doubled": Doubled})
        True
    """
    kind = str(part.get("class_name"))
    if kind not in own or not may_be_own(part):
        return False
    registered = import_keras().saving.get_registered_name(own[kind])
    return part.get("registered_name", kind) in (kind, registered)


def may_be_own(part: Mapping[str, Any]) -> bool:
    """Whether a part could be a class of the user's own: of neither Keras's nor Python's modules.

    Example:
        >>> may_be_own({"class_name": "system", "module": "os"})
        False
    """
    kind, module = part.get("class_name"), part.get("module")
    if not isinstance(kind, str) or not isinstance(module, str) or not kind.isidentifier():
        return False
    package = module.partition(".")[0]
    return kind != "function" and package != "keras" and package not in sys.stdlib_module_names
