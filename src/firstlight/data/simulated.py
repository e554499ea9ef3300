"""Maps that `firstlight simulate` made: found, and read as their record says."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from firstlight.core.cache import cache_folder, make_own_folder
from firstlight.core.settings import DataSettings, SimulationSettings
from firstlight.core.telescope import REDSHIFT

if TYPE_CHECKING:
    from firstlight.simulation import Record

REIONISATION = "reionisation"
# As `simulation.RECORD`: that room is imported where there is something to simulate or a record
# to read, since SciPy's integration, which it needs, takes longer than reading MNIST.
RECORD = "simulation.json"
QUICK_BOXES, BOXES = 24, 100
QUICK_TELESCOPE = "standard"
# A map that is neutral or ionised throughout tells no more than that.
KEEP = "0.01 < xHI < 0.99"


def simulate_maps(settings: SimulationSettings) -> Path:
    """Simulate maps of reionisation, or find those that are there already.

    Returns:
        The folder that holds them.

    Raises:
        DataError: the folder holds something else, or cannot be written.

    Example:
        >>> import tempfile
        >>> from firstlight.data import load_dataset
        >>> from firstlight.core.settings import DataSettings
        >>> place = tempfile.mkdtemp() + "/sky"
        >>> folder = simulate_maps(SimulationSettings(boxes=3, cells=16, out=place))
        >>> load_dataset(folder, DataSettings(), 0).image_shape
        (16, 16, 1)
    """
    from firstlight.simulation import Universe, make_maps

    quick = settings.preset == "quick"
    universe = Universe(
        boxes=settings.boxes or (QUICK_BOXES if quick else BOXES),
        cells=settings.cells,
        seed=settings.seed,
    )
    if settings.out is not None:
        folder = Path(settings.out).expanduser()
    else:
        text = json.dumps(asdict(universe), sort_keys=True)
        folder = _place() / hashlib.sha256(text.encode()).hexdigest()[:16]
        make_own_folder(folder, cache_folder(), "--out")
    make_maps(universe, folder, QUICK_TELESCOPE if quick else settings.preset)
    return folder


def newest_maps() -> Path:
    """The maps in the cache that were asked for last; `quick` ones are simulated where none are."""
    whole = kept_maps()
    if not whole:
        return simulate_maps(SimulationSettings(preset="quick"))
    return max(whole, key=lambda folder: (folder / RECORD).stat().st_mtime_ns)


def kept_maps() -> list[Path]:
    """The folders of maps in the cache that are finished."""
    there = [file.parent for file in _place().glob(f"*/{RECORD}")]
    return [folder for folder in there if _record_of(folder) is not None]


def as_recorded(folder: Path, settings: DataSettings) -> DataSettings:
    """Settings for reading a folder, filled in where it holds simulated maps.

    Where the user does not say otherwise, the neutral fraction of the map is measured, maps that
    are neutral or ionised throughout are left out, the redshift enters beside the map, and the
    telescope is that of the simulation.
    """
    record = _record_of(folder)
    if record is None:
        return settings
    return replace(
        settings,
        target=settings.target or ("xHI",),
        keep=settings.keep or KEEP,
        side=settings.side or (REDSHIFT,),
        bounds=settings.bounds or (("xHI=0:1",) if settings.target in ((), ("xHI",)) else ()),
        telescope=settings.telescope or record.telescope,
        pixel=settings.pixel or record.pixel,
    )


def unit_of(folder: Path) -> str:
    """The unit of the pixels of a folder; "" where it holds no simulated maps."""
    return "mK" if _record_of(folder) is not None else ""


def name_of(folder: Path) -> str | None:
    """What maps in the cache are called, whose folder has a number for a name."""
    return REIONISATION if folder.parent == _place() else None


def _record_of(folder: Path) -> Record | None:
    if not (folder / RECORD).is_file():
        return None
    from firstlight.simulation import read_record

    return read_record(folder)


def _place() -> Path:
    return cache_folder() / REIONISATION
