"""Write MNIST as firstlight ships and splits it, or part of it, as an .npz file for everybody.

    python mnist_arrays.py FILE.npz [TRAINING_IMAGES TEST_IMAGES]

Everybody trains on the same images; those that firstlight keeps for validation are in the file
for it alone. With two numbers: the first so many images, and as many for validation as for a
tenth of the training.
"""

import sys

import numpy as np

import firstlight as fl


def main(path: str, training: int | None = None, test: int | None = None) -> None:
    data = fl.load("mnist")
    counts = {"train": training, "val": training and training // 10, "test": test}
    parts = {"train": data.train, "val": data.validation, "test": data.test}
    arrays = {}
    for name, images in parts.items():
        arrays[f"x_{name}"] = images.images[: counts[name], :, :, 0]
        arrays[f"y_{name}"] = images.targets[: counts[name]]
    np.savez(path, **arrays)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
