"""Records of what a network answers, and how good the answers are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.cross_validation import CrossValidation
from firstlight.core.dataset import Refused, Task
from firstlight.core.diagnosis import Diagnosis
from firstlight.core.notebook import html_table, short
from firstlight.core.scores import WITH_UNIT, Score
from firstlight.core.trust import ClassTrust, Trust


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
        notes: what was done to the images, and what to know about them, each as a sentence.
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
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Predictions({len(self):,} images, {self.task})"

    def __len__(self) -> int:
        return len(self.names)

    def select(self, index: NDArray[Any]) -> Predictions:
        """The answers at `index` (integers or a boolean mask), in that order.

        Example:
            >>> answers = Predictions(np.array(["a", "b"]), np.array([[1.0], [2.0]]), "measure")
            >>> answers.select(np.array([1])).names.tolist()
            ['b']
        """
        return replace(
            self,
            names=self.names[index],
            values=self.values[index],
            spread=None if self.spread is None else self.spread[index],
            intervals=None if self.intervals is None else self.intervals[index],
            unlike=None if self.unlike is None else self.unlike[index],
        )

    def interval(self, level: float) -> tuple[float, NDArray[np.float32]] | None:
        """The level next to the one asked for, and the `(N, T, 2)` ends of its intervals.

        None where the network gives no intervals.

        Example:
            >>> ends = np.array([[[[1, 3], [0, 4]]]], np.float32)
            >>> answers = Predictions(np.array(["a"]), np.array([[2.0]], np.float32), "measure",
            ...     target_names=("mass",), intervals=ends, levels=(0.5, 0.9))
            >>> answers.interval(0.95)
            (0.9, array([[[0., 4.]]], dtype=float32))
        """
        if self.intervals is None:
            return None
        k = min(range(len(self.levels)), key=lambda k: abs(self.levels[k] - level))
        return self.levels[k], self.intervals[:, :, k]

    def columns(self) -> dict[str, list[Any]]:
        """What it says by name, each a list with one entry an image.

        `file`, then `class` and `probability`, or for each target its value, `NAME_spread`, and
        `NAME_low_90` and `NAME_high_90` for each level; and `unlike`. What the network does not
        give is left out.

        Example:
            >>> answers = Predictions(np.array(["a"]), np.array([[2.0]], np.float32), "measure",
            ...     target_names=("mass",), spread=np.array([[0.5]], np.float32))
            >>> answers.columns()
            {'file': ['a'], 'mass': [2.0], 'mass_spread': [0.5]}
        """
        columns: dict[str, list[Any]] = {"file": self.names.tolist()}
        if self.task == "classify":
            columns["class"] = [self.classes[k] for k in self.values.argmax(axis=1)]
            columns["probability"] = self.values.max(axis=1).tolist()
        for k, name in enumerate(self.target_names):
            columns[name] = self.values[:, k].tolist()
            if self.spread is not None:
                columns[f"{name}_spread"] = self.spread[:, k].tolist()
            if self.intervals is not None:
                for place, level in enumerate(self.levels):
                    ends = self.intervals[:, k, place]
                    columns[f"{name}_low_{100 * level:g}"] = ends[:, 0].tolist()
                    columns[f"{name}_high_{100 * level:g}"] = ends[:, 1].tolist()
        if self.unlike is not None:
            columns["unlike"] = self.unlike.tolist()
        return columns

    def rows(self) -> list[dict[str, Any]]:
        """The same as `columns`, one plain dictionary an image."""
        columns = self.columns()
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def short_rows(self, level: float = 0.9) -> list[dict[str, str]]:
        """One line of words an image: the value with its unit and one interval, and a flag.

        Example:
            >>> answers = Predictions(np.array(["a"]), np.array([[0.21]], np.float32), "measure",
            ...     target_names=("mass",), target_units=("kg",), unlike=np.array([True]))
            >>> answers.short_rows()
            [{'file': 'a', 'mass [kg]': '0.21', 'looks': 'unlike'}]
        """
        columns: dict[str, list[str]] = {"file": self.names.tolist()}
        if self.task == "classify":
            columns["class"] = [self.classes[k] for k in self.values.argmax(axis=1)]
            columns["probability"] = [f"{100 * value:.2f} %" for value in self.values.max(axis=1)]
        found = self.interval(level)
        units = self.target_units or ("",) * len(self.target_names)
        for k, (name, unit) in enumerate(zip(self.target_names, units, strict=True)):
            title = f"{name} [{unit}]" if unit else name
            digits = 6 if found is None else 4
            columns[title] = [f"{value:.{digits}g}" for value in self.values[:, k]]
            if found is not None:
                nearest, ends = found
                words = [f"{short(low)} to {short(high)}" for low, high in ends[:, k].tolist()]
                title = f"{100 * nearest:g} % interval"
                columns[f"{name}, {title}" if len(units) > 1 else title] = words
        if self.unlike is not None:
            columns["looks"] = ["unlike" if flag else "" for flag in self.unlike]
        rows = zip(*columns.values(), strict=True)
        return [dict(zip(columns, row, strict=True)) for row in rows]

    def _repr_html_(self) -> str:
        return html_table(
            self.short_rows()[:20], caption=f"{len(self):,} predictions, the first 20"
        )


@dataclass(frozen=True, eq=False)
class Report:
    """How good a network is on images that it has not been trained on.

    Attributes:
        task: as in `Dataset`.
        data: what was evaluated (`mnist, test`), for titles.
        count: how many images.
        scores: by name: `accuracy` (with its 95 % Wilson interval), `top_3` and
            `calibration_error` (a fraction); or `rmse`, `mae`, `bias`, `r2` (`rmse of NAME` for
            each where there are several); and `loss`.
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
        class_trust: what is known of the probabilities' trust, or None.
        cross_validation: what networks say that were tested on other parts, or None.
        diagnosis: what seems to be wrong with the training; () where nothing does, and for a
            network that was not trained here.
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
    class_trust: ClassTrust | None = None
    cross_validation: CrossValidation | None = None
    diagnosis: tuple[Diagnosis, ...] = ()

    def score_of(self, kind: str, target: str) -> Score | None:
        """A score (`rmse`) of one target, or None where it is not defined.

        Example:
            >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure",
            ...     target_names=("mass",))
            >>> report = Report("measure", "x", 1, {"rmse": Score(0.5)}, answers, np.ones((1, 1)))
            >>> report.score_of("rmse", "mass").value
            0.5
        """
        one = len(self.predictions.target_names) == 1
        return self.scores.get(kind if one else f"{kind} of {target}")

    def joint_scores(self) -> list[str]:
        """The titles of the scores of all targets together.

        Targets of several units have no error in common.

        Example:
            >>> answers = Predictions(np.array(["a"]), np.ones((1, 2), np.float32), "measure",
            ...     target_names=("mass", "size"), target_units=("kg", "m"))
            >>> scores = {"rmse": Score(1), "r2": Score(0.9), "rmse of mass": Score(1)}
            >>> Report("measure", "x", 1, scores, answers, np.ones((1, 2))).joint_scores()
            ['r2']
        """
        names, units = self.predictions.target_names, set(self.predictions.target_units)
        of_one = tuple(f" of {name}" for name in names) if len(names) > 1 else ()
        mixed = WITH_UNIT if len(units) > 1 else ()
        return [title for title in self.scores if not title.endswith(of_one) and title not in mixed]

    def unit_of(self, title: str) -> str:
        """The unit of a score by its title (`rmse of mass`), "" where it has none.

        Where several targets have different units, a score of all together has none.

        Example:
            >>> answers = Predictions(np.array(["a"]), np.array([[3.0]], np.float32), "measure",
            ...     target_names=("mass",), target_units=("kg",))
            >>> report = Report("measure", "x", 1, {"rmse": Score(0.5)}, answers, np.ones((1, 1)))
            >>> report.unit_of("rmse"), report.unit_of("r2")
            ('kg', '')
        """
        kind, _, target = title.partition(" of ")
        units = self.predictions.target_units
        if kind not in WITH_UNIT:
            return ""
        if target:
            return dict(zip(self.predictions.target_names, units, strict=True)).get(target, "")
        return units[0] if len(set(units)) == 1 else ""

    def __repr__(self) -> str:
        scores = ", ".join(f"{name} {score.value:.4g}" for name, score in self.scores.items())
        return f"Report({self.data}: {self.count:,} images; {scores})"

    def _repr_html_(self) -> str:
        scores = [
            {
                "score": name,
                "value": short(score.value, self.unit_of(name)),
                "interval": score.interval(),
            }
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
        tables += [table for trust in self.trust for table in _trust_tables(trust)]
        return "".join(tables)


def _trust_tables(trust: Trust) -> list[str]:
    """Simpler ways beside the network, and what its intervals held."""
    baselines = [
        {"way": simple.name, "rmse": short(simple.rmse.value), "r2": short(simple.r2.value)}
        for simple in trust.baselines
    ]
    coverage = [
        {
            "to hold": f"{100 * row.level:g} %",
            "held": f"{100 * row.covered.value:.3g} %",
            "mean width": short(row.width),
        }
        for row in trust.coverage
    ]
    tables = {"simpler ways": baselines, "intervals": coverage}
    return [
        html_table(rows, caption=f"{trust.target}: {caption}")
        for caption, rows in tables.items()
        if rows
    ]


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
