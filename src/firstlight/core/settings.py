"""The options of reading data and of training: each one is written down here and nowhere else.

The command line's options, `run.json` and the reference page are all made from these
dataclasses: a field's name is the option, its `help` is the text, and None means
"as the preset, else the recipe of the model says".
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from firstlight.core.condition import Condition
from firstlight.core.errors import SettingError
from firstlight.core.losses import LOSSES, full_loss_name
from firstlight.core.sizes import amount, bytes_of
from firstlight.core.telescope import REDSHIFT, TELESCOPES, Telescope, needs_redshift, telescope_of

OPTIMIZERS = (
    *("adam", "adamw", "nadam", "rmsprop", "sgd", "adadelta", "adafactor", "adagrad", "adamax"),
    *("ftrl", "lamb", "lion", "muon"),
)
# Those of them that take steps with momentum of a stated size.
WITH_MOMENTUM = ("sgd", "rmsprop", "muon")
SCHEDULES = ("constant", "one-cycle", "cosine")
CLASS_METRICS = ("accuracy", "top_5", "precision", "recall", "f1")
VALUE_METRICS = ("rmse", "mae", "mse", "mape", "r2")
METRICS = CLASS_METRICS + VALUE_METRICS
PRESETS = ("fast", "good", "best")
PREPARATIONS = ("rescale", "standardise", "asinh", "none")
SKIES = ("quick", *TELESCOPES)
RESIZES = ("pad", "crop", "stretch", "none")
COLOURS = ("auto", "grey", "colour")
GAPS = ("refuse", "mean")
AUTO = "auto"
PRECISIONS = (AUTO, "float32", "bfloat16")
LEAST_MEMORY = 1_000_000  # bytes
Bounds = tuple[float | None, float | None]


def option(
    help: str,
    default: Any = None,
    choices: tuple[str, ...] = (),
    least: Any = None,
    most: Any = None,
    also: str = "",
) -> Any:
    """A dataclass field that is also an option of the command line, under one name or two."""
    limits = {"choices": choices, "least": least, "most": most, "also": also}
    return field(default=default, metadata={"help": help, **limits})


def check_options(settings: Any) -> None:
    """Refuse a value that is not among the choices of its field or is below its least.

    Choices are taken in any letter case (`Adam`, as Keras's class is called) and kept in theirs.
    """
    for item in fields(settings):
        value = getattr(settings, item.name)
        if value is None or not item.metadata:
            continue
        name = "--" + item.name.replace("_", "-")
        choices, least = item.metadata["choices"], item.metadata["least"]
        if isinstance(value, str) and value.lower() in choices:
            value = value.lower()
            object.__setattr__(settings, item.name, value)
        if choices and value not in choices:
            listed = ", ".join(choices)
            raise SettingError(
                f"{name} takes one of {listed}, but {value!r} came: choose one of them."
            )
        if least is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise SettingError(f"{name} takes a number, but {value!r} came: leave the quotes away.")
        if isinstance(item.default, str) and not isinstance(value, str):
            raise SettingError(f"{name} takes a text, but {type(value).__name__} came.")
        if least is not None and not value >= least:
            raise SettingError(
                f"{name} takes {least} or more, but {value!r} came: give a larger one."
            )
        most = item.metadata["most"]
        if most is not None and not value <= most:
            raise SettingError(
                f"{name} takes {most} or less, but {value!r} came: give a smaller one."
            )


def _fold(text: str) -> tuple[int, int]:
    """`2/5` as 1 (counted from 0) and 5."""
    number, slash, count = text.partition("/")
    if slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count) > 1:
        return int(number) - 1, int(count)
    raise SettingError(
        f"--fold takes a number and how many there are, such as 2/5, but {text!r} came."
    )


def _bounds(text: str) -> tuple[str, Bounds]:
    """`xHI=0:1` as a name with two numbers; either may be left away."""
    name, _, ends = text.partition("=")
    low, colon, high = ends.partition(":")
    try:
        least, greatest = (float(end) if end else None for end in (low, high))
        given = [end for end in (least, greatest) if end is not None]
        rising = all(map(math.isfinite, given)) and given == sorted(set(given))
    except ValueError:
        rising = False
    if not (name and colon and rising):
        raise SettingError(
            f"--bounds takes NAME=LOW:HIGH, such as xHI=0:1, but {text!r} came: write it like that."
        )
    return name, (least, greatest)


@dataclass(frozen=True)
class DataSettings:
    """How images are read from a source and split into three parts."""

    image_column: str | None = option(
        "column of a table that holds the image paths, or array of the images (found by itself)"
    )
    target: tuple[str, ...] = option(
        "target column or columns (default: a column called label)", ()
    )
    task: str | None = option(
        "classify or measure (default: as the targets look)", None, ("classify", "measure")
    )
    split_column: str | None = option("column that says train, validation or test")
    group_column: str | None = option(
        "column whose groups are never torn apart by the split", also="--group"
    )
    side: tuple[str, ...] = option(
        "column or columns of numbers that enter the network beside the image", ()
    )
    report_by: tuple[str, ...] = option(
        "column or columns of numbers by which the report divides errors (those of --side, too)", ()
    )
    bounds: tuple[str, ...] = option(
        "least and greatest possible value of a target, NAME=LOW:HIGH, such as xHI=0:1", ()
    )
    keep: str | None = option("use only images whose numbers meet this: '0.01 < xHI < 0.99'")
    balance: str | None = option(
        "drop images at random until each tenth of this column's range has equally many"
    )
    by: str | None = option("... for each value of this column on its own (with --balance)")
    telescope: str | None = option(
        "see maps of the sky through a telescope: its beam, and noise that is new every epoch",
        None,
        tuple(TELESCOPES),
    )
    pixel: float | None = option(
        "length of a pixel in Mpc (with --telescope; default: 2)", None, (), 1e-6, 1e6
    )
    split: str | None = option(
        "how to split where the data do not say: random, or group (needs a group column)",
        None,
        ("random", "group"),
    )
    fold: str | None = option(
        "2/5: the test part is the second of five parts, whole groups where there are any; all "
        "five together test every image once"
    )
    size: int | None = option("height and width in pixels to bring images to", None, (), 1, 16_384)
    resize: str = option(
        "how images of other sizes are fitted; none: not at all, each pixel stays what it is",
        "pad",
        RESIZES,
    )
    colour: str = option(
        "read images as grey or colour (auto: colour if any image is)", "auto", COLOURS
    )
    axes: str | None = option(
        "order of an array's axes, such as NCHW where the channels come first (default: NHWC)"
    )
    hdu: str | None = option(
        "name or number of the part of a FITS file that holds the images (default: the first)"
    )
    gaps: str = option(
        "pixels without a number (NaN, infinity, FITS's BLANK): refuse, or fill with the mean of "
        "the image's other pixels",
        "refuse",
        GAPS,
    )
    memory: str | None = option(
        "memory for images that are more than fits, such as 2GB: they are kept on disk, in shards"
    )
    shards: str | None = option("folder for the shards of --memory (default: the user's cache)")

    def __post_init__(self) -> None:
        check_options(self)
        if self.axes is not None:
            letters = str(self.axes).upper()
            object.__setattr__(self, "axes", letters)
            if sorted(letters) not in (sorted("NHW"), sorted("NHWC")):
                raise SettingError(
                    "--axes takes the letters N (images), H (height), W (width) and C (channels) "
                    f"in the order of the array's axes, but {self.axes!r} came: give NCHW, say."
                )
        if self.resize == "none" and self.size is not None:
            raise SettingError(
                "--resize none keeps images as they are, but --size brings them to another size: "
                "leave one of them out."
            )
        if self.memory is not None and self.budget < LEAST_MEMORY:
            raise SettingError(
                f"--memory takes {amount(LEAST_MEMORY)} or more, but {self.memory!r} came: give a "
                "larger amount."
            )
        if self.shards is not None and self.memory is None:
            raise SettingError(
                "--shards says where --memory puts the images: give --memory too, such as 2GB."
            )
        if self.keep is not None:
            Condition.parse(self.keep)
        for text in self.bounds:
            _bounds(text)
        if self.fold is not None:
            _fold(self.fold)
        if self.by is not None and self.balance is None:
            raise SettingError("--by says for what --balance is done separately: give --balance.")
        if self.pixel is not None and self.telescope is None:
            raise SettingError("--pixel is the pixel that --telescope sees: give --telescope.")

    @property
    def budget(self) -> int:
        """`memory` in bytes; 0 where images are held in memory."""
        return 0 if self.memory is None else bytes_of(self.memory, "--memory")

    @property
    def sky(self) -> Telescope | None:
        """The telescope that maps are seen through, or None."""
        return None if self.telescope is None else telescope_of(self.telescope, self.pixel)

    @property
    def fold_of(self) -> tuple[int, int] | None:
        """Which fold is the test part, counted from 0, and of how many; None: no fold."""
        return None if self.fold is None else _fold(self.fold)

    def bounds_of(self, targets: Sequence[str]) -> list[Bounds]:
        """The least and the greatest possible value of each target, None where there is none.

        Raises:
            SettingError: bounds are given for something else.
        """
        given = dict(map(_bounds, self.bounds))
        for name in given:
            if name not in targets:
                raise SettingError(
                    f"--bounds is for targets ({', '.join(targets) or 'of a measurement'}), but "
                    f"{name} came: name one of them, or leave it out."
                )
        return [given.get(name, (None, None)) for name in targets]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of numbers that are asked for beside the targets, each once."""
        names = [*self.side, *self.report_by]
        if self.keep is not None:
            names += Condition.parse(self.keep).names
        names += [name for name in (self.balance, self.by) if name is not None]
        if self.telescope is not None and needs_redshift(self.telescope):
            names.append(REDSHIFT)
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True)
class SimulationSettings:
    """What is simulated, and through which telescope it is looked at later."""

    preset: str = option(
        "quick: a few boxes; the others: 100 boxes, seen through the telescope of that name",
        "standard",
        SKIES,
    )
    boxes: int | None = option(
        "simulated universes, 36 maps each (default: as the preset says)", None, (), 3, 100_000
    )
    cells: int = option("cells of 2 Mpc along each side of a box", 64, (), 16, 512)
    seed: int = option("seed of every random choice", 0, (), 0, 2**32 - 1)
    out: str | None = option("folder for the maps (default: the user's cache)")

    def __post_init__(self) -> None:
        check_options(self)
        if self.cells % 2:
            raise SettingError(f"--cells takes an even number, but {self.cells} came: add one.")


@dataclass(frozen=True)
class TrainSettings:
    """What to train and how. None: what the preset, else the model's recipe says."""

    preset: str | None = option(
        "ready-made choice between time and accuracy; every option that you give wins",
        None,
        PRESETS,
    )
    model: str = option(
        "a recipe's name, net.py:make_model, or a YAML list of layers (auto: maps for what is seen "
        "through a telescope, else compact)",
        AUTO,
    )
    epochs: int | None = option("passes through the training images", None, (), 1, 1_000_000)
    batch_size: int | None = option("images in one step", None, (), 1, 10_000_000)
    optimizer: str | None = option("how weights are moved", None, OPTIMIZERS)
    momentum: float | None = option(
        "share of the last step in the next (default: Keras's), for sgd, rmsprop and muon",
        None,
        (),
        0,
        1,
    )
    weight_decay: float | None = option(
        "share of a weight that goes in a step of length 1 (default: Keras's)", None, (), 0, 1e6
    )
    learning_rate: float | None = option("the (largest) step length", None, (), 1e-12, 1e6)
    schedule: str | None = option("how the learning rate runs over the training", None, SCHEDULES)
    loss: str | None = option("what training makes small", None, tuple(LOSSES))
    label_smoothing: float | None = option(
        "share of each target that is spread evenly over all classes, e.g. 0.1", None, (), 0, 1
    )
    metric: str | None = option("what is shown beside the loss", None, METRICS)
    augment: str | None = option(
        "random changes to training images, joined by commas: shift:1 (pixels), flip or flip:both, "
        "turn (right angles), roll (periodic), rotate:10 (degrees), zoom:0.1, noise:0.05 (shares), "
        "none"
    )
    class_weights: str | None = option(
        "balanced: rare classes count as much as frequent ones", None, ("none", "balanced")
    )
    average: float | None = option(
        "answer with a running average of the weights that keeps this share a step, e.g. 0.99",
        None,
        (),
        0.0,
        0.999999,
    )
    patience: int | None = option(
        "stop after so many epochs without a lower validation loss, and keep the best epoch",
        None,
        (),
        1,
    )
    ensemble: int | None = option(
        "networks that are trained from different seeds and answer together", None, (), 2, 100
    )
    folds: int | None = option(
        "train so many networks more, each tested on another part, and judge them together",
        None,
        (),
        2,
        1000,
    )
    leak_check: bool = option(
        "train once more on a split that tears groups apart, to show how much better it looks",
        False,
    )
    prepare: str | None = option("how pixels enter the network", None, PREPARATIONS)
    seed: int = option("seed of every random choice", 0, (), 0, 2**32 - 1)
    name: str | None = option("name of the run folder (default: made from data and model)")
    precision: str = option("number format of the arithmetic", AUTO, PRECISIONS)
    threads: int | None = option(
        "processor threads (default: one a core, recorded with the run)", None, (), 1, 1024
    )

    def __post_init__(self) -> None:
        if isinstance(self.loss, str):
            object.__setattr__(self, "loss", full_loss_name(self.loss))
        check_options(self)
        if self.momentum is not None and self.optimizer not in (None, *WITH_MOMENTUM):
            raise SettingError(
                f"--momentum is for the optimizers {', '.join(WITH_MOMENTUM)}, but "
                f"{self.optimizer} came: leave it away, or choose one of them."
            )
