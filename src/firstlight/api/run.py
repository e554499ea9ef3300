"""A finished run as the verbs hand it out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from firstlight.core.events import Event
from firstlight.core.reports import Report
from firstlight.core.run_folder import RunFolder

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Run:
    """What training made, read from its folder when it is asked for.

    Attributes:
        files: the run's folder.
        trust_code: the Python file that made the model, where it was run for this run anyway.

    Example:
        >>> import tempfile, numpy as np, firstlight as fl
        >>> place, images = tempfile.mkdtemp(), np.zeros((60, 8, 8), np.uint8)
        >>> images[::2, 4:] = 255
        >>> np.savez(f"{place}/halves.npz", images=images, labels=np.arange(60) % 2)
        >>> run = fl.train(f"{place}/halves.npz", runs=place, name="first", epochs=2)
        >>> run.name, run.information["data"]["image_shape"], run.model.output_shape
        ('first', [8, 8, 1], (None, 2))
    """

    files: RunFolder
    trust_code: str | None = None

    @property
    def name(self) -> str:
        """The run's name."""
        return self.files.name

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.files.path

    @cached_property
    def information(self) -> dict[str, Any]:
        """`run.json`: configuration, data, machine, versions, seed, command."""
        return self.files.information()

    @property
    def history(self) -> list[Event]:
        """One dictionary an epoch: `epoch`, `loss`, the metric, `validation_loss`, ..."""
        return self.files.epochs()

    @cached_property
    def report(self) -> Report:
        """How good the trained network is on the test images."""
        from firstlight.evaluation import load_report

        return load_report(self.folder)

    @cached_property
    def model(self) -> keras.Model:
        """The trained Keras model; the preparation of the pixels is its first layer."""
        from firstlight.models import classes_of_file, load_model

        own = None if self.trust_code is None else classes_of_file(self.trust_code)
        return load_model(self.files.model, own)

    def to_dict(self) -> dict[str, Any]:
        """The run in plain values: where it is, its settings, its epochs, its report."""
        from firstlight.evaluation import report_to_dict

        return {
            "name": self.name,
            "folder": str(self.folder),
            "information": self.information,
            "history": self.history,
            "report": report_to_dict(self.report),
        }

    def _repr_html_(self) -> str:
        return self.report._repr_html_()
