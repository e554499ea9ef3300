"""The loss of values with spreads, beside SciPy's normal distribution."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from firstlight.core.errors import ModelError, SettingError
from firstlight.training.losses import make_loss
from firstlight.training.metrics import Metric

RNG = np.random.default_rng(0)
VALUES, TARGETS = RNG.normal(0, 2, (2, 7, 3))
SPREADS = RNG.uniform(0.2, 3, (7, 3))
ANSWERS = torch.from_numpy(np.hstack([VALUES, np.log(SPREADS)])).float()


def gaussian():
    return make_loss("gaussian", "linear", outputs=6, classify=False)


def test_it_is_scipys_negative_log_likelihood():
    expected = -norm.logpdf(TARGETS, VALUES, SPREADS)
    targets = torch.from_numpy(TARGETS).float()
    assert gaussian()(ANSWERS, targets).item() == pytest.approx(expected.mean(), rel=1e-5)
    weights = RNG.uniform(0, 2, 7)
    weighted = gaussian()(ANSWERS, targets, torch.from_numpy(weights)).item()
    assert weighted == pytest.approx((expected * weights[:, None]).mean(), rel=1e-5)


def test_it_is_lowest_at_the_mean_and_spread_of_what_comes():
    targets = torch.from_numpy(RNG.normal(4, 0.5, (4000, 1))).float()
    answer = torch.zeros(1, 2, requires_grad=True)
    optimizer = torch.optim.LBFGS([answer], max_iter=100)

    def closure():
        optimizer.zero_grad()
        loss = gaussian()(answer.expand(4000, 2), targets)
        loss.backward()
        return loss

    optimizer.step(closure)
    mean, logarithm = answer[0].tolist()
    assert mean == pytest.approx(targets.mean().item(), rel=1e-4)
    assert np.exp(logarithm) == pytest.approx(targets.std(correction=0).item(), rel=1e-3)


def test_its_gradient_counts_images_by_their_spread():
    answers = ANSWERS.double().requires_grad_()
    gaussian()(answers, torch.from_numpy(TARGETS)).backward()
    # By hand: of the loss (t - v)^2 / 2 s^2 + log s, by v and by log s.
    shares = SPREADS / SPREADS.mean(axis=0) / TARGETS.size
    by_value = shares * (VALUES - TARGETS) / SPREADS**2
    by_logarithm = shares * (1 - ((VALUES - TARGETS) / SPREADS) ** 2)
    expected = np.hstack([by_value, by_logarithm])
    np.testing.assert_allclose(answers.grad.numpy(), expected, rtol=1e-4)


def test_half_precision_answers_lose_nothing_more():
    halves = ANSWERS.bfloat16()
    targets = torch.from_numpy(TARGETS).float()
    values, spreads = halves.double().numpy()[:, :3], np.exp(halves.double().numpy()[:, 3:])
    expected = -norm.logpdf(TARGETS, values, spreads).mean()
    assert gaussian()(halves, targets).item() == pytest.approx(expected, rel=1e-5)


def test_one_answer_for_each_target_is_too_few():
    with pytest.raises(ModelError, match="Two answers for each of 3 targets were expected"):
        gaussian()(ANSWERS[:, :3], torch.from_numpy(TARGETS).float())


def test_classes_and_smoothing_are_refused():
    with pytest.raises(SettingError, match="gaussian compares measured numbers"):
        make_loss("gaussian", "linear", outputs=6, classify=True)
    with pytest.raises(SettingError, match="--label-smoothing is for cross-entropies"):
        make_loss("gaussian", "linear", 6, classify=False, smoothing=0.1)


@pytest.mark.parametrize("name", ["rmse", "mae", "r2"])
def test_metrics_leave_spreads_aside(name):
    metrics = Metric(name), Metric(name)
    targets = torch.from_numpy(TARGETS)
    for metric, answers in zip(metrics, (ANSWERS, ANSWERS[:, :3]), strict=True):
        metric.update(answers, targets)
    assert metrics[0].result() == metrics[1].result()
