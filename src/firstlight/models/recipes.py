"""The networks that firstlight brings along, and how each is trained unless the user says more.

`simple`, `intermediate` and `vgg` are the networks of the teaching notebook that firstlight grew
from; `compact` is the fast default; `maps` measures on maps of the sky; `residual` is for images of
any size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from firstlight.core.dataset import Task
from firstlight.core.findings import Layer
from firstlight.models.argument_rules import OUTPUTS

if TYPE_CHECKING:
    import keras

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class Recipe:
    """A network by name.

    Attributes:
        name: what `--model` takes.
        summary: what it is, in a sentence.
        training: values of `TrainSettings` fields for this network.
        measuring: values that differ where numbers are measured rather than classes told apart.
        layers: makes the list of layers for an image shape and a task, or None.
        build: makes the Keras model for an image shape, a number of outputs and a task, where
            the network is no plain list; None otherwise.
    """

    name: str
    summary: str
    training: dict[str, Any]
    measuring: dict[str, Any] = field(default_factory=dict)
    layers: Callable[[Shape, Task], tuple[Layer, ...]] | None = None
    build: Callable[[Shape, int, Task], keras.Model] | None = None

    def settings(self, task: Task) -> dict[str, Any]:
        """How the network is trained for a task."""
        return self.training | (self.measuring if task == "measure" else {})


def answer_layer(task: Task, **arguments: Any) -> Layer:
    """The last layer: a probability for each class, or the measured numbers as they are.

    Args:
        task: `classify` or `measure`.
        **arguments: further arguments of the layer.

    Example:
        >>> answer_layer("measure")
        Layer(kind='Dense', arguments={'units': 'outputs'})
    """
    activation = {"activation": "softmax"} if task == "classify" else {}
    return Layer("Dense", {"units": OUTPUTS, **activation, **arguments})


def _simple(image_shape: Shape, task: Task) -> tuple[Layer, ...]:
    return (
        Layer("Conv2D", {"filters": 8, "kernel_size": 16, "activation": "relu"}),
        Layer("Flatten"),
        answer_layer(task),
    )


def _intermediate(image_shape: Shape, task: Task) -> tuple[Layer, ...]:
    return (
        Layer("Conv2D", {"filters": 16, "kernel_size": 5, "activation": "relu"}),
        Layer("MaxPooling2D", {"pool_size": 2}),
        Layer("Flatten"),
        answer_layer(task),
    )


def _vgg(image_shape: Shape, task: Task, head: str = "Flatten") -> tuple[Layer, ...]:
    # Named, not shared: every layer gets an initializer of its own. One unseeded object for all
    # of them makes layers of equal shape start identical in Keras 3. The one-dimensional beta
    # gets GlorotNormal too (standard deviation 1/sqrt(channels)), as in the notebook.
    start = {"kernel_initializer": "glorot_normal", "use_bias": False}
    normalise = (
        Layer("BatchNormalization", {"momentum": 0.9, "beta_initializer": "glorot_normal"}),
        Layer("Activation", {"activation": "relu"}),
    )
    pool = (Layer("MaxPooling2D", {"pool_size": 2}),)
    layers: tuple[Layer, ...] = ()
    for filters in (32, 64, 128, 256):
        arguments = {"filters": filters, "kernel_size": 3, "padding": "same", **start}
        layers += (Layer("Conv2D", arguments),) * 2 + normalise
        layers += pool if filters < 256 else ()
    layers += (Layer(head),)
    for _ in range(3):
        layers += (Layer("Dense", {"units": 1024, **start}), *normalise)
    return (*layers, answer_layer(task, **start))


def _vgg_gap(image_shape: Shape, task: Task) -> tuple[Layer, ...]:
    """Each filter's mean over the image in place of all of its pixels.

    3.5 million weights for images of any size, where 200x200 pixels make 167 million of `vgg`'s.
    """
    return _vgg(image_shape, task, "GlobalAveragePooling2D")


def _compact(image_shape: Shape, task: Task) -> tuple[Layer, ...]:
    """Two convolution blocks for images up to about 70 pixels, more until 16x16 are left.

    The first convolution takes steps of two pixels: with a pooling in its place, an epoch takes
    half as long again and the accuracy on digits is the same.
    """
    height, width = image_shape[:2]
    padding = {"padding": "same"} if min(height, width) < 24 else {}
    # The mean that batch normalisation takes away would take a bias away with it.
    unbiased = {"use_bias": False}
    # Keras's 0.99 would not have forgotten its starting values after one epoch.
    normalise = (Layer("BatchNormalization", {"momentum": 0.9}), Layer("ReLU"))
    first = {"filters": 16, "kernel_size": 5, "strides": 2, **padding, **unbiased}
    second = {"filters": 32, "kernel_size": 3, **padding, **unbiased}
    layers: tuple[Layer, ...] = (Layer("Conv2D", first), *normalise, Layer("Conv2D", second))
    # Without padding the kernels cost two pixels each.
    height, width = ((size + 1) // 2 - (0 if padding else 4) for size in (height, width))
    if min(height, width) >= 2:
        layers += (Layer("MaxPooling2D", {"pool_size": 2}),)
        height, width = height // 2, width // 2
    layers += normalise
    while max(height, width) > 16 and min(height, width) >= 2:
        block = {"filters": 64, "kernel_size": 3, "padding": "same", **unbiased}
        layers += (Layer("Conv2D", block), Layer("MaxPooling2D", {"pool_size": 2}), *normalise)
        height, width = height // 2, width // 2
    dense = Layer("Dense", {"units": 128, **unbiased})
    return (*layers, Layer("Flatten"), dense, *normalise, answer_layer(task))


def _maps(image_shape: Shape, task: Task) -> tuple[Layer, ...]:
    """Three levels of detail, each coarser, and each filter's mean over the map.

    A beam blurs over a few pixels, so the first convolution takes steps of two. The last one sees
    67 pixels: how bright ionised hydrogen is can be told only by comparing places far apart.
    """
    unbiased = {"padding": "same", "use_bias": False}
    normalise = (Layer("BatchNormalization", {"momentum": 0.9}), Layer("ReLU"))
    first = {"filters": 24, "kernel_size": 5, "strides": 2, **unbiased}
    layers: tuple[Layer, ...] = (Layer("Conv2D", first), *normalise)
    size = (min(image_shape[:2]) + 1) // 2
    for filters in (24, 48, 96):
        block = {"filters": filters, "kernel_size": 3, **unbiased}
        layers += (Layer("Conv2D", block), *normalise) * 2
        if filters < 96 and size >= 2:
            layers += (Layer("MaxPooling2D", {"pool_size": 2}),)
            size //= 2
    dense = Layer("Dense", {"units": 128, "activation": "relu"})
    return (*layers, Layer("GlobalAveragePooling2D"), dense, answer_layer(task))


def _residual(image_shape: Shape, outputs: int, task: Task) -> keras.Model:
    """Six basic blocks (He et al. 2016, arXiv:1512.03385) and global average pooling."""
    from firstlight.models.backend import import_keras

    keras = import_keras()
    layers = keras.layers

    def convolve(x: Any, filters: int, size: int, strides: int = 1) -> Any:
        x = layers.Conv2D(
            filters,
            size,
            strides=strides,
            padding="same",
            use_bias=False,
            kernel_initializer="he_normal",
        )(x)
        return layers.BatchNormalization(momentum=0.9)(x)

    size = min(image_shape[:2])
    inputs = keras.Input(image_shape)
    x = layers.ReLU()(convolve(inputs, 32, 3, strides=2 if size > 64 else 1))
    if size > 128:
        x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    for filters, strides in ((32, 1), (32, 1), (64, 2), (64, 1), (128, 2), (128, 1)):
        y = layers.ReLU()(convolve(x, filters, 3, strides))
        y = convolve(y, filters, 3)
        shortcut = x if x.shape[-1] == filters else convolve(x, filters, 1, strides)
        x = layers.ReLU()(layers.Add()([shortcut, y]))
    x = layers.GlobalAveragePooling2D()(x)
    activation = "softmax" if task == "classify" else None
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(x), name="residual")


# As the notebook trains it; to measure, ten times as fast.
VGG_TRAINING = ({"epochs": 5, "batch_size": 128}, {"learning_rate": 0.01})

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "compact",
            "the fast default: two convolutions, batch normalisation, 99 % on digits in seconds",
            {
                "epochs": 1,
                "batch_size": 128,
                "optimizer": "adam",
                "learning_rate": 0.02,
                "schedule": "one-cycle",
            },
            {"learning_rate": 0.01},
            layers=_compact,
        ),
        Recipe(
            "simple",
            "the notebook's first network: one convolution of 8 filters of 16x16, then the answer",
            {"epochs": 5, "batch_size": 256},
            layers=_simple,
        ),
        Recipe(
            "intermediate",
            "the notebook's second network, completed: convolution, pooling, flatten, the answer",
            {"epochs": 5, "batch_size": 256},
            layers=_intermediate,
        ),
        Recipe(
            "vgg",
            "the notebook's large network: eight convolutions and four dense layers",
            *VGG_TRAINING,
            layers=_vgg,
        ),
        Recipe(
            "vgg-gap",
            "vgg with a mean over the image before its dense layers: for large images",
            *VGG_TRAINING,
            layers=_vgg_gap,
        ),
        Recipe(
            "maps",
            "for maps of the sky, of any size: no up, no edge; answers with a value and its spread",
            {
                "epochs": 30,
                "batch_size": 64,
                "optimizer": "adam",
                "learning_rate": 2e-3,
                "schedule": "one-cycle",
                # The sky has no up and no left, and a simulated one goes on beyond its edge.
                "augment": "turn,flip:both,roll",
            },
            {"loss": "gaussian"},
            layers=_maps,
        ),
        Recipe(
            "residual",
            "a small residual network for images of your own, of any size and colour",
            {
                "epochs": 15,
                "batch_size": 64,
                "optimizer": "adam",
                "learning_rate": 2e-3,
                "schedule": "one-cycle",
                # Not `flip`: a mirrored digit, letter or left hand is another thing.
                "augment": "shift:2",
            },
            build=_residual,
        ),
    )
}
