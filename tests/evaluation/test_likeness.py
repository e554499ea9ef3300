"""Images unlike the training data: distances by SciPy and scikit-learn, alarms as often as said."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import mahalanobis
from sklearn.covariance import LedoitWolf

from firstlight.core.errors import DataError, RunError
from firstlight.core.files import write_arrays
from firstlight.evaluation.features import simple_features
from firstlight.evaluation.likeness import Likeness, learn_likeness, shrunk_covariance


@pytest.fixture(scope="module")
def mixed():
    """8 features that go together, in very different units: to train on, and three times new."""
    random = np.random.default_rng(0)
    mix = random.normal(size=(8, 8)) * np.geomspace(1e-3, 1e4, 8)
    return [random.normal(size=(4000, 8)) @ mix + 5 for _ in range(3)]


@pytest.mark.parametrize(("count", "size"), [(300, 4), (30, 50), (5, 2)])
def test_the_covariance_is_scikit_learn_s(count, size):
    random = np.random.default_rng(1)
    deviations = random.normal(size=(count, size)) @ random.normal(size=(size, size))
    oracle = LedoitWolf(assume_centered=True).fit(deviations).covariance_
    assert shrunk_covariance(deviations) == pytest.approx(oracle)


def test_the_distance_is_scipy_s(mixed):
    train, held_out, new = mixed
    likeness = learn_likeness(train, held_out)
    scale = train.std(axis=0)
    fit = LedoitWolf(assume_centered=True).fit((train - train.mean(axis=0)) / scale)
    for row, found in zip(new[:20], likeness.distance(new[:20]), strict=True):
        oracle = mahalanobis(row / scale, train.mean(axis=0) / scale, fit.precision_)
        assert found == pytest.approx(oracle, rel=1e-6)


def test_normal_features_have_chi_square_s_threshold_and_one_false_alarm_in_a_hundred(mixed):
    train, held_out, new = mixed
    likeness = learn_likeness(train, held_out)
    assert likeness.threshold**2 == pytest.approx(stats.chi2.ppf(0.99, 8), rel=0.06)
    error = np.sqrt(2 * 0.01 * 0.99 / 4000)  # of held-out and of new images
    assert likeness.unlike(new).mean() == pytest.approx(0.01, abs=3 * error)
    rarer = learn_likeness(train, held_out, false_alarms=0.1)
    assert rarer.unlike(new).mean() == pytest.approx(0.1, abs=10 * error)


def test_what_differs_in_no_single_feature_is_seen_in_how_they_go_together(mixed):
    train, held_out, new = mixed
    shuffled = np.random.default_rng(2).permuted(new, axis=0)
    assert learn_likeness(train, held_out).unlike(shuffled).mean() > 0.5


def test_with_few_features_more_images_than_features_are_not_needed():
    random = np.random.default_rng(3)
    train, held_out, new = (random.normal(size=(count, 200)) for count in (50, 500, 2000))
    likeness = learn_likeness(train, held_out)
    assert likeness.unlike(new).mean() == pytest.approx(0.01, abs=0.015)
    # Of the images that it was learned from, fewer: the distance has got used to them.
    assert likeness.distance(train).mean() < likeness.distance(held_out).mean()


def test_new_groups_are_flagged_no_more_often_than_is_said():
    """30 boxes with features of their own: the mean over 100 learnings, 5 % false alarms."""
    random, shares = np.random.default_rng(4), []
    groups = np.repeat(np.arange(30).astype(str), 12)

    def boxes(count):
        own = np.repeat(random.normal(size=(count, 3)), 12, axis=0)
        return own + random.normal(size=own.shape)

    train = boxes(200)
    for _ in range(100):
        held_out = boxes(30)
        likeness = learn_likeness(train, held_out, groups, false_alarms=0.05)
        shares.append(likeness.unlike(boxes(30)).mean())
    error = np.std(shares) / 10
    assert 0.03 < np.mean(shares) < 0.05 + 3 * error
    assert likeness.groups == 30
    assert likeness.threshold > learn_likeness(train, held_out, false_alarms=0.05).threshold


def test_other_noise_and_other_scales_are_seen():
    """Maps with twice the noise, or smoothed, beside new ones of the same kind."""
    random = np.random.default_rng(5)
    maps = random.normal(size=(900, 16, 16, 1))
    likeness = learn_likeness(simple_features(maps[:500]), simple_features(maps[500:800]))
    new = maps[800:]
    smooth = (new + np.roll(new, 1, axis=1)) / np.sqrt(2)
    assert likeness.unlike(simple_features(new)).mean() < 0.06
    assert likeness.unlike(simple_features(2 * new)).all()
    assert likeness.unlike(simple_features(smooth)).mean() > 0.9


def test_a_feature_that_never_varied_gives_an_alarm_where_it_does(mixed):
    train, held_out, new = (np.column_stack([part, np.zeros(4000)]) for part in mixed)
    likeness = learn_likeness(train, held_out)
    assert likeness.unlike(new).mean() < 0.03
    new[:, -1] = 1
    assert likeness.unlike(new).all()


def test_two_images_or_equal_ones_are_enough_to_measure_from(mixed):
    train, held_out, new = mixed
    for few in (train[:2], np.repeat(train[:1], 5, axis=0)):
        assert np.isfinite(learn_likeness(few, held_out).distance(new)).all()


def test_a_feature_that_is_no_number_is_unlike(mixed):
    train, held_out, new = mixed
    new = new[:3].copy()
    new[1, 4] = np.nan
    assert learn_likeness(train, held_out).distance(new)[1] == np.inf


def test_a_rule_goes_to_npz_and_back(mixed, tmp_path):
    train, held_out, new = mixed
    groups = np.repeat(np.arange(40).astype(str), 100)
    likeness = learn_likeness(train, held_out, groups)
    write_arrays(tmp_path / "likeness.npz", **likeness.as_arrays())
    with np.load(tmp_path / "likeness.npz", allow_pickle=False) as arrays:
        again = Likeness.from_arrays(arrays)
    assert np.array_equal(again.distance(new), likeness.distance(new))
    assert (again.threshold, again.false_alarms) == (likeness.threshold, 0.01)
    assert (again.images, again.groups) == (4000, 40)
    with pytest.raises(RunError, match="it is damaged"):
        Likeness.from_arrays({"centre": again.centre})


def test_what_cannot_be_learned_from_is_refused(mixed):
    train, held_out, _ = (part[:10] for part in mixed)
    holes = np.where(np.arange(8) == 2, np.nan, train)
    with pytest.raises(DataError, match="two or more held out"):
        learn_likeness(train, held_out, np.array(["a"] * 10))
    with pytest.raises(DataError, match="finite features of two or more images to train on"):
        learn_likeness(train[:1], held_out)
    with pytest.raises(DataError, match="finite features of two or more images to train on"):
        learn_likeness(holes, held_out)
    with pytest.raises(DataError, match="images that are held out"):
        learn_likeness(train, holes)
    with pytest.raises(DataError, match=r"Expected 8 features of each image, but shape \(10, 3\)"):
        learn_likeness(train, held_out[:, :3])
