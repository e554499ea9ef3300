"""The doctor's rules about what layers of weights need around them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from firstlight.core.findings import Edit, Finding, Fix, Layer, LayerCost
from firstlight.core.losses import full_loss_name
from firstlight.core.settings import TrainSettings

if TYPE_CHECKING:
    import keras

_WEIGHTED = ("Conv2D", "Conv2DTranspose", "Dense", "DepthwiseConv2D", "SeparableConv2D")
_BENDING = (
    *("ELU", "GlobalMaxPooling2D", "LeakyReLU", "MaxPooling2D", "PReLU", "ReLU", "Softmax"),
)


def check_activations(layers: Sequence[Layer], rows: Sequence[LayerCost]) -> Iterator[Finding]:
    """Two layers of weights in a row with no activation function between them.

    Together they can do no more than one of them alone. Between two convolutions that is advice
    (the notebook's `vgg` is built so: two 3x3 see what one 5x5 sees, with fewer weights);
    before a Dense layer it is a warning.
    """
    pairs = list(_straight_pairs(layers))
    levels: tuple[Literal["warning", "advice"], ...] = ("warning", "advice")
    for level in levels:
        of_level = [
            pair for pair in pairs if (layers[pair[1]].kind == "Dense") == (level == "warning")
        ]
        if of_level:
            yield _missing_activation(level, layers, rows, of_level)


def _straight_pairs(layers: Sequence[Layer]) -> Iterator[tuple[int, int]]:
    """Positions of layers of weights that follow each other with nothing bending between them."""
    straight: int | None = None
    for index, layer in enumerate(layers):
        if layer.kind in _WEIGHTED:
            if straight is not None:
                yield straight, index
            straight = index
        if layer.kind in _BENDING or layer.arguments.get("activation") not in (None, "linear"):
            straight = None


def _missing_activation(
    level: Literal["warning", "advice"],
    layers: Sequence[Layer],
    rows: Sequence[LayerCost],
    pairs: Sequence[tuple[int, int]],
) -> Finding:
    named = ", ".join(f"{rows[a].name} and {rows[b].name}" for a, b in pairs)
    edits = tuple(
        Edit("replace", a, Layer(layers[a].kind, layers[a].arguments | {"activation": "relu"}))
        for a, _ in pairs
    )
    first = pairs[0][0]
    return Finding(
        level,
        "missing-activation",
        f"{named} follow each other with no activation function between them, "
        "so two such layers can do no more than one.",
        rows[first].name,
        first,
        rows[first].received,
        rows[first].makes,
        Fix("give the first of the two the activation relu", edits),
    )


def check_initializers(model: keras.Model) -> Iterator[Finding]:
    """One initializer object used for several layers: those of equal shape start identical."""
    groups: dict[tuple[int, Any], list[Any]] = {}
    for layer in model.layers:
        initializer = getattr(layer, "kernel_initializer", None)
        if (
            getattr(initializer, "seed", None) is not None
            and getattr(layer, "kernel", None) is not None
        ):
            groups.setdefault((id(initializer), tuple(layer.kernel.shape)), []).append(layer)
    names = [layer.name for group in groups.values() if len(group) > 1 for layer in group]
    if names:
        yield Finding(
            "warning",
            "shared-initializer",
            f"{', '.join(names)} share one initializer object, so those of equal shape start with "
            "identical weights.",
            names[0],
            fix=Fix("name it instead (kernel_initializer='glorot_normal'): each gets its own"),
        )


def check_compiled(model: keras.Model, settings: TrainSettings) -> Iterator[Finding]:
    """A network whose own file compiles it with other settings than it will be trained with."""
    if not model.compiled or model.optimizer is None:
        return
    own: dict[str, Any] = {
        "optimizer": type(model.optimizer).__name__.lower(),
        "learning_rate": round(float(model.optimizer.learning_rate), 9),
        "loss": full_loss_name(model.loss) if isinstance(model.loss, str) else None,
    }
    other = {
        name: value
        for name, value in own.items()
        if value != getattr(settings, name) and isinstance(value, (str, float))
    }
    if not other:
        return
    options = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in other.items())
    yield Finding(
        "advice",
        "compiled-settings",
        "the network was compiled in its own file, but it is trained with the settings given here.",
        fix=Fix(f"give its own settings: {options}", settings=other),
    )
