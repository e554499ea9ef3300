"""What the benchmarks conclude with: spreads, ratios within a turn, and imitated bfloat16."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    yield
    for name in ("agreement", "compare_report", "imitated_bfloat16", "tables"):
        sys.modules.pop(name, None)


def test_the_pooled_deviation_is_that_of_the_residuals():
    from agreement import pooled_deviation

    samples = {"a": [1.0, 2.0, 4.0], "b": [10.0, 11.0], "c": [7.0]}
    residuals = np.concatenate([np.subtract(s, np.mean(s)) for s in samples.values()])
    expected = np.sqrt((residuals**2).sum() / (6 - 3))
    assert pooled_deviation(samples) == pytest.approx(expected)
    assert pooled_deviation({"a": [1.0], "b": [2.0]}) is None


@pytest.mark.parametrize(("shift", "marked"), [(1.6, set()), (1.9, {"other"})])
def test_who_is_three_standard_errors_away_stands_out(shift, marked):
    from agreement import standing_out

    # The deviation is 1 and the error of a mean of three 0.577: three of them are 1.73.
    same = [-1.0, 0.0, 1.0]
    samples = {"a": same, "b": same, "other": [value + shift for value in same]}
    assert standing_out(samples) == marked


def test_a_slow_turn_changes_no_ratio():
    from compare_report import ratio

    ours = [{"seconds": 1.0}, {"seconds": 10.0}, {"seconds": 1.0}]
    theirs = [{"seconds": 3.0}, {"seconds": 30.0}, {"seconds": 3.1}]
    assert ratio(theirs, ours, "seconds") == pytest.approx(3.0)


def test_imitated_bfloat16_rounds_factors_result_and_gradients():
    from imitated_bfloat16 import ImitatedBfloat16

    # bfloat16 has 8 binary digits: 1 + 1/1024 is 1 in it, and 257 is 256.
    image = torch.full((1, 257), 1 + 2**-10, requires_grad=True)
    weight = torch.full((1, 257), 3 + 2**-10, requires_grad=True)
    with ImitatedBfloat16():
        answer = torch.nn.functional.linear(image, weight)
    answer.backward(torch.tensor([[257.0]]))
    assert answer.item() == 772.0  # 257 times 3 is 771, and its neighbours are 768 and 772
    assert image.grad.unique().tolist() == [768.0]
    assert weight.grad.unique().tolist() == [256.0]


def test_imitated_bfloat16_is_autocast_in_a_convolution():
    from imitated_bfloat16 import ImitatedBfloat16

    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(144, 5)
    )
    images = torch.randn(8, 1, 8, 8)
    found = []
    for block in (ImitatedBfloat16(), torch.autocast("cpu", torch.bfloat16)):
        network.zero_grad()
        with block:
            answers = network(images).float()
        answers.square().sum().backward()
        found.append([answers.detach(), *(each.grad for each in network.parameters())])
    exact = network(images).detach()
    for ours, theirs in zip(*found, strict=True):
        assert (ours - theirs).norm() < 0.01 * theirs.norm()
    # Much nearer to autocast than to float32.
    assert (found[0][0] - found[1][0]).norm() < 0.5 * (exact - found[1][0]).norm()
