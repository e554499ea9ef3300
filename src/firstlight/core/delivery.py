"""The record of what was taken out of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# Which of a program's scores are told in a sentence.
TOLD = ("accuracy", "rmse")


@dataclass(frozen=True)
class Delivery:
    """Files that work without firstlight, and how far they were held against the run.

    Attributes:
        run: the run's name.
        files: the files that were written, the one that was asked for first.
        images: on so many of the run's test images the answers were compared; 0 where the file
            is a copy.
        difference: the largest difference that was found, in the unit of the answers.
        notes: what is not as in the run, a sentence each.
        scores: of a program that was run: what its network reached on the test images after it
            was trained anew, and what the run's did, by the name of the score.
    """

    run: str
    files: tuple[str, ...]
    images: int
    difference: float
    notes: tuple[str, ...] = ()
    scores: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    def checked(self) -> tuple[str, ...]:
        """What the files were held against, a sentence each.

        Example:
            >>> scores = {"accuracy": (0.98114, 0.97951)}
            >>> print(Delivery("first", ("a.ipynb",), 200, 1e-7, (), scores).checked()[1])
            Trained anew by Keras, it reaches accuracy 0.9811; the run has 0.9795.
        """
        if not self.images:
            return ("It is a copy of the run's own file.",)
        asked = (
            f"Asked about {self.images:,} test images, it answers as the run does: the largest "
            f"difference is {self.difference:.2g}."
        )
        anew = [
            f"Trained anew by Keras, it reaches {name} {reached:.4g}; the run has {of_the_run:.4g}."
            for name, (reached, of_the_run) in self.scores.items()
            if name in TOLD
        ]
        return (asked, *anew)
