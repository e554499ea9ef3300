"""From what the user calls DATA to a collection or a data set."""

from __future__ import annotations

import difflib
from dataclasses import replace
from pathlib import Path

from firstlight.core.dataset import Collection, Dataset
from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.core.telling import Listener, listening
from firstlight.data.array_files import open_arrays
from firstlight.data.builtin import BUILTINS
from firstlight.data.choosing import choose, require_bounds
from firstlight.data.fits import ENDINGS as FITS_ENDINGS
from firstlight.data.folder import has_class_folders, read_folder
from firstlight.data.idx import idx_pairs, is_idx_images
from firstlight.data.idx_data import read_idx_file, read_idx_folder
from firstlight.data.named import TARGETS, read_named
from firstlight.data.named_array import Arrays
from firstlight.data.npy import open_npy_folder
from firstlight.data.options import refuse_hdu, refuse_report_by
from firstlight.data.paths import require_file, shown
from firstlight.data.simulated import REIONISATION, as_recorded, name_of, newest_maps, unit_of
from firstlight.data.split import split_collection
from firstlight.data.table import GROUP, SPLIT, TABLES, TARGET, read_table
from firstlight.data.zarr_arrays import is_zarr

NAMES = (*BUILTINS, REIONISATION)
ACCEPTED = (
    f"a built-in data set ({', '.join(NAMES)}), a folder of class folders (with or without "
    "train, validation and test above them) or of images with one table, a .csv or .parquet "
    "table, a FITS, HDF5, TIFF, .npz or .npy file, or IDX files as MNIST has them"
)
# Arrays that say something of the file and not of an image.
ABOUT = ("classes", "target_names", "target_units")
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
        place, filled = found(source, settings)
        collection = read_collection(place, filled, seed)
        # As the user gave it: simulated maps bring one along, whatever is asked of them.
        refuse_report_by(settings, collection)
        return split_collection(collection, filled, seed)


def found(source: str | Path, settings: DataSettings) -> tuple[str | Path, DataSettings]:
    """Where a source really lies, and its settings with what it says about itself.

    Simulated maps say what to measure on them; `reionisation` are those simulated last.

    Raises:
        DataError: maps had to be simulated, and cannot be.

    Example:
        >>> source, settings = found("mnist", DataSettings())
        >>> source, settings == DataSettings()
        ('mnist', True)
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
            folders, also below train, validation and test; a CSV or Parquet table, or a
            folder without class folders in which one lies; an .npz or HDF5 file; a FITS
            or TIFF file of many images with its targets in itself or in a table beside
            it; an .npy file of images with `labels.npy` or `targets.npy` beside it; a
            folder of such .npy files; IDX files, raw or gz.
        settings: options of reading, as `found` gives them.
        seed: of the choice that `--balance` makes.

    Returns:
        All images that could be read, `(N, H, W, C)` in the type they were stored in; the
        others are in `refused`, and the rules that were applied in `notes`.

    Raises:
        DataError: if nothing can be read.
        SettingError: if an option means nothing for this source.

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
    if is_zarr(path):
        refuse_hdu(settings, f"{shown(path)} is zarr's")
        return _read_arrays(open_arrays(path, settings) or {}, path, settings)
    arrays = open_npy_folder(path)
    if "images" in arrays or "x_train" in arrays:
        refuse_hdu(settings, f"{shown(path)} holds arrays of NumPy")
        return read_named(arrays, path, settings)
    _refuse_axes(path, settings)
    table = _table_in(path)
    return read_table(table, settings) if table else read_folder(path, settings)


def _refuse_axes(path: Path, settings: DataSettings) -> None:
    if settings.axes is not None:
        raise SettingError(
            f"--axes says how the axes of an array lie, but {shown(path)} holds or names pictures, "
            "one in each file: leave it out."
        )


def _table_in(folder: Path) -> Path | None:
    """The table that names the images of a folder without class folders."""
    entries = [entry for entry in sorted(folder.iterdir()) if entry.name[:1] != "."]
    tables = [entry for entry in entries if entry.suffix.lower() in TABLES and entry.is_file()]
    if not tables or has_class_folders(folder):
        return None
    if len(tables) > 1:
        listed = ", ".join(shown(table.name) for table in tables[:5])
        raise DataError(
            f"Class folders or one table of images were expected in {shown(folder)}, but there are "
            f"{len(tables)} tables ({listed}): name the one to read, such as {shown(tables[0])}."
        )
    return tables[0]


def _read_one_file(path: Path, settings: DataSettings) -> Collection:
    require_file(path)
    if path.suffix.lower() in TABLES:
        _refuse_axes(path, settings)
        return read_table(path, settings)
    if not path.name.lower().endswith(FITS_ENDINGS):
        refuse_hdu(settings, f"{shown(path)} is none")
    arrays = open_arrays(path, settings)
    if arrays is not None:
        return _read_arrays(arrays, path, settings)
    if is_idx_images(path):
        return read_idx_file(path, settings)
    raise DataError(f"DATA can be {ACCEPTED}, but {shown(path)} is none of these: name another.")


def _read_arrays(arrays: Arrays, path: Path, settings: DataSettings) -> Collection:
    """A data set of arrays, whose columns are found by the names that they have in tables."""
    if settings.image_column in arrays and "images" not in arrays:
        arrays = {**arrays, "images": arrays[str(settings.image_column)]}
        arrays.pop(str(settings.image_column))
        settings = replace(settings, image_column=None)
    if "images" not in arrays:
        return read_named(arrays, path, settings)
    asked = (*settings.target, *settings.columns)

    def find(names: tuple[str, ...]) -> str | None:
        there = [name for name in arrays if name.lower() in names and name not in asked]
        return there[0] if len(there) == 1 else None

    group = settings.group_column or find(GROUP)
    split = settings.split_column or find(SPLIT)
    settings = replace(settings, group_column=group, split_column=split)
    others = [name for name in arrays if name not in ("images", group, split, *asked, *ABOUT)]
    if not settings.target:
        ending = path.suffix.lower()
        alone = others[0] if len(others) == 1 and ending not in (".npz", ".npy") else None
        target = find((*TARGET, *TARGETS)) or alone
        if target is not None:
            settings = replace(settings, target=(target,))
        elif ending == ".npy" or not (others or ending == ".npz"):
            table = f"{shown(path.name.partition('.')[0])}.csv"
            where = "labels.npy or targets.npy" if ending == ".npy" else table
            raise DataError(
                f"Targets were expected beside {shown(path)}, which holds images only, but there "
                f"is no {where} beside it: save one there with an entry for each image (--target "
                "names a column that is called otherwise). A trained network needs none: "
                f"firstlight predict RUN {shown(path)}."
            )
    unit = arrays["images"].unit
    return replace(read_named(arrays, path, settings), pixel_unit=shown(unit))


def _unknown(source: str, path: Path) -> DataError:
    beside = [entry.name for entry in path.parent.iterdir()] if path.parent.is_dir() else []
    near = difflib.get_close_matches(path.name, [*NAMES, *beside], n=3)
    hint = f" Did you mean {' or '.join(map(shown, near))}?" if near else ""
    return DataError(f"DATA can be {ACCEPTED}, but there is no {shown(source)}.{hint}")
