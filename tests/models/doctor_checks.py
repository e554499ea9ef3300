"""Lists of layers, and asking the shape doctor about them."""

from pathlib import Path
from typing import Any

from firstlight.core.findings import Checkup, Layer
from firstlight.core.settings import TrainSettings
from firstlight.models import (
    build_layers,
    check_model,
    write_layers,
)

Shape = tuple[int, int, int]


MNIST = (28, 28, 1)


ENOUGH = 10**12


CONV = Layer("Conv2D", {"filters": 16, "kernel_size": 5, "activation": "relu"})


POOL = Layer("MaxPooling2D", {"pool_size": 2})


FLAT = Layer("Flatten")


LAST = Layer("Dense", {"units": "outputs", "activation": "softmax"})


LINEAR = Layer("Dense", {"units": "outputs"})


def check(
    folder: Path,
    layers: list[Layer],
    shape: Shape = MNIST,
    outputs: int = 10,
    task: Any = "classify",
    **settings: Any,
) -> Checkup:
    """Check a list of layers; see that what is mended builds and checks clean."""
    path = folder / "net.yaml"
    write_layers(layers, path)
    checkup = check_model(str(path), shape, outputs, task, TrainSettings(**settings), memory=ENOUGH)
    if checkup.mended is not None:
        write_layers(checkup.mended, path)
        for finding in checkup.findings:
            settings |= finding.fix.settings if finding.fix else {}
        again = check_model(
            str(path), shape, outputs, task, TrainSettings(**settings), memory=ENOUGH
        )
        assert {finding.level for finding in again.findings} <= {"advice"}
        assert again.mended is None
        assert build_layers(checkup.mended, shape, outputs).output_shape == (None, outputs)
    return checkup
