"""Records of how the runs of one comparison differ on the same test images."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from firstlight.core.dataset import Task
from firstlight.core.notebook import html_table
from firstlight.core.scores import Score


@dataclass(frozen=True)
class Difference:
    """One run held against the first one, image by image.

    Attributes:
        first, second: the names of the two runs.
        score: what is compared: `accuracy` (more is better) or `rmse` (less is better).
        first_value, second_value: that score of each run.
        change: second minus first, with its paired interval.
        p_value: how often chance alone would give a difference this large.
        adjusted_p_value: the same after Holm's correction for all pairs compared.
        more_than_chance: whether `adjusted_p_value` is below 0.05.
        sentence: all of this in one plain sentence.
        only_first_right, only_second_right: images that only this run got right;
            None for `measure`.
    """

    first: str
    second: str
    score: str
    first_value: float
    second_value: float
    change: Score
    p_value: float
    adjusted_p_value: float
    more_than_chance: bool
    sentence: str
    only_first_right: int | None = None
    only_second_right: int | None = None


@dataclass(frozen=True)
class Comparison:
    """Runs compared on the same test images; each difference is against the first run.

    Attributes:
        task: as in `Dataset`.
        count: how many test images.
        runs: the runs' names, in the order given.
        differences: one for each run after the first.
        settings: the settings that are not the same in all runs: by setting, then by run.
    """

    task: Task
    count: int
    runs: tuple[str, ...]
    differences: tuple[Difference, ...]
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        rows = [{"runs": f"{d.first}, {d.second}", "result": d.sentence} for d in self.differences]
        return html_table(rows, caption=f"compared on the same {self.count:,} images")
