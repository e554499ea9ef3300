"""Scores of several networks that together were tested on every image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from firstlight.core.scores import Score


@dataclass(frozen=True)
class CrossValidation:
    """How good such networks are, each tested on images (whole groups) kept from it.

    Attributes:
        count: how many images were tested, by all of them together.
        folds: the scores of each network on its own part, by name.
        scores: over all images, each judged by the network that was not trained on it.
    """

    count: int
    folds: tuple[Mapping[str, float], ...]
    scores: Mapping[str, Score]
