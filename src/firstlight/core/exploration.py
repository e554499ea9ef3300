"""Records of a first look at a data set: what `firstlight explore` prints and draws."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from firstlight.core.dataset import Refused, Task
from firstlight.core.notebook import html_table


@dataclass(frozen=True)
class PartSummary:
    """One part of a data set in numbers.

    Attributes:
        part: `train`, `validation` or `test`.
        count: how many images.
        shape: `(N, H, W, C)`.
        dtype: the number type of the pixels (`uint8`).
        minimum, maximum, mean, std: over all pixels of the part, as stored.
        class_counts: images of each class, as long as `Exploration.classes`; () for `measure`.
        targets: minimum, maximum, mean and std of each target column; () for `classify`.
        groups: the groups (simulations, patients) that its images belong to, or None.
    """

    part: str
    count: int
    shape: tuple[int, ...]
    dtype: str
    minimum: float
    maximum: float
    mean: float
    std: float
    class_counts: tuple[int, ...] = ()
    targets: tuple[TargetSummary, ...] = ()
    groups: GroupSummary | None = None


@dataclass(frozen=True)
class GroupSummary:
    """How many groups there are, and how many images the smallest and the largest have."""

    count: int
    smallest: int
    largest: int

    def in_words(self) -> str:
        """How many images lie in how many groups.

        Example:
            >>> GroupSummary(70, 36, 36).in_words(), GroupSummary(2, 3, 5).in_words()
            ('70 groups of 36', '2 groups of 3 to 5')
        """
        size = f"{self.largest:,}"
        if self.smallest != self.largest:
            size = f"{self.smallest:,} to {size}"
        return f"{self.count:,} group{'' if self.count == 1 else 's'} of {size}"


@dataclass(frozen=True)
class TargetSummary:
    """One target column of one part in numbers, in the column's unit."""

    name: str
    unit: str
    minimum: float
    maximum: float
    mean: float
    std: float


@dataclass(frozen=True)
class Histogram:
    """How many pixels lie between neighbouring edges.

    Attributes:
        counts: as many as there are bins.
        edges: one more than `counts`; the last bin holds its right edge too.
    """

    counts: tuple[int, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True)
class PixelHistograms:
    """The pixels of the training images, as stored and prepared in the two usual ways.

    Attributes:
        stored: as they are in the file.
        normalised: brought to 0..1. Whole numbers are divided by the largest that their
            type holds, other pixels are shifted and divided by the training images' range.
        standardised: minus the training images' mean, divided by their standard deviation.
    """

    stored: Histogram
    normalised: Histogram
    standardised: Histogram


@dataclass(frozen=True)
class Duplicates:
    """Images that are equal byte for byte.

    Attributes:
        within: for each part, how many images repeat an earlier one of the same part.
        across: for `train/validation`, `train/test` and `validation/test`, how many
            images of the second part are also in the first.
        groups: names of equal images as `part: name`, the largest groups first, at most 20.
    """

    within: dict[str, int]
    across: dict[str, int]
    groups: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Exploration:
    """A first look at a data set; plain values only, so that it can be written as JSON.

    Attributes:
        name, source, task, classes, target_names, target_units, notes: as in `Dataset`.
        parts: train, validation and test in numbers.
        balance: images of the largest class for one of the smallest, over all parts;
            None for `measure`.
        duplicates: images that are equal byte for byte.
        histograms: pixels of the training images.
        sizes: `((height, width), count)` of the images as they came.
        files_read: how many files were read.
        refused: files that were left out, with the reason.
        split_rule: how the parts were made.
        fingerprint, pixel_unit: as in `Dataset`.
    """

    name: str
    source: str
    task: Task
    classes: tuple[str, ...]
    target_names: tuple[str, ...]
    target_units: tuple[str, ...]
    parts: tuple[PartSummary, ...]
    balance: float | None
    duplicates: Duplicates
    histograms: PixelHistograms
    sizes: tuple[tuple[tuple[int, int], int], ...]
    files_read: int
    refused: tuple[Refused, ...]
    notes: tuple[str, ...]
    split_rule: str
    fingerprint: str
    pixel_unit: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain lists, numbers and texts; `files` holds `read` and `refused`."""
        fields = asdict(self)
        refused = [{"file": item.file, "reason": item.reason} for item in self.refused]
        fields["files"] = {"read": fields.pop("files_read"), "refused": refused}
        del fields["refused"]
        fields["sizes"] = [
            {"height": height, "width": width, "count": count}
            for (height, width), count in self.sizes
        ]
        return fields

    def _repr_html_(self) -> str:
        rows = [
            {
                "part": part.part,
                "images": f"{part.count:,}",
                "dtype": part.dtype,
                "minimum": f"{part.minimum:g}",
                "maximum": f"{part.maximum:g}",
                "mean": f"{part.mean:.4g}",
                "std": f"{part.std:.4g}",
            }
            for part in self.parts
        ]
        return html_table(rows, caption=f"{self.name} ({self.task})")
