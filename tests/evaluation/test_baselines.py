"""Baselines, held against scikit-learn's own pipeline and answers that are known."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, root_mean_squared_error
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from firstlight.core.stored import StoredImages, shard_name
from firstlight.evaluation import baselines as module
from firstlight.evaluation.baselines import baselines
from firstlight.evaluation.features import simple_features


@pytest.fixture(scope="module")
def sky():
    """Maps whose brightness is the target times a function of the redshift, with noise."""
    random = np.random.default_rng(0)
    target, redshift = random.uniform(size=240), random.choice([7.0, 8.0, 9.0, 10.0], 240)
    images = random.normal(scale=2, size=(240, 8, 8, 1)).astype(np.float32)
    images += (20 * target * np.sqrt(redshift))[:, None, None, None]
    return images, target.astype(np.float32), redshift


def scores(found):
    return {each.name: (each.rmse.value, each.r2.value) for each in found}


def both(truth, answers):
    return pytest.approx((root_mean_squared_error(truth, answers), r2_score(truth, answers)))


def test_baselines_are_scikit_learn_s(sky):
    images, target, z = sky
    table = np.stack([images.mean(axis=(1, 2, 3), dtype=float), z], axis=1)
    found = scores(
        baselines(
            images[:160],
            target[:160],
            images[160:],
            target[160:],
            train_columns={"z": z[:160]},
            test_columns={"z": z[160:]},
            seed=3,
        )
    )
    fit = make_pipeline(StandardScaler(), PolynomialFeatures(2), LinearRegression())
    fit.fit(table[:160], target[:160])
    assert list(found) == ["training mean", "mean of the pixels", "forest"]
    truth = target[160:]
    assert found["training mean"] == both(truth, np.full(80, target[:160].mean(dtype=float)))
    assert found["mean of the pixels"] == both(truth, fit.predict(table[160:]))
    features = simple_features(images, {"z": z})
    forest = RandomForestRegressor(random_state=3).fit(features[:160], target[:160].astype(float))
    assert found["forest"] == both(truth, forest.predict(features[160:]))
    assert found["mean of the pixels"][1] > 0.99 > found["training mean"][1]


def test_columns_help_and_incomplete_ones_are_left_out(sky):
    images, target, z = sky
    parts = (images[:160], target[:160], images[160:], target[160:])
    alone = scores(baselines(*parts))
    known = {"train_columns": {"z": z[:160]}, "test_columns": {"z": z[160:]}}
    assert scores(baselines(*parts, **known))["mean of the pixels"][0] < (
        0.6 * alone["mean of the pixels"][0]
    )
    holes = np.where(np.arange(80) == 5, np.nan, z[160:])
    for test_columns in ({}, {"y": z[160:]}, {"z": holes}):
        half_known = known | {"test_columns": test_columns}
        assert scores(baselines(*parts, **half_known)) == alone


def test_groups_are_drawn_whole_and_seeds_repeat(sky):
    """Each test image ten times over, in groups: the same scores, and intervals no narrower."""
    images, target, _ = sky
    index = np.repeat(np.arange(160, 200), 10)
    once = baselines(images[:160], target[:160], images[160:200], target[160:200])
    copies = (images[:160], target[:160], images[index], target[index])
    whole = baselines(*copies, index.astype(str))
    for one, many in zip(once, whole, strict=True):
        assert many.rmse.value == pytest.approx(one.rmse.value)
        width = one.rmse.high - one.rmse.low
        assert many.rmse.high - many.rmse.low == pytest.approx(width, rel=0.15)
    assert baselines(*copies, index.astype(str)) == whole
    assert baselines(*copies, index.astype(str), seed=1)[2] != whole[2]


def test_images_on_disk_give_the_same(sky, tmp_path):
    images, target, _ = sky
    order = np.random.default_rng(1).permutation(160)
    np.save(tmp_path / shard_name(0), images[:160][np.argsort(order)])
    stored = StoredImages(
        tmp_path, (8, 8, 1), images.dtype, 160, order, order.astype(np.uint64), budget=1 << 20
    )
    test = (images[160:], target[160:])
    assert baselines(stored, target[:160], *test) == baselines(images[:160], target[:160], *test)


def test_of_many_training_images_some_are_drawn(sky, monkeypatch):
    images, target, _ = sky
    monkeypatch.setattr(module, "MOST_IMAGES", 50)
    parts = (images[:160], target[:160], images[160:], target[160:])
    means = [
        np.sqrt(((target[160:] - mean) ** 2).mean())
        for seed in (0, 1)
        for mean in [target[np.random.default_rng(seed).permutation(160)[:50]].mean(dtype=float)]
    ]
    assert [baselines(*parts, seed=seed)[0].rmse.value for seed in (0, 1)] == pytest.approx(means)
    monkeypatch.setattr(module, "MOST_IMAGES", 20_000)
    monkeypatch.setattr(module, "MOST_PIXELS", 64 * 60)
    monkeypatch.setattr(module, "LEAST_IMAGES", 50)
    assert len(module._drawn(images, 0)) == 60
    monkeypatch.setattr(module, "MOST_PIXELS", 64 * 40)
    assert len(module._drawn(images, 0)) == 50


def test_equal_test_targets_have_no_baselines(sky):
    images, target, _ = sky
    assert baselines(images[:40], target[:40], images[40:44], np.full(4, 0.5)) == ()
