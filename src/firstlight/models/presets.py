"""Ready-made choices between time and accuracy, made for handwritten digits on two processor cores.

A preset says which network is trained, for how long, and on what changed images; how the network
is best trained (batch size, optimizer, learning rate) belongs to the network's own recipe. All
were chosen on the last 10,000 training images of MNIST, never on its test images.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from firstlight.core.dataset import Task


@dataclass(frozen=True)
class Preset:
    """A choice by name.

    Attributes:
        training: values of `TrainSettings` fields; `model` holds where the user names none.
        measuring: values that differ where numbers are measured rather than classes told apart.
    """

    training: dict[str, Any]
    measuring: dict[str, Any] = field(default_factory=dict)

    def settings(self, task: Task) -> dict[str, Any]:
        """What the preset says for a task."""
        return self.training | (self.measuring if task == "measure" else {})


PRESETS: dict[str, Preset] = {
    "fast": Preset({"model": "compact", "epochs": 1}),
    "good": Preset({"model": "compact", "epochs": 5, "augment": "shift:1"}),
}
