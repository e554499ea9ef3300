"""The walk through a network: what each layer makes, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer, LayerCost
from firstlight.models.arithmetic import Shape, flops_of, weights_of, window_of
from firstlight.models.backend import import_keras
from firstlight.models.graph import Call, Tensor, calls_of
from firstlight.models.layers import first_sentence, names_of
from firstlight.models.plain_layers import PlainLayer, plain_layer, shape_made

if TYPE_CHECKING:
    import keras

# (receptive field, distance between two neighbours) of each axis, in input pixels.
Sight = tuple[tuple[float, ...], tuple[float, ...]] | None
# Of what comes from the numbers beside an image alone.
BLIND: Sight = ((0.0, 0.0), (0.0, 0.0))


def walk(model: keras.Model, image_shape: tuple[int, int, int]) -> tuple[LayerCost, ...]:
    """Every layer of a model with its shapes, weights, operations and receptive field.

    Args:
        model: a Sequential or Functional model; models inside models are laid out flat.
        image_shape: `(H, W, C)` of the images.

    Returns:
        A row for each call of a layer, in the order in which they run; weights of a layer
        that is used twice are counted once. Inputs have no row.

    Raises:
        ModelError: a layer cannot take what it receives.

    Example:
        >>> from firstlight.models import build_model
        >>> rows = walk(build_model("simple", (28, 28, 1), 10, "classify"), (28, 28, 1))
        >>> sum(row.parameters for row in rows)
        15586
    """
    return cost_of_calls(calls_of(model), image_shape)


def walk_layers(
    layers: Sequence[Layer], image_shape: tuple[int, int, int], outputs: int
) -> tuple[LayerCost, ...]:
    """The walk through a list of layers, without making a single weight or importing Keras.

    Args:
        layers: the list.
        image_shape: `(H, W, C)` of the images.
        outputs: what the word `outputs` stands for.

    Raises:
        ModelError: a layer is unknown or cannot take what it receives.

    Example:
        >>> walk_layers([Layer("MaxPooling2D")], (28, 28, 1), 10)[0].makes
        (14, 14, 1)
    """
    calls = [Call("input", None)]
    for position, (name, layer) in enumerate(zip(names_of(layers), layers, strict=True)):
        try:
            made = plain_layer(layer, outputs)
        except ModelError as error:
            raise ModelError(f"layer {position + 1}: {error}") from None
        calls.append(Call(name, made, (Tensor(position),)))
    return cost_of_calls(calls, image_shape)


def cost_of_calls(calls: Sequence[Call], image_shape: Shape) -> tuple[LayerCost, ...]:
    """The rows of a walk through calls as `calls_of` gives them; see `walk`.

    The first input is the image; others have the shapes that they say.
    """
    shapes: list[tuple[Shape, ...]] = []
    sights: list[Sight] = []
    counted: set[int] = set()
    rows = []
    for call in calls:
        if call.layer is None:
            if shapes and call.shape is not None:
                shapes.append((tuple(1 if size is None else size for size in call.shape),))
                sights.append(BLIND)
                continue
            shapes.append((tuple(image_shape),))
            sights.append(((1.0, 1.0), (1.0, 1.0)) if len(image_shape) == 3 else None)
            continue
        received = tuple(_shape_of(tensor, shapes) for tensor in call.tensors)
        made = _makes(call, received, shapes)
        makes = made[0]
        sight = _look(call.layer, [sights[number] for number in call.inputs])
        weights = (0, 0) if id(call.layer) in counted else weights_of(call.layer, received)
        counted.add(id(call.layer))
        shapes.append(made)
        sights.append(sight)
        rows.append(
            LayerCost(
                name=call.name,
                kind=type(call.layer).__name__,
                received=received[0],
                makes=makes,
                parameters=weights[0],
                trainable_parameters=weights[1],
                flops=flops_of(call.layer, received, makes),
                activation_bytes=4 * prod(makes),
                receptive_field=_field(sight),
            )
        )
    return tuple(rows)


def _shape_of(tensor: Tensor, shapes: Sequence[tuple[Shape, ...]]) -> Shape:
    return shapes[tensor.call][tensor.output]


def _makes(
    call: Call, received: Sequence[Shape], shapes: Sequence[tuple[Shape, ...]]
) -> tuple[Shape, ...]:
    """The shape of each answer that a call makes; a layer answers without being built."""
    if isinstance(call.layer, PlainLayer):
        return (shape_made(call.name, call.layer, received[0]),)
    keras = import_keras()
    _check_rank(call, received)
    try:
        if isinstance(call.layer, keras.layers.Layer):
            batches = [_filled(value, shapes) for value in call.arguments]
            try:
                makes = call.layer.compute_output_shape(*batches)
            except (NotImplementedError, TypeError):
                makes = _symbolic(call, shapes)
        else:
            makes = _symbolic(call, shapes)
    except (ValueError, TypeError, IndexError, RuntimeError) as error:
        raise ModelError(
            f"{call.name} cannot take what it receives: {first_sentence(error)}"
        ) from error
    several = makes if makes and isinstance(makes[0], (list, tuple)) else [makes]
    return tuple(tuple(-1 if size is None else int(size) for size in one[1:]) for one in several)


def _check_rank(call: Call, received: Sequence[Shape]) -> None:
    """Refuse a shape whose number of axes a layer's `input_spec` excludes."""
    spec = getattr(call.layer, "input_spec", None)
    exactly, least = getattr(spec, "ndim", None), getattr(spec, "min_ndim", None) or 1
    for shape in received:
        given = len(shape) + 1
        if given < least or given != (exactly or given):
            raise ModelError(
                f"{call.name} takes arrays with {(exactly or least) - 1} axes for each image, "
                f"but {' x '.join(map(str, shape))} came."
            )


def _symbolic(call: Call, shapes: Sequence[tuple[Shape, ...]]) -> Any:
    """The output shapes found by a dry run of the call."""
    keras = import_keras()

    def tensor(shape: tuple[int | None, ...]) -> Any:
        return keras.KerasTensor(shape)

    arguments = [_filled(value, shapes, tensor) for value in call.arguments]
    keywords = {key: _filled(value, shapes, tensor) for key, value in call.keywords.items()}
    spec = call.layer.compute_output_spec(*arguments, **keywords)
    return [tensor.shape for tensor in keras.tree.flatten(spec)]


def _filled(value: Any, shapes: Sequence[tuple[Shape, ...]], make: Any = tuple) -> Any:
    """A call's argument with a batch shape, or what `make` makes of it, for each tensor."""
    if isinstance(value, Tensor):
        return make((None, *_shape_of(value, shapes)))
    if isinstance(value, (list, tuple)):
        return [_filled(item, shapes, make) for item in value]
    return value


def _field(sight: Sight) -> tuple[int, int] | None:
    return None if sight in (None, BLIND) else (ceil(sight[0][0]), ceil(sight[0][1]))


def _look(layer: Any, sights: Sequence[Sight]) -> Sight:
    """What a layer's answers see of the image: through branches, the most."""
    if all(sight == BLIND for sight in sights):
        return BLIND
    sights = [sight for sight in sights if sight != BLIND]
    window = window_of(layer)
    if window is None or any(sight is None for sight in sights):
        return None
    seen = [sight for sight in sights if sight is not None]
    field = [max(axis) for axis in zip(*(sight[0] for sight in seen), strict=True)]
    jump = [max(axis) for axis in zip(*(sight[1] for sight in seen), strict=True)]
    sizes, steps = window
    return (
        tuple(f + (size - 1) * j for f, size, j in zip(field, sizes, jump, strict=True)),
        # No image is so large; beyond what a float can hold there would be no number.
        tuple(min(step * j, 1e12) for step, j in zip(steps, jump, strict=True)),
    )
