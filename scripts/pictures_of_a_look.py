"""Draw the pictures of docs/look-inside.md: a kernel at work, filters by epoch, saliency.

    python scripts/pictures_of_a_look.py

Trains `compact` on MNIST for four epochs in a temporary folder and looks inside it.
"""

import shutil
import tempfile
from pathlib import Path

import firstlight as fl

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
PICTURES = ("kernel", "evolution", "saliency")


def main() -> None:
    """Write docs/images/look-NAME.png for each picture."""
    with tempfile.TemporaryDirectory() as folder:
        run = fl.train("mnist", runs=folder, name="mnist-compact", epochs=4)
        fl.look(run, save=f"{folder}/inside")
        for name in PICTURES:
            shutil.copyfile(f"{folder}/inside/{name}.png", IMAGES / f"look-{name}.png")


if __name__ == "__main__":
    main()
