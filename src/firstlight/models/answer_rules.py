"""The doctor's rules about a network's answers: how many, of which kind, and the loss for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from firstlight.core.dataset import Task
from firstlight.core.findings import Edit, Finding, Fix, Layer
from firstlight.core.losses import LOSSES
from firstlight.core.settings import CLASS_METRICS, VALUE_METRICS, TrainSettings
from firstlight.models.argument_rules import OUTPUTS
from firstlight.models.arithmetic import Shape, activation_of
from firstlight.models.graph import calls_of
from firstlight.models.recipes import answer_layer
from firstlight.models.resolving import TASKS
from firstlight.models.shape_rules import times

if TYPE_CHECKING:
    import keras

# A Dense layer with more weights than this gets averages of the image rather than all of it.
HUGE = 100_000_000
_METRICS: dict[Task, tuple[str, ...]] = {"classify": CLASS_METRICS, "measure": VALUE_METRICS}
# Layers that may stand between the last Dense layers without changing a shape.
_SHAPELESS = frozenset(
    """Activation BatchNormalization Dropout ELU GaussianDropout GaussianNoise LayerNormalization
    LeakyReLU PReLU ReLU Softmax""".split()
)


@dataclass(frozen=True)
class Answers:
    """What a network ends with, and what it is asked for.

    Attributes:
        layers: the list of layers, or None where the network is no plain list.
        name: the last layer's name.
        received: each layer's received shape, in the list's order.
        makes: the shape of the answer to one image.
        ending: the activation function that the network ends with.
        outputs: how many numbers are asked for.
        task: `classify` or `measure`.
        settings: the settings, with nothing left open.
    """

    layers: Sequence[Layer] | None
    name: str
    received: Sequence[Shape]
    makes: Shape
    ending: str
    outputs: int
    task: Task
    settings: TrainSettings

    @property
    def one_sigmoid(self) -> bool:
        """Whether one number between 0 and 1 tells two classes apart."""
        answer = (self.task, self.outputs, self.makes, self.ending)
        return answer == ("classify", 2, (1,), "sigmoid")

    def finding(self, level: Any, code: str, message: str, fix: Fix) -> Finding:
        """A finding about the last layer."""
        index = None if self.layers is None else len(self.layers) - 1
        received = self.received[-1] if self.received else None
        return Finding(level, code, message, self.name, index, received, self.makes, fix)


def check_answers(answers: Answers) -> Iterator[Finding]:
    """The findings about a network's last layer, its loss and its metric, errors first."""
    if len(answers.makes) > 1:
        yield _one_answer_per_image(answers)
    else:
        yield from _number_of_outputs(answers)
        yield from _kind_of_answer(answers)
    yield from _metric(answers)


def ending_of(layer: Any) -> str:
    """The name of the activation function that a Keras layer ends with.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> ending_of(import_keras().layers.Dense(10, activation="softmax"))
        'softmax'
    """
    kind = type(layer).__name__
    if kind in ("Softmax", "ReLU"):
        return kind.lower()
    return activation_of(layer)


def fitting_loss(model: keras.Model, task: Task) -> str:
    """The loss that fits the end of a network, where the user has named none.

    Args:
        model: a built Keras model.
        task: `classify` or `measure`.

    Returns:
        `binary_crossentropy` for classes behind a single sigmoid, else what the task asks for.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> last = keras.layers.Dense(1, activation="sigmoid")
        >>> fitting_loss(keras.Sequential([keras.Input((4,)), last]), "classify")
        'binary_crossentropy'
    """
    return loss_for(tuple(model.output_shape[1:]), ending_of(calls_of(model)[-1].layer), task)


def loss_for(makes: Shape, ending: str, task: Task) -> str:
    """The loss that fits an answer of shape `makes` that ends with an activation function.

    Example:
        >>> loss_for((1,), "sigmoid", "classify"), loss_for((1,), "sigmoid", "measure")
        ('binary_crossentropy', 'mean_squared_error')
    """
    if task == "classify" and makes == (1,) and ending == "sigmoid":
        return "binary_crossentropy"
    return str(TASKS[task]["loss"])


def _one_answer_per_image(answers: Answers) -> Finding:
    """The notebook's own exercise: an answer for each place where each image has one label."""
    label = "label" if answers.task == "classify" else "set of values"
    message = f"the network makes {times(answers.makes)} answers where each image has one {label}."
    if answers.layers is None:
        fix = Fix("put Flatten() or GlobalAveragePooling2D() before the last Dense")
        return answers.finding("error", "one-answer-per-image", message, fix)
    denses = _last_denses(answers.layers)
    index = denses[0] if denses else len(answers.layers)
    shape = answers.received[index] if denses else answers.makes
    where = "before the last Dense" if len(denses) == 1 else f"before layer {index + 1}"
    tail = () if denses else (Edit("insert", index + 1, answer_layer(answers.task)),)
    where = where if denses else f"at the end, and a Dense({answers.outputs}) after it"
    units = answers.layers[index].arguments["units"] if denses else OUTPUTS
    width = answers.outputs if units == OUTPUTS else int(units)
    kind = "Flatten" if prod(shape) * width <= HUGE else "GlobalAveragePooling2D"
    fix = Fix(
        f"put Flatten() ({prod(shape):,} numbers) or "
        f"GlobalAveragePooling2D() ({shape[-1]:,}) {where}",
        (Edit("insert", index, Layer(kind)), *tail),
    )
    return answers.finding("error", "one-answer-per-image", message, fix)


def _number_of_outputs(answers: Answers) -> Iterator[Finding]:
    """As many answers as there are classes or measured values; not one alone with softmax."""
    made, wanted = answers.makes[0], answers.outputs
    classify = answers.task == "classify"
    if classify and wanted < 2:
        yield answers.finding(
            "error",
            "one-class",
            "all images are of one class, so there is nothing to tell apart.",
            Fix("give images of at least two classes"),
        )
        return
    if made == 1 and answers.ending == "softmax":
        if classify:
            fix = _replace_last_dense(answers, {"units": OUTPUTS}, f"answer with {wanted} numbers")
        else:
            fix = _end_with(answers, "linear")
        yield answers.finding(
            "error",
            "softmax-with-one-output",
            "softmax over one number is always 1, whatever the image.",
            fix,
        )
    elif made != wanted and not answers.one_sigmoid:
        asked = (
            f"there are {wanted} classes" if classify else f"{wanted} numbers are to be measured"
        )
        yield answers.finding(
            "error",
            "wrong-number-of-outputs",
            f"the network answers with {made:,} numbers, but {asked}.",
            _replace_last_dense(answers, {"units": OUTPUTS}, f"make the last Dense {wanted} wide"),
        )


def _kind_of_answer(answers: Answers) -> Iterator[Finding]:
    """The last activation function and the loss fit each other and the task."""
    rule = _kind_of_classes if answers.task == "classify" else _kind_of_values
    yield from rule(answers, str(answers.settings.loss), answers.ending)


def _kind_of_values(answers: Answers, loss: str, ending: str) -> Iterator[Finding]:
    use = LOSSES[loss]
    takes_logarithm = "measure" in use.tasks and bool(use.endings)
    if "measure" not in use.tasks:
        yield answers.finding(
            "error",
            "loss-does-not-fit",
            f"{loss} compares classes, but numbers are to be measured.",
            Fix("use mean_squared_error", settings={"loss": "mean_squared_error"}),
        )
    # With one output, `softmax-with-one-output` has said it already.
    if ending == "softmax" and answers.makes[0] > 1:
        yield answers.finding(
            "error",
            "answers-cannot-reach",
            "softmax makes the answers add up to 1, but measured numbers do not.",
            _end_with(answers, use.endings[0] if takes_logarithm else "linear"),
        )
    elif takes_logarithm:
        if ending not in (*use.endings, "softmax"):
            yield answers.finding(
                "warning",
                "loss-does-not-fit",
                f"{loss} takes the logarithm of answers, but the network can make them negative.",
                _end_with(answers, use.endings[0]),
            )
    elif ending in ("relu", "sigmoid", "tanh"):
        reach = {"relu": "0 upwards", "sigmoid": "0 to 1", "tanh": "-1 to 1"}[ending]
        yield answers.finding(
            "warning",
            "answers-cannot-reach",
            f"the network ends with {ending}, so it can only answer with {reach}.",
            _end_with(answers, "linear"),
        )


def _kind_of_classes(answers: Answers, loss: str, ending: str) -> Iterator[Finding]:
    use = LOSSES[loss]
    if "classify" not in use.tasks:
        yield answers.finding(
            "error",
            "loss-does-not-fit",
            f"{loss} compares measured numbers, but classes are told apart.",
            _use_crossentropy(answers),
        )
        return
    if answers.one_sigmoid and (use.endings == ("softmax",) or loss == "categorical_hinge"):
        yield answers.finding(
            "error",
            "loss-does-not-fit",
            f"{loss} compares a probability for each class, but the network ends with one sigmoid.",
            _use_crossentropy(answers),
        )
        return
    if ending in use.endings or (not use.endings and ending != "softmax"):
        return
    if not use.endings:
        yield answers.finding(
            "warning",
            "loss-does-not-fit",
            f"{loss} learns classes slowly: it hardly moves a softmax that is sure and wrong.",
            _use_crossentropy(answers),
        )
        return
    expected = use.endings[0]
    if {ending, expected} == {"softmax", "sigmoid"}:
        message = f"{loss} goes with {expected}, but the network ends with {ending}."
        softmax = ending == "softmax"
        fix = _use_crossentropy(answers) if softmax else _end_with(answers, "softmax")
        yield answers.finding("warning", "loss-does-not-fit", message, fix)
    else:
        end = "without an activation function" if ending == "linear" else f"with {ending}"
        yield answers.finding(
            "error",
            "loss-does-not-fit",
            f"{loss} takes probabilities, but the network ends {end}.",
            _end_with(answers, expected),
        )


def _metric(answers: Answers) -> Iterator[Finding]:
    fitting, metric = _METRICS[answers.task], answers.settings.metric
    if metric == "top_5" and answers.task == "classify" and answers.outputs <= 5:
        what = f"there are {answers.outputs} classes"
    elif metric in fitting:
        return
    else:
        what = "classes are told apart" if answers.task == "classify" else "numbers are measured"
    yield answers.finding(
        "error",
        "metric-does-not-fit",
        f"the metric {metric} says nothing where {what}.",
        Fix(f"use {fitting[0]}", settings={"metric": fitting[0]}),
    )


def _use_crossentropy(answers: Answers) -> Fix:
    name = "binary_crossentropy" if answers.one_sigmoid else "categorical_crossentropy"
    return Fix(f"use {name}", settings={"loss": name})


def _last_denses(layers: Sequence[Layer]) -> list[int]:
    """Positions of the Dense layers at the end of the list, with nothing spatial after them."""
    found: list[int] = []
    for index in range(len(layers) - 1, -1, -1):
        if layers[index].kind == "Dense":
            found.insert(0, index)
        elif layers[index].kind not in _SHAPELESS:
            break
    return found


def _replace_last_dense(answers: Answers, change: dict[str, Any], sentence: str) -> Fix:
    """Change arguments of the last Dense; one is appended where there is none."""
    if answers.layers is None:
        return Fix(sentence)
    denses = _last_denses(answers.layers)
    if not denses:
        end = len(answers.layers)
        sentence = f"put a Dense({answers.outputs}) at the end"
        return Fix(sentence, (Edit("insert", end, answer_layer(answers.task)),))
    old = answers.layers[denses[-1]]
    return Fix(sentence, (Edit("replace", denses[-1], Layer("Dense", old.arguments | change)),))


def _end_with(answers: Answers, activation: str) -> Fix:
    """Make the network end with an activation function, and no other after the last Dense."""
    sentence = (
        "let the last Dense end without an activation function"
        if activation == "linear"
        else f"let the last Dense end with activation {activation}"
    )
    if answers.layers is None:
        return Fix(sentence)
    fix = _replace_last_dense(answers, {"activation": activation}, sentence)
    last = len(answers.layers) - 1
    if answers.layers[last].kind in ("Activation", "Softmax", "ReLU"):
        return Fix(sentence, (*fix.edits, Edit("remove", last)))
    return fix
