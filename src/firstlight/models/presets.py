"""Ready-made choices between time and accuracy.

A preset says how long a network is trained and with what help. How the network is best trained
otherwise (batch size, optimizer, learning rate) belongs to its own recipe. Chosen for `compact` on
the last 10,000 training images of MNIST, never on its test images; docs/own-models.md has what
they reach.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from firstlight.core.dataset import Task


@dataclass(frozen=True)
class Preset:
    """A choice by name.

    Attributes:
        training: values of `TrainSettings` fields.
        classifying: further ones where classes are told apart. Which changes to an image leave
            its class alone is known well enough; which leave a measured number alone is not.
    """

    training: dict[str, Any]
    classifying: dict[str, Any] = field(default_factory=dict)

    def settings(self, task: Task) -> dict[str, Any]:
        """What the preset says for a task."""
        return self.training | (self.classifying if task == "classify" else {})


PRESETS: dict[str, Preset] = {
    "fast": Preset({"epochs": 1}, {"label_smoothing": 0.1}),
    "good": Preset({"epochs": 4}, {"augment": "shift:1", "label_smoothing": 0.1}),
    "best": Preset(
        {"epochs": 16}, {"augment": "shift:1,rotate:10,zoom:0.1", "label_smoothing": 0.1}
    ),
}
