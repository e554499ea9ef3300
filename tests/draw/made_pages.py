"""Reports and their pages."""

from __future__ import annotations

import numpy as np

from firstlight.core.dataset import Refused
from firstlight.core.findings import LayerCost
from firstlight.core.reports import Predictions, Report
from firstlight.draw import (
    report_figures,
    report_page,
    to_pngs,
)
from firstlight.evaluation import evaluate

SCRIPT = '<script>alert("x")</script>'


LAYERS = (
    LayerCost("conv", "Conv2D", (8, 8, 1), (6, 6, 4), 40, 40, 2592, 576, (3, 3)),
    LayerCost("dense", "Dense", (144,), (2,), 290, 290, 576, 8, None),
)


EPOCHS = [
    {"epoch": 1, "loss": 0.5, "validation_loss": 0.4, "images_per_second": 1234.0},
    {"epoch": 2, "loss": 0.3, "validation_loss": 0.35, "images_per_second": 1250.0},
]


RUN = {
    "name": "first-run",
    "command": ["firstlight", "train", "pets & <b>"],
    "settings": {"model": "compact", "loss": None},
    "data_settings": {"target": ["a", "b"]},
    "data": {
        "source": "pets",
        "notes": ["Sizes were <i>padded</i>."],
        "refused": [{"file": f"{SCRIPT}.png", "reason": "it ends too soon"}],
    },
    "versions": {"keras": "3.15.1"},
    "seed": 7,
    "threads": 2,
    "seconds": 12.34,
}


def classified(right: int = 15) -> Report:
    """20 images of two classes with hostile names; the last ones are wrong."""
    count = 20
    targets = np.arange(count) % 2
    said = np.where(np.arange(count) < right, targets, 1 - targets)
    values = np.where(np.eye(2)[said] == 1, 0.9, 0.1).astype(np.float32)
    predictions = Predictions(
        np.array([f"{k}{SCRIPT}.png" for k in range(count)]),
        values,
        "classify",
        classes=(SCRIPT, 'cat" onload="x'),
        refused=(Refused("late.png", "not an image"),),
    )
    return evaluate(predictions, targets, f"pets {SCRIPT}, test")


def measured() -> Report:
    random = np.random.default_rng(0)
    targets = random.normal(size=(50, 1)).astype(np.float32)
    predictions = Predictions(
        np.array([str(k) for k in range(50)]),
        targets + random.normal(size=(50, 1)).astype(np.float32),
        "measure",
        target_names=("mass",),
        target_units=("kg",),
    )
    return evaluate(predictions, targets, "stars, test")


def images() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (20, 8, 8, 1)).astype(np.uint8)


def page_of(report: Report, pixels: np.ndarray | None = None, run: dict | None = None) -> str:
    pngs = to_pngs(report_figures(report, EPOCHS, pixels))
    return report_page(RUN if run is None else run, report, EPOCHS, LAYERS, pngs, pixels)


def words_of(page) -> str:
    return page.text.replace("\N{NO-BREAK SPACE}", " ")
