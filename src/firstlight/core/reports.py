"""Records of what a network answers, and how good the answers are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.dataset import Refused, Task
from firstlight.core.notebook import html_table, short
from firstlight.core.scores import Score
from firstlight.core.trust import Trust


@dataclass(frozen=True)
class ClassScore:
    """One row of the per-class table; `count` is how many images truly are of the class."""

    name: str
    precision: float
    recall: float
    f1: float
    count: int


@dataclass(frozen=True)
class ConfusedPair:
    """`count` images of class `true` that were called `predicted`."""

    true: str
    predicted: str
    count: int


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a network answers for some images.

    Attributes:
        names: `(N,)` where each image came from.
        values: `(N, K)` float32: probabilities of each class, or `(N, T)` values.
        task: as in `Dataset`.
        classes, target_names, target_units: as in `Dataset`.
        refused: files that were left out, with the reason.
        spread: `(N, T)` float32, how far off the network takes each value to be (a standard
            deviation, in the target's unit); None where it says nothing of that.
        intervals: `(N, T, L, 2)` float32, the ends of an interval for each of `levels`; or None.
        levels: the shares of true values that the intervals are to hold, rising.
        unlike: `(N,)` whether an image does not look like those that were trained on; or None.
    """

    names: NDArray[np.str_]
    values: NDArray[np.float32]
    task: Task
    classes: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    target_units: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    spread: NDArray[np.float32] | None = None
    intervals: NDArray[np.float32] | None = None
    levels: tuple[float, ...] = ()
    unlike: NDArray[np.bool_] | None = None

    def __repr__(self) -> str:
        return f"Predictions({len(self):,} images, {self.task})"

    def __len__(self) -> int:
        return len(self.names)

    def rows(self) -> list[dict[str, Any]]:
        """One plain dictionary an image: `file`, then `class` and `probability`, or the values."""
        if self.task == "classify":
            best = self.values.argmax(axis=1)
            return [
                {"file": str(name), "class": self.classes[k], "probability": float(row[k])}
                for name, row, k in zip(self.names, self.values, best, strict=True)
            ]
        return [
            {"file": str(name)} | {t: float(v) for t, v in zip(self.target_names, row, strict=True)}
            for name, row in zip(self.names, self.values, strict=True)
        ]

    def _repr_html_(self) -> str:
        return html_table(self.rows()[:20], caption=f"{len(self):,} predictions, the first 20")


@dataclass(frozen=True, eq=False)
class Report:
    """How good a network is on images that it has not been trained on.

    Attributes:
        task: as in `Dataset`.
        data: what was evaluated (`mnist, test`), for titles.
        count: how many images.
        scores: by name: `accuracy` (with its 95 % Wilson interval) and `top_3`, or `rmse`,
            `mae`, `bias`, `r2` (`rmse of NAME` for each where there are several); and `loss`.
        classes: the class names, or ().
        per_class: precision, recall, F1 and count of each class.
        confusion: `(K, K)` int64, rows true, columns predicted; None for `measure`.
        confused: the most confused pairs, the most frequent first.
        groups: `(N,)` group labels, or None: images of one group are alike.
        notes: what a reader has to know before believing the scores, as sentences.
        predictions: the answers that the report was made from.
        targets: the true targets, as in `Images`.
        columns: `(N,)` each, other numbers that are known of the images, by name (a redshift).
        trust: what is known of the values' trust, one for each target; () for `classify`.
    """

    task: Task
    data: str
    count: int
    scores: dict[str, Score]
    predictions: Predictions
    targets: NDArray[Any]
    classes: tuple[str, ...] = ()
    per_class: tuple[ClassScore, ...] = ()
    confusion: NDArray[np.int64] | None = None
    confused: tuple[ConfusedPair, ...] = ()
    groups: NDArray[np.str_] | None = None
    notes: tuple[str, ...] = ()
    columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    trust: tuple[Trust, ...] = ()

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {score.value:.4g}" for name, score in self.scores.items())
        return f"Report({self.data}: {self.count:,} images; {scores})"

    def _repr_html_(self) -> str:
        scores = [
            {"score": name, "value": short(score.value), "interval": score.interval()}
            for name, score in self.scores.items()
        ]
        classes = [
            {
                "class": row.name,
                "precision": short(row.precision),
                "recall": short(row.recall),
                "F1": short(row.f1),
                "images": f"{row.count:,}",
            }
            for row in self.per_class
        ]
        pairs = [
            {"true": pair.true, "predicted": pair.predicted, "images": f"{pair.count:,}"}
            for pair in self.confused
        ]
        tables = [html_table(scores, caption=f"{self.data}: {self.count:,} images")]
        if classes:
            tables.append(html_table(classes, caption="each class"))
        if pairs:
            tables.append(html_table(pairs, caption="most confused"))
        return "".join(tables)


def worse_than_mean(report: Report) -> list[str]:
    """A sentence for each target that one constant answer would fit better (r2 below 0).

    Example:
        >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure")
        >>> worse_than_mean(Report("measure", "sky", 1, {"r2": Score(-0.25)}, answers, np.ones(1)))
        ['It is worse than always answering the mean of the true values (r2 = -0.25).']
    """
    several = any(title.startswith("r2 of ") for title in report.scores)
    sentences = []
    for title, score in report.scores.items():
        kind, _, target = title.partition(" of ")
        if kind == "r2" and score.value < 0 and bool(target) == several:
            it = f"For {target} it" if target else "It"
            sentences.append(
                f"{it} is worse than always answering the mean of the true values "
                f"(r2 = {score.value:.3g})."
            )
    return sentences
