"""Records of images and targets: what the data room hands to every other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from firstlight.core.notebook import html_table
from firstlight.core.settings import DataSettings

if TYPE_CHECKING:
    # The lab's server takes the names of tasks from here and starts without NumPy.
    import numpy as np
    from numpy.typing import NDArray

    from firstlight.core.stored import ImageArray

Task = Literal["classify", "measure"]
Part = Literal["train", "validation", "test"]
PARTS: tuple[Part, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Refused:
    """A file that was left out, and why, in one line."""

    file: str
    reason: str


@dataclass(frozen=True, eq=False)
class Images:
    """Images with their targets: one part of a data set.

    Attributes:
        images: `(N, H, W, C)` in the type they were stored in (`uint8` stays `uint8`): an array,
            or images on disk that are read when they are asked for.
        targets: `(N,)` int64 class numbers, or `(N, T)` float32 values.
        names: `(N,)` where each image came from: a file, or `array[index]`.
        groups: `(N,)` group labels (patient, simulation, pointing), or None.
        columns: `(N,)` each, other numbers that are known of the images, by name (a redshift).
        side_names: which of the columns enter the network beside the image.
    """

    images: ImageArray
    targets: NDArray[Any]
    names: NDArray[np.str_]
    groups: NDArray[np.str_] | None = None
    columns: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    side_names: tuple[str, ...] = ()

    @property
    def side(self) -> NDArray[np.float32] | None:
        """`(N, S)` the numbers that enter the network beside the image; None where none do."""
        if not self.side_names:
            return None
        import numpy as np

        return np.stack([self.columns[name] for name in self.side_names], 1).astype(np.float32)

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        return f"Images({len(self):,} of {self.images.shape[1:]}, {self.images.dtype})"

    def select(self, index: NDArray[Any]) -> Images:
        """The images at `index` (integers or a boolean mask), in that order."""
        from firstlight.core.stored import StoredImages

        images = self.images
        return Images(
            images.select(index) if isinstance(images, StoredImages) else images[index],
            self.targets[index],
            self.names[index],
            None if self.groups is None else self.groups[index],
            {name: column[index] for name, column in self.columns.items()},
            self.side_names,
        )


@dataclass(frozen=True, eq=False)
class Collection:
    """Everything that was read from one source, before it is split.

    Attributes:
        name: a short name for titles and run names (`mnist`, the folder's name).
        source: what the user asked for, as given.
        task: `classify` where targets are classes, `measure` where they are numbers.
        everything: all images that could be read.
        parts: `(N,)` strings: `train`, `validation`, `test`, or `""` where the
            source does not say.
        classes: the class names; target `k` is `classes[k]`. Empty for `measure`.
        target_names: the target columns' names. Empty for `classify`.
        target_units: their units (`""` where none is known), as long as `target_names`.
        pixel_unit: the unit of the pixels (`mK`), "" where none is known.
        refused: files that were left out, with the reason.
        notes: each rule that was applied on the way, as a sentence for the user.
        sizes: `((height, width), count)` of the images as they came, most frequent first.
        files_read: how many files were read.
    """

    name: str
    source: str
    task: Task
    everything: Images
    parts: NDArray[np.str_]
    classes: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    target_units: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    files_read: int = 0
    pixel_unit: str = ""


@dataclass(frozen=True, eq=False)
class Split:
    """Which image of a collection went to which part.

    Attributes:
        train, validation, test: int64 positions in `Collection.everything`.
        seed: the seed of every random choice.
        rule: how the split was made, as a sentence.
    """

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]
    seed: int
    rule: str


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images ready to train on: three parts, and what is known about them.

    Attributes as in `Collection`, and:
        train, validation, test: the three parts. `test` is touched once, by `evaluate`.
        split: which image went where.
        fingerprint: SHA-256 (hexadecimal) over images, targets and split.
        settings: how the source was read, so that it can be read again.
    """

    name: str
    source: str
    task: Task
    train: Images
    validation: Images
    test: Images
    split: Split
    fingerprint: str
    classes: tuple[str, ...] = ()
    target_names: tuple[str, ...] = ()
    target_units: tuple[str, ...] = ()
    refused: tuple[Refused, ...] = ()
    notes: tuple[str, ...] = ()
    sizes: tuple[tuple[tuple[int, int], int], ...] = ()
    files_read: int = 0
    pixel_unit: str = ""
    settings: DataSettings = field(default_factory=DataSettings)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """`(H, W, C)` of every image."""
        height, width, channels = self.train.images.shape[1:]
        return int(height), int(width), int(channels)

    @property
    def outputs(self) -> int:
        """How many numbers a network has to answer with for one image."""
        return len(self.classes) if self.task == "classify" else len(self.target_names)

    def parts(self) -> Iterator[tuple[Part, Images]]:
        """The three parts with their names."""
        yield "train", self.train
        yield "validation", self.validation
        yield "test", self.test

    def __repr__(self) -> str:
        parts = ", ".join(f"{len(images):,} {part}" for part, images in self.parts())
        return f"Dataset({self.name}: {parts}; {self.image_shape}, {self.task})"

    def _repr_html_(self) -> str:
        shape = " x ".join(str(size) for size in self.image_shape)
        rows = [{"part": part, "images": f"{len(images):,}"} for part, images in self.parts()]
        return html_table(rows, caption=f"{self.name} ({self.task}): {shape} images")
