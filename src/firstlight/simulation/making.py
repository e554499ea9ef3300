"""A folder of simulated maps: made box by box on all cores, going on where it was stopped.

While it is made, `FOLDER/boxes/` holds a file for each finished box. In the end the folder holds
`images.npy` with all maps and an `.npy` file for each column, which any reader of arrays takes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from firstlight.core.errors import DataError
from firstlight.core.files import replacing, sweep, write_json
from firstlight.core.processes import perform_all
from firstlight.core.telling import tell
from firstlight.simulation.box_worker import WORKER
from firstlight.simulation.boxes import COLUMNS, Universe

RECORD, BOXES = "simulation.json", "boxes"
GROUP = "simulation"


@dataclass(frozen=True)
class Record:
    """What a reader has to know of a folder of maps.

    Attributes:
        telescope: through which they are to be seen.
        pixel: length of a pixel in Mpc.
    """

    telescope: str
    pixel: float


def make_maps(universe: Universe, folder: Path, telescope: str = "standard") -> None:
    """Simulate all boxes of a universe into a folder; boxes that are there already stay.

    Args:
        universe: what to simulate.
        folder: made where it is missing.
        telescope: through which the maps are seen unless their reader says otherwise; the maps
            themselves are those of the sky.

    Raises:
        DataError: the folder holds something else, another process writes it, or it cannot be
            written.

    Example:
        >>> import tempfile
        >>> place = Path(tempfile.mkdtemp(), "sky")
        >>> make_maps(Universe(boxes=1, cells=8, redshifts=(8.0,), slices=1), place)
        >>> is_whole(place), read_record(place).telescope
        (True, 'standard')
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _held(folder):
            _require_same(universe, folder)
            write_json(folder / RECORD, {"universe": asdict(universe), "telescope": telescope})
            if not is_whole(folder):
                _make(universe, folder)
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written ({error.strerror}): make room, or name another folder "
            "with --out."
        ) from error


def is_whole(folder: Path) -> bool:
    """Whether a folder holds a finished simulation."""
    return all((folder / f"{name}.npy").exists() for name in _arrays()) and (
        not (folder / BOXES).exists()
    )


def _arrays() -> tuple[str, ...]:
    return ("images", "groups", *(name for name in COLUMNS if name != GROUP))


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise DataError(
            f"another process simulates into {folder}: wait for it, or name another folder with "
            "--out."
        ) from None
    try:
        yield
    finally:
        lock.release()


def read_record(folder: Path) -> Record | None:
    """What a folder of maps holds; None where it is none, or not finished.

    Raises:
        DataError: its record is damaged.

    Example:
        >>> import tempfile
        >>> read_record(Path(tempfile.mkdtemp())) is None
        True
    """
    file = folder / RECORD
    if not file.is_file() or not is_whole(folder):
        return None
    try:
        known = json.loads(file.read_text())
        return Record(str(known["telescope"]), float(known["universe"]["cell"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"A record of a simulation was expected in {file}, but it is damaged ({error!r}): "
            "simulate again into another folder."
        ) from error


def _require_same(universe: Universe, folder: Path) -> None:
    """Refuse a folder that holds something else."""
    record = json.loads(json.dumps(asdict(universe)))
    file = folder / RECORD
    if file.exists():
        known = json.loads(file.read_text())["universe"]
        if known != record:
            other = [name for name in record if known.get(name) != record[name]]
            raise DataError(
                f"{folder} holds another simulation (its {', '.join(other)} differ): name another "
                "folder with --out, or take this one away."
            )
        return
    foreign = sorted(path.name for path in folder.iterdir() if path.name != "lock")
    if foreign:
        raise DataError(
            f"An empty folder was expected at {folder}, but it holds {foreign[0]}: name another "
            "with --out."
        )


def _make(universe: Universe, folder: Path) -> None:
    boxes = folder / BOXES
    boxes.mkdir(exist_ok=True)
    sweep(boxes)
    sweep(folder)
    files = [boxes / f"{number:05d}.npz" for number in range(universe.boxes)]
    missing = [number for number, file in enumerate(files) if not file.exists()]
    tasks: list[dict[str, Any]] = [
        {"universe": asdict(universe), "number": number, "path": str(file)}
        for number, file in enumerate(files)
    ]
    done = len(files) - len(missing)
    tell("simulating boxes", done, len(files))

    def more(count: int) -> None:
        nonlocal done
        done += count
        tell("simulating boxes", done, len(files))

    for _ in perform_all(WORKER, tasks, missing, more):
        pass
    _assemble(universe, folder, files)
    shutil.rmtree(boxes)


def _assemble(universe: Universe, folder: Path, files: list[Path]) -> None:
    """One array of all maps, and one of each column."""
    shape = (len(files) * universe.maps, universe.cells, universe.cells)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    with replacing(folder / "images.npy") as temporary:
        images = np.lib.format.open_memmap(temporary, "w+", np.float32, shape)
        for number, file in enumerate(files):
            with np.load(file, allow_pickle=False) as box:
                images[number * universe.maps : (number + 1) * universe.maps] = box["maps"]
                for name, values in columns.items():
                    values.append(box[name])
        images.flush()
        del images
    arrays = {name: np.concatenate(values) for name, values in columns.items()}
    arrays["groups"] = np.char.add("box ", arrays.pop(GROUP).astype(int).astype(str))
    for name, array in arrays.items():
        with replacing(folder / f"{name}.npy") as temporary, temporary.open("wb") as stream:
            np.save(stream, array)
