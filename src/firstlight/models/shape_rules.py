"""The doctor's rules about shapes: a layer that cannot take what it receives, and its fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from firstlight.core.errors import ModelError
from firstlight.core.findings import Edit, Finding, Fix, Layer, LayerCost
from firstlight.models.arithmetic import Shape
from firstlight.models.cost import cost_of_calls, shape_after
from firstlight.models.graph import Call, Tensor
from firstlight.models.layers import first_sentence, make_layer, names_of

_FLATTENING = ("Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D")
_NEEDS_AN_IMAGE = frozenset(
    """AveragePooling2D Conv2D Conv2DTranspose Cropping2D DepthwiseConv2D GlobalAveragePooling2D
    GlobalMaxPooling2D MaxPooling2D SeparableConv2D SpatialDropout2D UpSampling2D ZeroPadding2D
    """.split()
)


@dataclass(frozen=True)
class _Place:
    """A layer at its place in a list.

    Attributes:
        layers: the whole list.
        index: the layer's position.
        name: the layer's name.
        made: the Keras layer.
        received: the shape that it gets, without the batch axis.
    """

    layers: Sequence[Layer]
    index: int
    name: str
    made: Any
    received: Shape

    @property
    def layer(self) -> Layer:
        return self.layers[self.index]

    def error(self, code: str, message: str, fix: Fix | None = None) -> Finding:
        return Finding(
            "error", code, message, self.name, self.index, received=self.received, fix=fix
        )


def examine(
    layers: Sequence[Layer], image_shape: tuple[int, int, int], outputs: int
) -> tuple[tuple[LayerCost, ...], Finding | None]:
    """Walk a list of layers up to the first that cannot take what it receives.

    Args:
        layers: the list.
        image_shape: `(H, W, C)` of the images.
        outputs: what the word `outputs` stands for.

    Returns:
        The rows of the layers that work, and the finding about the one that does not, or None.

    Example:
        >>> layers = [Layer("Conv2D", {"filters": 8, "kernel_size": 16})]
        >>> rows, finding = examine(layers, (8, 8, 1), 10)
        >>> finding.code, finding.fix.edits[0].layer.arguments["kernel_size"]
        ('kernel-larger-than-input', 8)
    """
    calls = [Call("input", None)]
    shape: Shape = tuple(image_shape)
    problem = None
    for index, name in enumerate(names_of(layers)):
        place = _Place(layers, index, name, None, shape)
        try:
            place = _Place(layers, index, name, make_layer(layers[index], outputs), shape)
            problem = next(filter(None, (rule(place) for rule in _RULES)), None)
            if problem is None:
                _try_building(place)
                shape = shape_after(name, place.made, shape)
        except ModelError as error:
            problem = place.error("cannot-build", f"layer {index + 1}: {error}")
        if problem is not None:
            break
        calls.append(Call(name, place.made, (Tensor(index),)))
    return cost_of_calls(calls, image_shape), problem


def times(shape: Shape) -> str:
    """A shape as people write it.

    Example:
        >>> times((12, 12, 10))
        '12x12x10'
    """
    return "x".join(str(size) for size in shape)


def _try_building(place: _Place) -> None:
    """Build a layer of few weights: some say only then that a shape is not for them."""
    if hasattr(place.made, "kernel_initializer"):
        return
    try:
        place.made.build((None, *place.received))
    except (ValueError, TypeError, IndexError) as error:
        raise ModelError(
            f"{place.name} cannot take what it receives: {first_sentence(error)}"
        ) from error


def _needs_an_image(place: _Place) -> Finding | None:
    """A convolution or pooling after the image has been flattened."""
    if place.layer.kind not in _NEEDS_AN_IMAGE or len(place.received) == 3:
        return None
    earlier = [i for i in range(place.index) if place.layers[i].kind in _FLATTENING]
    message = (
        f"{place.name} ({place.layer.kind}) works on images of height x width x channels, "
        f"but receives {times(place.received)} numbers that have no place any more."
    )
    if not earlier:
        return place.error("needs-an-image", message)
    kind = place.layers[earlier[-1]].kind
    fix = Fix(f"take {kind} (layer {earlier[-1] + 1}) away", (Edit("remove", earlier[-1]),))
    return place.error("needs-an-image", message, fix)


def _kernel_too_large(place: _Place) -> Finding | None:
    """A convolution without padding whose kernel does not fit into what it receives."""
    kernel = getattr(place.made, "kernel_size", None)
    if kernel is None or place.layer.kind == "Conv2DTranspose" or place.made.padding != "valid":
        return None
    rates = place.made.dilation_rate
    covers = tuple((size - 1) * rate + 1 for size, rate in zip(kernel, rates, strict=True))
    height, width = place.received[:2]
    if covers[0] <= height and covers[1] <= width:
        return None
    smaller = [min(covers[0], height), min(covers[1], width)]
    arguments = {
        name: value for name, value in place.layer.arguments.items() if name != "dilation_rate"
    }
    arguments["kernel_size"] = smaller[0] if smaller[0] == smaller[1] else smaller
    return place.error(
        "kernel-larger-than-input",
        f"the kernel of {place.name} covers {times(covers)} pixels, but it receives "
        f"{height}x{width}: the kernel does not fit in.",
        Fix(
            f"make the kernel {times(tuple(smaller))}",
            (Edit("replace", place.index, Layer(place.layer.kind, arguments)),),
        ),
    )


def _pools_to_nothing(place: _Place) -> Finding | None:
    """A pooling layer, without padding, larger than what it receives."""
    pool = getattr(place.made, "pool_size", None)
    if pool is None or place.made.padding != "valid":
        return None
    height, width = place.received[:2]
    if pool[0] <= height and pool[1] <= width:
        return None
    return place.error(
        "pooling-to-nothing",
        f"{place.name} pools {times(tuple(pool))} pixels into one, but only {height}x{width} are "
        "left: nothing would remain.",
        Fix(f"take {place.name} (layer {place.index + 1}) away", (Edit("remove", place.index),)),
    )


def _groups_do_not_divide(place: _Place) -> Finding | None:
    """A convolution in groups whose channels cannot be dealt out evenly."""
    groups = getattr(place.made, "groups", 1)
    if place.layer.kind != "Conv2D" or place.received[-1] % groups == 0:
        return None
    arguments = {name: value for name, value in place.layer.arguments.items() if name != "groups"}
    return place.error(
        "groups-do-not-divide",
        f"{place.name} deals its channels out to {groups} groups, but it receives "
        f"{place.received[-1]}, which {groups} does not divide.",
        Fix("leave groups out", (Edit("replace", place.index, Layer("Conv2D", arguments)),)),
    )


_RULES = (_needs_an_image, _kernel_too_large, _pools_to_nothing, _groups_do_not_divide)
