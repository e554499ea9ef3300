"""Simple ways to measure the same, which a network has to beat to be worth its trouble."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from firstlight.core.stored import ImageArray, StoredImages
from firstlight.core.trust import Baseline
from firstlight.evaluation.features import simple_features
from firstlight.evaluation.values import value_scores

MOST_IMAGES = 20_000
MOST_PIXELS = 1_000_000_000
LEAST_IMAGES = 500
TREES = 100


def baselines(
    train_images: ImageArray,
    train_targets: NDArray[np.floating],
    test_images: ImageArray,
    test_targets: NDArray[np.floating],
    groups: NDArray[np.str_] | None = None,
    *,
    train_columns: Mapping[str, NDArray[np.floating]] | None = None,
    test_columns: Mapping[str, NDArray[np.floating]] | None = None,
    seed: int = 0,
) -> tuple[Baseline, ...]:
    """Three simple answers, learned from the training images and scored on the test images.

    `training mean` is one constant. `mean of the pixels` is a quadratic fit to the mean of each
    channel and the columns, by least squares (quadratic, since the brightness of a map can go as
    a product of the target and a column). `forest` is scikit-learn's RandomForestRegressor of 100
    trees (Breiman 2001, Machine Learning 45, 5) on the numbers of `simple_features` and the
    columns.

    Args:
        train_images: `(N, H, W, C)`; of more than 20,000 images or a billion pixels, some are
            drawn (but 500 at least).
        train_targets: `(N,)`, one target.
        test_images: `(M, H, W, C)`.
        test_targets: `(M,)`.
        groups: `(M,)` group labels of the test images, for the intervals; or None.
        train_columns: `(N,)` each, other numbers known of the images, by name. Those that are
            not known of every image, here and there, are left out.
        test_columns: `(M,)` each, the same for the test images.
        seed: of what is drawn: images, trees, bootstrap.

    Returns:
        The baselines with rmse and r2; none where all test targets are equal.

    Example:
        >>> random = np.random.default_rng(0)
        >>> brightness = random.uniform(size=120)
        >>> images = brightness[:, None, None, None] + random.normal(size=(120, 8, 8, 1))
        >>> for found in baselines(images[:80], brightness[:80], images[80:], brightness[80:]):
        ...     print(f"{found.name}: r2 above 0.5 is {found.r2.value > 0.5}")
        training mean: r2 above 0.5 is False
        mean of the pixels: r2 above 0.5 is True
        forest: r2 above 0.5 is True
    """
    from sklearn.ensemble import RandomForestRegressor

    train_columns, test_columns = _shared(train_columns or {}, test_columns or {})
    drawn = _drawn(train_images, seed)
    train_columns = {name: column[drawn] for name, column in train_columns.items()}
    known = train_targets[drawn].astype(np.float64)
    if isinstance(train_images, StoredImages):
        train_images = train_images.select(drawn)
    else:
        train_images = train_images[drawn]
    train = simple_features(train_images, train_columns)
    test = simple_features(test_images, test_columns)

    channels = train_images.shape[-1]
    means = [*range(channels), *range(train.shape[1] - len(train_columns), train.shape[1])]
    forest = RandomForestRegressor(n_estimators=TREES, random_state=seed, n_jobs=1)
    answers = {
        "training mean": np.full(len(test), known.mean()),
        "mean of the pixels": _quadratic(train[:, means], known, test[:, means]),
        "forest": forest.fit(train, known).predict(test),
    }
    found = []
    for name, answer in answers.items():
        scores = value_scores(answer[:, None], test_targets[:, None], (name,), groups, seed)
        if "r2" in scores:
            found.append(Baseline(name, scores["rmse"], scores["r2"]))
    return tuple(found)


def _drawn(images: ImageArray, seed: int) -> NDArray[np.int64]:
    """Which training images are used, rising."""
    pixels = int(np.prod(images.shape[1:]))
    most = min(MOST_IMAGES, max(LEAST_IMAGES, MOST_PIXELS // pixels))
    drawn = np.random.default_rng(seed).permutation(len(images))[:most]
    return np.sort(drawn)


def _shared(
    train: Mapping[str, NDArray[np.floating]], test: Mapping[str, NDArray[np.floating]]
) -> tuple[dict[str, NDArray[np.floating]], dict[str, NDArray[np.floating]]]:
    """The columns that are known of every image."""
    names = [
        name
        for name in train
        if name in test and np.isfinite(train[name]).all() and np.isfinite(test[name]).all()
    ]
    return {name: train[name] for name in names}, {name: test[name] for name in names}


def _quadratic(
    train: NDArray[np.float64], targets: NDArray[np.float64], test: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A least-squares fit of all products of up to two features, asked for `test`."""
    centre, scale = train.mean(axis=0), train.std(axis=0)
    scale = np.where(scale > 0, scale, 1)

    def products(features: NDArray[np.float64]) -> NDArray[np.float64]:
        one = np.column_stack([np.ones(len(features)), (features - centre) / scale])
        first, second = np.triu_indices(one.shape[1])
        return one[:, first] * one[:, second]

    coefficients, *_ = np.linalg.lstsq(products(train), targets, rcond=None)
    return np.asarray(products(test) @ coefficients)
