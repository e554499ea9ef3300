"""The shape doctor: what is wrong with a network, before it costs an hour, and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from firstlight.core.dataset import Task
from firstlight.core.errors import ModelError
from firstlight.core.findings import Checkup, Edit, Finding, Fix, Layer, LayerCost
from firstlight.core.memory import main_memory
from firstlight.core.settings import TrainSettings
from firstlight.models.answer_rules import Answers, check_answers, ending_of, fitting_loss, loss_for
from firstlight.models.building import build_model, layers_for
from firstlight.models.cost import walk
from firstlight.models.graph import calls_of
from firstlight.models.layers import layers_of
from firstlight.models.plain_layers import described
from firstlight.models.recipes import answer_layer
from firstlight.models.resolving import resolve_settings
from firstlight.models.saving_rules import check_saving
from firstlight.models.shape_rules import examine, times
from firstlight.models.size_rules import check_size
from firstlight.models.weight_rules import (
    check_activations,
    check_compiled,
    check_initializers,
)

if TYPE_CHECKING:
    import keras

_LEVELS = ("error", "warning", "advice")
Shape = tuple[int, int, int]


def check_model(
    name: str,
    image_shape: Shape,
    outputs: int,
    task: Task,
    settings: TrainSettings | None = None,
    memory: int | None = None,
    own: Mapping[str, type] | None = None,
) -> Checkup:
    """Look a network over before anything trains.

    Args:
        name: the model, as `build_model` takes it.
        image_shape: `(H, W, C)` of the images.
        outputs: the number of classes, or of values to measure.
        task: `classify` or `measure`.
        settings: how it is to be trained; what is None is taken from the recipe, and the loss
            from the network's last layer (see `fitting_loss`).
        memory: bytes of memory that training may use; what the machine has where it is None.
        own: layers of the user's own, as in `load_model`.

    Returns:
        The walk through the layers and the findings, errors first. Where the network is a list
        of layers (or a Sequential model that can be written as one), `mended` is the list with
        the fixes of all errors and warnings applied.

    Raises:
        ModelError: there is no such model, or its file cannot be read.

    Example:
        >>> checkup = check_model("simple", (8, 8, 1), 10, "classify")
        >>> checkup.errors[0].message
        'the kernel of conv2d covers 16x16 pixels, but it receives 8x8: the kernel does not fit in.'
    """
    settings = replace(settings or TrainSettings(), model=name)
    memory = main_memory() if memory is None else memory
    case = _Case(name, image_shape, outputs, task, settings, memory)
    layers = layers_for(name, image_shape, task)
    if layers is not None:
        return _check_list(layers, case)
    try:
        model = build_model(name, image_shape, outputs, task, own)
        misfit = _check_input(model, image_shape)
        if misfit is not None:
            return Checkup(name, (), (misfit,))
        # The weights of a file would be lost in a list of layers.
        layers = None if name.endswith(".keras") else layers_of(model)
        resolved = case.resolved(fitting_loss(model, task))
        extra = [*check_initializers(model), *check_compiled(model, resolved)]
        if layers is not None:
            checkup = _check_list(layers, case)
            return replace(checkup, findings=_sorted([*checkup.findings, *extra]))
        rows = walk(model, image_shape)
        extra += check_saving(model, name)
    except ModelError as error:
        if name.endswith(".keras"):
            raise
        return Checkup(name, (), (Finding("error", "cannot-build", str(error)),))
    answers = case.answers(None, rows, ending_of(calls_of(model)[-1].layer))
    findings = [*check_answers(answers), *check_size(None, rows, answers.settings, memory), *extra]
    return Checkup(name, rows, _sorted(findings))


def check_layers(
    layers: Sequence[Layer],
    image_shape: Shape,
    outputs: int,
    task: Task,
    settings: TrainSettings | None = None,
    memory: int | None = None,
) -> Checkup:
    """Look a list of layers over; nothing is mended, and Keras is not imported.

    Args:
        layers: the list, with any arguments whatever.
        image_shape: `(H, W, C)` of the images.
        outputs: as in `check_model`.
        task: as in `check_model`.
        settings: as in `check_model`.
        memory: as in `check_model`.

    Example:
        >>> layers = [Layer("Flatten"), Layer("Dense", {"units": "1o"})]
        >>> check_layers(layers, (8, 8, 1), 10, "classify").errors[0].message
        "layer 2: Dense takes a whole number of 1 or more for units, but '1o' came."
    """
    settings = replace(settings or TrainSettings(), model="")
    memory = main_memory() if memory is None else memory
    case = _Case("", image_shape, outputs, task, settings, memory)
    return Checkup("", *_findings(tuple(layers), case))


def apply_fix(layers: Sequence[Layer], fix: Fix) -> tuple[Layer, ...]:
    """The list of layers with the edits of a fix applied, in order.

    Args:
        layers: the list that the finding is about.
        fix: the fix; its settings are for the caller to change.

    Example:
        >>> from firstlight.core.findings import Edit
        >>> fix = Fix("flatten", (Edit("insert", 0, Layer("Flatten")),))
        >>> [layer.kind for layer in apply_fix([Layer("Dense", {"units": 10})], fix)]
        ['Flatten', 'Dense']
    """
    mended = list(layers)
    for edit in fix.edits:
        taken = 0 if edit.action == "insert" else 1
        mended[edit.index : edit.index + taken] = [] if edit.layer is None else [edit.layer]
    return tuple(mended)


@dataclass(frozen=True)
class _Case:
    """What a network is looked over for; see `check_model` for the fields."""

    name: str
    image_shape: Shape
    outputs: int
    task: Task
    settings: TrainSettings
    memory: int | None

    def resolved(self, loss: str | None = None) -> TrainSettings:
        """The settings with nothing left open; `loss` is taken where the user named none."""
        settings = replace(self.settings, loss=self.settings.loss or loss)
        return resolve_settings(settings, self.task)

    def answers(
        self, layers: tuple[Layer, ...] | None, rows: Sequence[LayerCost], ending: str
    ) -> Answers:
        """What the network ends with, and the settings that go with it."""
        last = rows[-1]
        settings = self.resolved(loss_for(last.makes, ending, self.task))
        received = [row.received for row in rows]
        return Answers(
            layers, last.name, received, last.makes, ending, self.outputs, self.task, settings
        )


def _check_list(layers: tuple[Layer, ...], case: _Case) -> Checkup:
    """The checkup of a list of layers, with the mended list."""
    rows, findings = _findings(layers, case)
    mended, seen = layers, [layers]
    current = findings
    while True:
        # Advice is for the user to weigh: nobody's network is changed for its sake.
        faults = [item for item in current if item.level != "advice"]
        fix = next((item.fix for item in faults if item.fix and item.fix.edits), None)
        if fix is None:
            break
        mended = apply_fix(mended, fix)
        if mended in seen:
            # Two rules undo each other's work: no list to offer.
            mended = layers
            break
        seen.append(mended)
        _, current = _findings(mended, case)
    return Checkup(case.name, rows, findings, None if mended == layers else mended)


def _findings(
    layers: tuple[Layer, ...], case: _Case
) -> tuple[tuple[LayerCost, ...], tuple[Finding, ...]]:
    """The walk through a list and what all rules say about it; a broken shape ends the walk."""
    if not layers:
        return (), (_no_layers(case),)
    rows, problems = examine(layers, case.image_shape, case.outputs)
    if problems:
        return rows, problems
    answers = case.answers(layers, rows, ending_of(described(layers[-1], case.outputs)))
    found = [
        *check_answers(answers),
        *check_size(layers, rows, answers.settings, case.memory),
        *check_activations(layers, rows),
    ]
    return rows, _sorted(found)


def _no_layers(case: _Case) -> Finding:
    edits = (Edit("insert", 0, Layer("Flatten")), Edit("insert", 1, answer_layer(case.task)))
    fix = Fix(f"put Flatten and a Dense({case.outputs}) there", edits)
    return Finding("error", "no-layers", "the network has no layers yet.", fix=fix)


def _sorted(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(findings, key=lambda finding: _LEVELS.index(finding.level)))


def _check_input(model: keras.Model, image_shape: Shape) -> Finding | None:
    """A network that takes images of another shape than the data have."""
    if len(model.inputs) != 1:
        return Finding(
            "error",
            "several-inputs",
            f"the network takes {len(model.inputs)} inputs, but the data have one image each.",
        )
    wanted = tuple(model.inputs[0].shape[1:])
    fits = len(wanted) == 3 and all(
        size in (None, given) for size, given in zip(wanted, image_shape, strict=True)
    )
    if fits:
        return None
    expected = "x".join("any" if size is None else str(size) for size in wanted)
    message = f"the network takes {expected} images, but the data have {times(image_shape)}."
    return Finding("error", "images-do-not-fit", message, fix=_fit_images(wanted, image_shape))


def _fit_images(wanted: tuple[int | None, ...], given: Shape) -> Fix:
    """How to read the images so that they fit, where reading them otherwise can do it."""
    settings: dict[str, object] = {}
    if len(wanted) == 3:
        if wanted[0] == wanted[1] and wanted[:2] != given[:2]:
            settings["size"] = wanted[0]
        if wanted[2] != given[2] and wanted[2] in (1, 3):
            settings["colour"] = "grey" if wanted[2] == 1 else "colour"
    if not settings:
        return Fix("use a network made for these images, or images made for this network")
    options = " ".join(f"--{name} {value}" for name, value in settings.items())
    return Fix(f"read the images with {options}", settings=settings)
