"""The network that is being built: changed as pages ask, kept in a file, shown with its doctor."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from firstlight.core.dataset import Task
from firstlight.core.errors import ModelError
from firstlight.core.exploration import Exploration
from firstlight.core.findings import Edit, Finding, Fix, Layer
from firstlight.core.losses import WITH_SPREAD
from firstlight.core.settings import TrainSettings
from firstlight.models import (
    CATALOGUE,
    RECIPES,
    NetworkDocument,
    read_layers,
    view_network,
    write_layers,
)
from firstlight.shells.lab.messages.network import (
    AddLayer,
    Mend,
    MoveLayer,
    Network,
    NetworkChange,
    Problem,
    RemoveLayer,
    Row,
    SetArgument,
    SetYaml,
    StartFrom,
    Undo,
)

# What is counted for before there are images: MNIST's.
IMAGE, OUTPUTS = (28, 28, 1), 10


class Building:
    """The network behind the step Build.

    It is the recipe's as long as it equals it: then it changes with the recipe and the images.

    Args:
        kept: the file in which a network of the user's own outlives the lab.
        recipe: the recipe that it starts from.
    """

    def __init__(self, kept: Path, recipe: str) -> None:
        self._kept = kept
        self._image: tuple[int, int, int] = IMAGE
        self._outputs = OUTPUTS
        self._task: Task = "classify"
        self._counted_for = "28×28 grey images of ten classes, until images are chosen"
        self.recipe = recipe
        self._settings = TrainSettings()
        self._document = NetworkDocument.of(self._layers_of_recipe())
        with contextlib.suppress(ModelError):
            self._document = NetworkDocument.of(read_layers(kept))

    @property
    def own(self) -> bool:
        """Whether the network is another than its recipe's."""
        return self._document.layers != self._layers_of_recipe()

    def keep(self) -> None:
        """Write a network of the user's own down.

        Raises:
            WriteError: it cannot be written.
        """
        if self.own:
            self._kept.parent.mkdir(parents=True, exist_ok=True)
            write_layers(self._document.layers, self._kept)
        else:
            self._kept.unlink(missing_ok=True)

    def model_for(self, path: Path) -> str:
        """The network as `firstlight train --model` takes it; one of the user's own is written.

        Raises:
            ModelError: it cannot be trained as it stands.
            WriteError: it cannot be written.
        """
        if not self.view().ready:
            raise ModelError("the network cannot be trained yet: mend what is red in step Build.")
        if not self.own:
            return self.recipe
        path.parent.mkdir(parents=True, exist_ok=True)
        write_layers(self._document.layers, path)
        return str(path)

    def use(
        self, explored: Exploration | None, settings: TrainSettings, recipe: str, side: int = 0
    ) -> None:
        """Count for these images, and for a training with these settings.

        Args:
            explored: the images, or None: keep counting for what there was.
            settings: the settings, with nothing left open but the loss.
            recipe: what a network that is not the user's own is to be.
            side: how many numbers enter beside the image, each as a channel more.
        """
        own = self.own
        self._settings = settings
        if explored is not None:
            _, height, width, channels = explored.parts[0].shape
            self._image, self._task = (height, width, channels + side), explored.task
            names = explored.classes if explored.task == "classify" else explored.target_names
            self._outputs = len(names)
            what = "classes" if explored.task == "classify" else "numbers to measure"
            beside = f" with {side} number{'s' * (side > 1)} beside each" if side else ""
            self._counted_for = f"{height}×{width} images{beside}, {len(names)} {what}"
            if not own:
                self.recipe = recipe
        layers = self._layers_of_recipe()
        if not own and layers != self._document.layers:
            self._document = NetworkDocument.of(layers)

    def change(self, change: NetworkChange) -> dict[str, Any]:
        """Do what a page asks; returns settings of the training that go with it.

        Raises:
            ModelError: it cannot be done; the network stays as it was.
        """
        document = self._document
        if isinstance(change, Mend):
            fix = self._fix(change)
            document.mend(fix)
            return fix.settings
        if isinstance(change, StartFrom):
            if change.recipe not in RECIPES:
                raise ModelError(f"there is no recipe called {change.recipe}: choose another.")
            self.recipe = change.recipe
            document.become(self._layers_of_recipe())
            return {"model": change.recipe}
        if isinstance(change, AddLayer):
            document.add(change.layer, change.index)
        elif isinstance(change, RemoveLayer):
            document.remove(change.key)
        elif isinstance(change, MoveLayer):
            document.move(change.key, change.index)
        elif isinstance(change, SetArgument):
            document.set_argument(change.key, change.name, change.value)
        elif isinstance(change, SetYaml):
            document.set_yaml(change.text)
        elif isinstance(change, Undo):
            document.undo()
        else:
            document.redo()
        return {}

    def view(self) -> Network:
        """The network as pages show it."""
        seen = view_network(
            self._document, self._image, self._asked_outputs, self._task, self._settings
        )
        own, branches = self.own, RECIPES[self.recipe].layers is None
        # A network with branches is shown by its name alone.
        shown = not branches or own
        return Network(
            recipe=self.recipe,
            own=own,
            editable=shown,
            image=self._image,
            outputs=self._outputs,
            counted_for=self._counted_for,
            rows=tuple(
                Row(
                    key=row.key,
                    layer=row.kind,
                    title=row.title,
                    words=row.words,
                    arguments=row.arguments,
                    makes=row.makes,
                    parameters=row.parameters,
                    flops=row.flops,
                    receptive_field=row.receptive_field,
                    problems=self._problems(row.findings),
                )
                for row in seen.rows
            ),
            problems=self._problems(seen.findings) if shown else (),
            parameters=seen.parameters,
            flops=seen.flops,
            activation_bytes=seen.activation_bytes,
            ready=seen.ready or not shown,
            can_undo=seen.can_undo,
            can_redo=seen.can_redo,
            yaml=seen.yaml,
            code=seen.code if shown else "",
        )

    @property
    def _asked_outputs(self) -> int:
        """How many numbers the network answers with: with a spread, twice as many."""
        return self._outputs * (2 if self._settings.loss == WITH_SPREAD else 1)

    def _layers_of_recipe(self) -> tuple[Layer, ...]:
        layers = RECIPES[self.recipe].layers
        return () if layers is None else layers(self._image, self._task)

    def _fix(self, asked: Mend) -> Fix:
        """The fix that a button stands for, found anew: the network may have changed since."""
        seen = view_network(
            self._document, self._image, self._asked_outputs, self._task, self._settings
        )
        rows = {row.key: row.findings for row in seen.rows}
        findings = seen.findings if asked.key is None else rows.get(asked.key, ())
        for finding in findings:
            if finding.code == asked.code and finding.fix is not None:
                return finding.fix
        raise ModelError("that has been mended already: look at the network as it is now.")

    def _problems(self, findings: tuple[Finding, ...]) -> tuple[Problem, ...]:
        return tuple(
            Problem(
                level=finding.level,
                code=finding.code,
                sentence=_sentence(finding.message),
                remedy="" if finding.fix is None else _sentence(finding.fix.sentence),
                button="" if finding.fix is None else self._button(finding.fix),
            )
            for finding in findings
        )

    def _button(self, fix: Fix) -> str:
        """The words on the button that applies a fix."""
        if fix.edits:
            return self._words(fix.edits[0])
        if not fix.settings:
            return ""
        name, value = next(iter(fix.settings.items()))
        return f"Use {name.replace('_', ' ')} {value}"

    def _words(self, edit: Edit) -> str:
        """An edit in a few words."""
        if edit.action == "insert" and edit.layer is not None:
            return f"Add {CATALOGUE[edit.layer.kind].title} here"
        old = self._document.layers[edit.index]
        if edit.layer is None:
            return f"Take {_title(old)} away"
        if edit.layer.kind != old.kind:
            return f"Use {_title(edit.layer)}"
        for name, value in edit.layer.arguments.items():
            if name not in old.arguments or old.arguments[name] != value:
                return f"Set {name.replace('_', ' ')} to {_value(value)}"
        gone = next(name for name in old.arguments if name not in edit.layer.arguments)
        known = CATALOGUE[old.kind].argument(gone) if old.kind in CATALOGUE else None
        if known is None or known.default is None:
            return f"Leave {gone.replace('_', ' ')} away"
        return f"Set {gone.replace('_', ' ')} to {_value(known.default)}"


def _title(layer: Layer) -> str:
    return CATALOGUE[layer.kind].title if layer.kind in CATALOGUE else layer.kind


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "×".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sentence(text: str) -> str:
    """With a capital and a full stop."""
    end = "" if text.endswith((".", "!", "?")) else "."
    return text[:1].upper() + text[1:] + end
