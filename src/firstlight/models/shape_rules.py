"""The doctor's rules about shapes: a layer that cannot take what it receives, and its fix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd
from typing import Any

from firstlight.core.errors import ModelError
from firstlight.core.findings import Edit, Finding, Fix, Layer, LayerCost
from firstlight.models.argument_rules import refusal
from firstlight.models.arithmetic import Shape
from firstlight.models.cost import cost_of_calls
from firstlight.models.graph import Call, Tensor
from firstlight.models.layers import names_of
from firstlight.models.plain_layers import NEEDS_AN_IMAGE, described, shape_made

_FLATTENING = ("Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D")


@dataclass(frozen=True)
class _Place:
    """A layer at its place in a list.

    Attributes:
        layers: the whole list.
        names: the names of all of them.
        index: the layer's position.
        made: the Keras layer.
        received: the shape that it gets, without the batch axis; None where that is not known.
    """

    layers: Sequence[Layer]
    names: Sequence[str]
    index: int
    made: Any
    received: Any

    @property
    def name(self) -> str:
        return self.names[self.index]

    @property
    def layer(self) -> Layer:
        return self.layers[self.index]

    def error(self, code: str, message: str, fix: Fix | None = None) -> Finding:
        return Finding(
            "error", code, message, self.name, self.index, received=self.received, fix=fix
        )


def examine(
    layers: Sequence[Layer], image_shape: tuple[int, int, int], outputs: int
) -> tuple[tuple[LayerCost, ...], tuple[Finding, ...]]:
    """Walk a list of layers up to the first that cannot take what it receives.

    Args:
        layers: the list.
        image_shape: `(H, W, C)` of the images.
        outputs: what the word `outputs` stands for.

    Returns:
        The rows of the layers that work, and the finding about the one that does not. What is
        wrong with layers behind it whatever they receive follows; () where all work.

    Example:
        >>> layers = [Layer("Conv2D", {"filters": 8, "kernel_size": 16})]
        >>> rows, (finding,) = examine(layers, (8, 8, 1), 10)
        >>> finding.code, finding.fix.edits[0].layer.arguments["kernel_size"]
        ('kernel-larger-than-input', 8)
    """
    calls = [Call("input", None)]
    shape: Shape = tuple(image_shape)
    names = names_of(layers)
    problems: list[Finding] = []
    for index, name in enumerate(names):
        place = _Place(layers, names, index, None, None if problems else shape)
        refused = refusal(layers[index])
        if refused is not None:
            edit = (
                Edit("remove", index)
                if refused.instead is None
                else Edit("replace", index, refused.instead)
            )
            fix = Fix(refused.remedy.rstrip("?"), (edit,))
            message = f"layer {index + 1}: {refused.message}."
            problems.append(place.error("cannot-build", message, fix))
        if problems:
            continue
        place = replace(place, made=described(layers[index], outputs))
        try:
            problem = next(filter(None, (rule(place) for rule in _RULES)), None)
            if problem is None:
                shape = shape_made(name, place.made, shape)
                calls.append(Call(name, place.made, (Tensor(index),)))
        except ModelError as error:
            fix = Fix(f"take {name} (layer {index + 1}) away", (Edit("remove", index),))
            problem = place.error("cannot-build", f"layer {index + 1}: {error}", fix)
        if problem is not None:
            problems.append(problem)
    return cost_of_calls(calls, image_shape), tuple(problems)


def times(shape: Shape) -> str:
    """A shape as people write it.

    Example:
        >>> times((12, 12, 10))
        '12x12x10'
    """
    return "x".join(str(size) for size in shape)


def _needs_an_image(place: _Place) -> Finding | None:
    """A convolution or pooling after the image has been flattened."""
    if place.layer.kind not in NEEDS_AN_IMAGE or len(place.received) == 3:
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
    return _groups_finding(place, groups, "leave groups out", arguments)


def _groups_of_channels(place: _Place) -> Finding | None:
    """Group normalisation in groups that the channels do not make up."""
    if place.layer.kind != "GroupNormalization" or place.made.axis != -1:
        return None
    groups, channels = place.made.groups, place.received[-1]
    if groups < 1 or channels % groups == 0:
        return None
    fitting = gcd(groups, channels)
    arguments = place.layer.arguments | {"groups": fitting}
    return _groups_finding(place, groups, f"use {fitting} groups", arguments)


def _groups_finding(place: _Place, groups: int, remedy: str, arguments: dict[str, Any]) -> Finding:
    return place.error(
        "groups-do-not-divide",
        f"{place.name} deals its channels out to {groups} groups, but it receives "
        f"{place.received[-1]}, which {groups} does not divide.",
        Fix(remedy, (Edit("replace", place.index, Layer(place.layer.kind, arguments)),)),
    )


def _name_is_taken(place: _Place) -> Finding | None:
    """Two layers of one name: Keras could not tell their weights apart."""
    earlier = place.names[: place.index]
    if place.name not in earlier:
        return None
    edits = []
    for index in (earlier.index(place.name), place.index):
        layer = place.layers[index]
        if "name" in layer.arguments:
            rest = {key: value for key, value in layer.arguments.items() if key != "name"}
            edits.append(Edit("replace", index, Layer(layer.kind, rest)))
    return place.error(
        "name-is-taken",
        f"layers {earlier.index(place.name) + 1} and {place.index + 1} are both called "
        f"{place.name}: each needs a name of its own.",
        Fix("leave the name away", tuple(edits)),
    )


_RULES = (
    _name_is_taken,
    _needs_an_image,
    _kernel_too_large,
    _pools_to_nothing,
    _groups_do_not_divide,
    _groups_of_channels,
)
