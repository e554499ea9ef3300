"""A model from what the user calls it: a recipe, a Python file, a list of layers, a model file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.core.dataset import Task
from firstlight.core.errors import ModelError
from firstlight.core.findings import Layer
from firstlight.models.archive import load_model
from firstlight.models.argument_rules import suggestion
from firstlight.models.cost import walk, walk_layers
from firstlight.models.layer_files import read_layers
from firstlight.models.layers import build_layers
from firstlight.models.recipes import RECIPES
from firstlight.models.user_files import model_from_file

if TYPE_CHECKING:
    import keras

# 8 GB of weights: more than a typing mistake should be able to ask for.
MOST_PARAMETERS = 2_000_000_000


def build_model(
    name: str,
    image_shape: tuple[int, int, int],
    outputs: int,
    task: Task,
    own: Mapping[str, type] | None = None,
) -> keras.Model:
    """The Keras model that a name stands for, built for the images at hand.

    Args:
        name: a recipe's name, `path/net.py:function`, the path of a YAML list of layers, or the
            path of a `.keras` file.
        image_shape: `(H, W, C)` of the images.
        outputs: how many numbers it answers with: the classes, or the measured values.
        task: `classify` or `measure`.
        own: layers of the user's own that a `.keras` file may hold, as in `load_model`.

    Returns:
        The built model. It takes images as floats, `(N, H, W, C)`; see `prepare_model` for the
        layer that brings stored pixels there.

    Raises:
        ModelError: there is no such model, or it cannot be built for these images.

    Example:
        >>> build_model("compact", (28, 28, 1), 10, "classify").output_shape
        (None, 10)
    """
    layers = layers_for(name, image_shape, task)
    if layers is not None:
        parameters = sum(row.parameters for row in walk_layers(layers, image_shape, outputs))
        if parameters > MOST_PARAMETERS:
            raise ModelError(
                f"{name} would have {parameters:,} weights, and {MOST_PARAMETERS:,} is the most: "
                "put more pooling before the first Dense, or give it fewer units."
            )
        return build_layers(layers, image_shape, outputs)
    if name.endswith(".keras"):
        return load_model(name, own)
    build = RECIPES[name].build if name in RECIPES else None
    if build is not None:
        return build(image_shape, outputs, task)
    return model_from_file(name, image_shape, outputs, task)


def layers_for(
    name: str, image_shape: tuple[int, int, int], task: Task
) -> tuple[Layer, ...] | None:
    """The list of layers that a name stands for, or None where it stands for no list.

    Raises:
        ModelError: there is no such model, or its YAML file cannot be used.

    Example:
        >>> [layer.kind for layer in layers_for("simple", (28, 28, 1), "classify")]
        ['Conv2D', 'Flatten', 'Dense']
    """
    if name in RECIPES:
        layers = RECIPES[name].layers
        return None if layers is None else layers(image_shape, task)
    if name.endswith((".yaml", ".yml")):
        return read_layers(name)
    if name.endswith((".keras", ".py")) or ".py:" in name:
        return None
    if Path(name).suffix in (".h5", ".hdf5", ".pt", ".pth", ".pkl", ".onnx"):
        raise ModelError(f"{name} cannot be read: give a .keras file, as model.save writes it.")
    raise ModelError(
        f"there is no model called {name}: {suggestion(name, RECIPES)} "
        "Or give net.py:make_model, a .yaml list of layers or a .keras file."
    )


def describe_models(
    image_shape: tuple[int, int, int], outputs: int, task: Task = "classify"
) -> list[dict[str, Any]]:
    """The recipes with what they cost on images of one shape.

    Args:
        image_shape: `(H, W, C)` of the images.
        outputs: how many numbers a network answers with.
        task: `classify` or `measure`.

    Returns:
        A dictionary each: `name`, `summary`, `parameters` and `flops` (floating-point operations
        for one image). The last two are None where the images are too small for the network.

    Example:
        >>> rows = describe_models((28, 28, 1), 10)
        >>> {row["name"]: row["parameters"] for row in rows}["simple"]
        15586
    """
    rows = []
    for recipe in RECIPES.values():
        row: dict[str, Any] = {"name": recipe.name, "summary": recipe.summary}
        try:
            if recipe.layers is not None:
                costs = walk_layers(recipe.layers(image_shape, task), image_shape, outputs)
            else:
                costs = walk(build_model(recipe.name, image_shape, outputs, task), image_shape)
        except ModelError:
            rows.append(row | {"parameters": None, "flops": None})
            continue
        rows.append(
            row
            | {
                "parameters": sum(cost.parameters for cost in costs),
                "flops": sum(cost.flops for cost in costs),
            }
        )
    return rows
