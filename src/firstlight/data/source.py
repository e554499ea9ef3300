"""From what the user calls DATA to a collection or a data set."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

from firstlight.core.dataset import Collection, Dataset
from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.core.telling import Listener, listening
from firstlight.data.builtin import BUILTINS
from firstlight.data.choosing import choose, require_bounds
from firstlight.data.folder import read_folder
from firstlight.data.idx import idx_pairs, is_idx_images
from firstlight.data.idx_data import read_idx_file, read_idx_folder
from firstlight.data.named import TARGETS, read_named
from firstlight.data.npy import ArrayFile, open_npy_folder, open_npz
from firstlight.data.paths import require_file, shown
from firstlight.data.simulated import REIONISATION, as_recorded, name_of, newest_maps, unit_of
from firstlight.data.split import split_collection
from firstlight.data.table import read_table

NAMES = (*BUILTINS, REIONISATION)
ACCEPTED = (
    f"a built-in data set ({', '.join(NAMES)}), a folder of class folders (with or without "
    "train, validation and test above them), a .csv or .parquet table, an .npz or .npy file, or "
    "IDX files as MNIST has them"
)
DEFAULTS = DataSettings()


def load_dataset(
    source: str | Path,
    settings: DataSettings = DEFAULTS,
    seed: int = 0,
    progress: Listener | None = None,
) -> Dataset:
    """Read a source and split it.

    Args:
        source: as in `read_collection`.
        settings: options of reading and splitting.
        seed: of the split.
        progress: called while images are brought to disk (`settings.memory`), with `kind`
            `reading`, `what` is done, how much is `done`, and the `total`.

    Raises:
        DataError: if the source cannot be read or split.

    Example:
        >>> digits = load_dataset("mnist")
        >>> {part: len(images) for part, images in digits.parts()}
        {'train': 55000, 'validation': 5000, 'test': 10000}
    """
    with listening(progress):
        source, settings = found(source, settings)
        return split_collection(read_collection(source, settings, seed), settings, seed)


def found(source: str | Path, settings: DataSettings) -> tuple[str | Path, DataSettings]:
    """Where a source really lies, and its settings with what it says about itself.

    Simulated maps say what to measure on them; `reionisation` are those simulated last.

    Raises:
        DataError: maps had to be simulated, and cannot be.
    """
    if source == REIONISATION:
        source = newest_maps()
    folder = Path(source).expanduser()
    return source, as_recorded(folder, settings) if folder.is_dir() else settings


def read_collection(
    source: str | Path, settings: DataSettings = DEFAULTS, seed: int = 0
) -> Collection:
    """Read images and targets from whatever the user names.

    Args:
        source: a built-in name (`./mnist` is a folder of that name); a folder of class
            folders, also below train, validation and test; a CSV or Parquet table; an
            .npz file; an .npy file of images with `labels.npy` or `targets.npy` beside
            it; a folder of such .npy files; IDX files, raw or gz.
        settings: options of reading, as `found` gives them.
        seed: of the choice that `--balance` makes.

    Returns:
        All images that could be read, `(N, H, W, C)` in the type they were stored in; the
        others are in `refused`, and the rules that were applied in `notes`.

    Raises:
        DataError: if nothing can be read.

    Example:
        >>> read_collection("mnist").everything.images.shape
        (70000, 28, 28, 1)
    """
    collection = choose(_read(source, settings), settings, seed)
    require_bounds(collection, settings)
    name = name_of(Path(source)) or collection.name
    everything = replace(collection.everything, side_names=settings.side)
    unit = collection.pixel_unit or unit_of(Path(source).expanduser())
    return replace(collection, name=name, everything=everything, pixel_unit=unit)


def _read(source: str | Path, settings: DataSettings) -> Collection:
    """All that a source holds."""
    if str(source) in BUILTINS and not isinstance(source, Path):
        return BUILTINS[str(source)](settings)
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _read_directory(path, settings)
        if not path.exists():
            raise _unknown(str(source), path)
    except (OSError, ValueError) as error:
        raise DataError(f"{shown(source)} cannot be opened ({shown(error)}).") from error
    return _read_one_file(path, settings)


def _read_directory(path: Path, settings: DataSettings) -> Collection:
    if idx_pairs(path):
        return read_idx_folder(path, settings)
    arrays = open_npy_folder(path)
    if "images" in arrays or "x_train" in arrays:
        return read_named(arrays, path, settings)
    return read_folder(path, settings)


def _read_one_file(path: Path, settings: DataSettings) -> Collection:
    require_file(path)
    ending = path.suffix.lower()
    if ending in (".csv", ".tsv", ".parquet"):
        return read_table(path, settings)
    if ending == ".npz":
        return read_named(open_npz(path), path, settings)
    if ending == ".npy":
        # The arrays beside it are its columns, as if all were members of one .npz file.
        beside = open_npy_folder(path.parent)
        if not settings.target and not any(name in beside for name in TARGETS):
            raise DataError(
                f"Targets were expected beside {shown(path)}, which holds images only, but there "
                "is no labels.npy or targets.npy: save one there with an entry for each image "
                "(--target names a file that is called otherwise). A trained network needs none: "
                f"firstlight predict RUN {shown(path)}."
            )
        return read_named(beside | {"images": ArrayFile(path)}, path, settings)
    if is_idx_images(path):
        return read_idx_file(path, settings)
    raise DataError(f"DATA can be {ACCEPTED}, but {shown(path)} is none of these: name another.")


def _unknown(source: str, path: Path) -> DataError:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [*NAMES, *beside], n=3)
    hint = f" Did you mean {' or '.join(map(shown, near))}?" if near else ""
    return DataError(f"DATA can be {ACCEPTED}, but there is no {shown(source)}.{hint}")
