"""What every contender is given and what it answers.

python -m contenders.NAME NETWORK DATA.npz EPOCHS BATCH_SIZE LEARNING_RATE SEED
"""

import json
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from statistics import median
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Job:
    """One training: the network's name, the file with the images, and how to train."""

    network: str
    data: str
    epochs: int
    batch_size: int
    learning_rate: float
    seed: int

    @classmethod
    def from_command_line(cls) -> "Job":
        network, data, epochs, batch_size, rate, seed, *_ = sys.argv[1:]
        return cls(network, data, int(epochs), int(batch_size), float(rate), int(seed))

    def arrays(self) -> tuple[Any, Any, Any, Any]:
        """Images `(N, 28, 28)` uint8 and labels `(N,)`, for training and for the test."""
        with np.load(self.data, allow_pickle=False) as arrays:
            names = ("x_train", "y_train", "x_test", "y_test")
            train_images, train_labels, test_images, test_labels = (arrays[each] for each in names)
        return train_images, train_labels, test_images, test_labels


class Clock:
    """Images a second of each epoch, without the very first batch, in which graphs are built."""

    def __init__(self) -> None:
        self.rates: list[float] = []
        self.begin, self.images = 0.0, 0
        self.warm = False

    def start_epoch(self) -> None:
        self.begin, self.images = time.perf_counter(), 0

    def batch(self, images: int) -> None:
        """A batch is done."""
        self.images += images
        if not self.warm:
            self.warm = True
            self.start_epoch()

    def end_epoch(self) -> None:
        self.rates.append(self.images / (time.perf_counter() - self.begin))


def answer(clock: Clock, accuracy: float, parameters: int, *packages: str) -> None:
    """Print the result as the last line of the output."""
    result = {
        "images_per_second": median(clock.rates),
        "accuracy": accuracy,
        "parameters": parameters,
        "versions": {package: version(package) for package in packages},
    }
    print("\n" + json.dumps(result))
