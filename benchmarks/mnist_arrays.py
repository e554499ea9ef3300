"""Write MNIST as firstlight ships it, or its first images, as an .npz file for both contenders.

python mnist_arrays.py FILE.npz [TRAINING_IMAGES TEST_IMAGES]
"""

import sys

import numpy as np

import firstlight as fl


def main(path: str, training: int | None = None, test: int | None = None) -> None:
    data = fl.load("mnist")
    # Training and validation images together, in their order, are the original training set.
    order = np.argsort(np.concatenate([data.split.train, data.split.validation]))
    images = np.concatenate([data.train.images, data.validation.images])
    targets = np.concatenate([data.train.targets, data.validation.targets])
    np.savez(
        path,
        x_train=images[order[:training], :, :, 0],
        y_train=targets[order[:training]],
        x_test=data.test.images[:test, :, :, 0],
        y_test=data.test.targets[:test],
    )


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
