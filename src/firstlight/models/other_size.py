"""A network, weights and all, for images of another size than it was made for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from firstlight.core.errors import ModelError
from firstlight.models.backend import import_keras
from firstlight.models.graph import Call, Tensor, graph_of
from firstlight.models.preparation import SIDE_CHANNELS

if TYPE_CHECKING:
    import keras


def for_size(model: keras.Model, height: int, width: int) -> keras.Model:
    """The same network for images of another height and width.

    Convolutions, pooling and means over the image take images of any size. What comes behind a
    Flatten has a weight for each pixel, so such a network takes one size only.

    Args:
        model: a built Keras model whose first input is `(H, W, C)` images.
        height: of the images in pixels.
        width: the same.

    Returns:
        A model that shares the layers of `model` and so its weights; `model` itself where its
        images have that size already.

    Raises:
        ModelError: the network cannot take images of that size; the message names the layer.

    Example:
        >>> keras = import_keras()
        >>> layers = keras.layers
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(4, 3)])
        >>> for_size(model, 20, 30).output_shape
        (None, 18, 28, 4)
    """
    keras = import_keras()
    made_for = tuple(model.inputs[0].shape[1:3])
    if made_for == (height, width):
        return model
    graph = graph_of(model)
    images, *others = model.inputs
    inputs = [keras.Input((height, width, images.shape[3]))]
    inputs += [keras.Input(other.shape[1:]) for other in others]
    made = {number: [value] for number, value in zip(graph.inputs, inputs, strict=True)}

    def find(value: Any) -> Any:
        return made[value.call][value.output] if isinstance(value, Tensor) else value

    for number, call in enumerate(graph.calls):
        if call.layer is None:
            continue
        arguments, keywords = keras.tree.map_structure(find, (call.arguments, call.keywords))
        try:
            answers = _layer_for(call, height, width)(*arguments, **keywords)
        except Exception as error:  # Keras and layers of the user's own raise of all kinds
            raise ModelError(
                f"images of {made_for[0]} x {made_for[1]} pixels were expected, since layer "
                f"{call.name} ({type(call.layer).__name__}) takes no others, but {height} x "
                f"{width} came, and --resize none keeps their size: train a network that ends in "
                "a mean over the image (--model vgg-gap or residual), or have images brought to "
                "the size of the training (--resize pad)."
            ) from error
        made[number] = keras.tree.flatten(answers)
    outputs = [find(place) for place in graph.outputs]
    return keras.Model(inputs, outputs[0] if len(outputs) == 1 else outputs, name=model.name)


def _layer_for(call: Call, height: int, width: int) -> Any:
    """The layer of a call; that which spreads the numbers beside an image, for its new size."""
    layers = import_keras().layers
    if isinstance(call.layer, layers.UpSampling2D) and call.layer.name == SIDE_CHANNELS:
        return layers.UpSampling2D((height, width), name=SIDE_CHANNELS)
    return call.layer
