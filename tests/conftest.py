"""Options of the test suite, and a report with all that is known of measured values."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest

from firstlight.core.reports import Predictions, Report
from firstlight.core.scores import Score
from firstlight.core.trust import Baseline, Bin, Coverage, Trust


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--campaign", action="store_true", help="run the whole kill campaign, not a few of each"
    )
    parser.addoption(
        "--campaign-page", metavar="FILE", help="write the campaign's counts into this page"
    )
    parser.addoption(
        "--lab-pictures", metavar="FOLDER", help="write pictures of the lab for its documentation"
    )


def _interval(value: float, half: float) -> Score:
    return Score(value, value - half, value + half)


def _bins(name: str, column: np.ndarray, edges: np.ndarray, error: np.ndarray) -> list[Bin]:
    rows = []
    for low, high in pairwise(edges):
        inside = error[(column >= low) & (column < high)]
        rmse = float(np.sqrt((inside**2).mean()))
        half = 3 * rmse / np.sqrt(len(inside))
        bias = _interval(float(inside.mean()), half)
        rows.append(Bin(name, float(low), float(high), len(inside), bias, rmse))
    return rows


@pytest.fixture
def sky_report() -> Callable[[int], Report]:
    """Makes reports on 360 maps in 10 groups, worse at high z; five of the maps are odd ones."""

    def make(targets: int = 1) -> Report:
        random = np.random.default_rng(4)
        z = np.repeat([7.0, 8.0, 9.0, 10.0], 90)
        groups = np.array([f"box {k}" for k in np.arange(360) % 10])
        sigma = 0.01 * (z - 5)[:, None] * np.ones(targets)
        true = random.uniform(0.02, 0.98, (360, targets))
        values = true + random.normal(size=true.shape) * sigma
        levels = (0.5, 0.68, 0.9, 0.95)
        half = np.array([NormalDist().inv_cdf((1 + level) / 2) for level in levels])
        ends = values[..., None, None] + np.array([-1, 1]) * (sigma[..., None] * half)[..., None]
        names = ("xHI", "T_vir")[:targets]
        predictions = Predictions(
            names=np.array([f"images.npy[{k}]" for k in range(360)]),
            values=values.astype(np.float32),
            task="measure",
            target_names=names,
            target_units=("", "kK")[:targets],
            spread=sigma.astype(np.float32),
            intervals=ends.clip(0, 1).astype(np.float32),
            levels=levels,
            unlike=np.arange(360) % 80 == 7,
        )
        scores, trust = {"loss": Score(0.0009)}, []
        for k, name in enumerate(names):
            error, title = values[:, k] - true[:, k], f" of {name}" if targets > 1 else ""
            rmse = float(np.sqrt((error**2).mean()))
            scores |= {
                f"rmse{title}": _interval(rmse, rmse / 10),
                f"mae{title}": _interval(float(np.abs(error).mean()), 0.002),
                f"bias{title}": _interval(float(error.mean()), 0.003),
                f"r2{title}": _interval(1 - rmse**2 / float(true[:, k].var()), 0.002),
            }
            bins = _bins(name, true[:, k], np.linspace(0, 1, 9), error)
            bins += _bins("z", z, np.array([6.5, 7.5, 8.5, 9.5, 10.5]), error)
            inside = (ends[:, k, :, 0] < true[:, k, None]) & (true[:, k, None] < ends[:, k, :, 1])
            rank = [NormalDist().cdf(x) for x in (true[:, k] - values[:, k]) / sigma[:, k]]
            trust.append(
                Trust(
                    name,
                    tuple(bins),
                    (
                        Baseline("training mean", Score(0.277, 0.27, 0.284), Score(-0.002)),
                        Baseline(
                            "mean of the pixels", Score(0.12, 0.1, 0.14), Score(0.8, 0.7, 0.9)
                        ),
                        Baseline("forest", Score(0.0652, 0.06, 0.07), Score(0.946, 0.94, 0.952)),
                    ),
                    tuple(
                        Coverage(level, _interval(float(held), 0.03), float(width))
                        for level, held, width in zip(
                            levels, inside.mean(axis=0), 2 * sigma.mean() * half, strict=True
                        )
                    ),
                    _interval(0.0197, 0.001),
                    tuple(np.histogram(rank, 10, (0, 1))[0].tolist()),
                    _interval(0.9991, 0.0002),
                )
            )
        if targets > 1:
            scores |= {
                kind: scores[f"{kind} of {names[0]}"] for kind in ("rmse", "mae", "bias", "r2")
            }
        return Report(
            task="measure",
            data="reionisation, test",
            count=360,
            scores=scores,
            predictions=predictions,
            targets=true.astype(np.float32),
            groups=groups,
            columns={"z": z},
            trust=tuple(trust),
        )

    return make
