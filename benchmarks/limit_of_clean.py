"""What the brightness of a map's pixels tells of its neutral fraction, and what galaxies add.

    python benchmarks/limit_of_clean.py TRAINING TEST

Both are folders that `firstlight simulate reionisation --out` has made, of different seeds. A
linear fit gets how many pixels are brighter than each of some levels, at the map's redshift, and
then also what no telescope sees: how massive galaxies have to be, how much they ionise, and how
far their light goes.
"""

import argparse
import itertools
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

Numbers = NDArray[np.float64]
# In units of what neutral hydrogen of mean density shines with.
LEVELS = np.array(
    [*(0, 0.01, 0.03, 0.06, 0.1, 0.2, 0.3, 0.4, 0.5), *(0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 3, 5)]
)
GALAXIES = ("log10_Tvir", "log10_zeta", "R_max")


def columns_of(folder: Path) -> dict[str, Numbers]:
    """The maps and numbers of a folder, those that are trained with."""
    names = ("images", "xHI", "z", *GALAXIES)
    found = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in names}
    kept = np.flatnonzero((found["xHI"] > 0.01) & (found["xHI"] < 0.99))
    return {name: values[kept] for name, values in found.items()}


def features_of(columns: dict[str, Numbers], galaxies: bool) -> Numbers:
    """`(N, F)` what the fit gets."""
    z = columns["z"]
    bright = columns["images"].reshape(len(z), -1) / (27 * np.sqrt((1 + z) / 10)[:, None])
    steps = itertools.pairwise(LEVELS)
    shares = [np.clip((bright - low) / (high - low), 0, 1).mean(1) for low, high in steps]
    histogram = np.stack(shares, axis=1)
    beside = [z - 8.5, (z - 8.5) ** 2]
    if galaxies:
        known = [columns[name] - columns[name].mean() for name in GALAXIES]
        beside += [*known, *(one**2 for one in known), known[0] * known[1], known[1] * (z - 8.5)]
    products = [histogram * one[:, None] for one in beside]
    return np.hstack([histogram, histogram**2, np.stack(beside, axis=1), *products])


def error_of(train: Path, test: Path, galaxies: bool) -> dict[str, Any]:
    """How far the fit is off on the test maps."""
    seen, unseen = columns_of(train), columns_of(test)
    fit = Ridge(1e-6).fit(features_of(seen, galaxies), seen["xHI"])
    error = fit.predict(features_of(unseen, galaxies)) - unseen["xHI"]
    mean_square = float((error**2).mean())
    return {"rmse": mean_square**0.5, "r2": 1 - mean_square / float(unseen["xHI"].var())}


def main() -> None:
    """Print both fits."""
    parser = argparse.ArgumentParser(description="What brightness alone tells.")
    parser.add_argument("train", type=Path, metavar="TRAINING")
    parser.add_argument("test", type=Path, metavar="TEST")
    options = parser.parse_args()
    for words, galaxies in (("brightness of the pixels", False), ("and the galaxies", True)):
        found = error_of(options.train, options.test, galaxies)
        print(f"{words}: rmse {found['rmse']:.4f}, r2 {found['r2']:.4f}")


if __name__ == "__main__":
    main()
