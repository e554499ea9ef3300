"""The verb that simulates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from firstlight.api.options import Listener
from firstlight.core.errors import SettingError
from firstlight.core.settings import SimulationSettings
from firstlight.core.telling import listening


def simulated() -> bool:
    """Whether there are maps in the user's cache, so that `reionisation` needs no simulation."""
    from firstlight.data import kept_maps

    return bool(kept_maps())


def simulate(
    what: str = "reionisation", *, progress: Listener | None = None, **settings: Any
) -> Path:
    """Simulate maps to learn to measure on: hydrogen in the early universe.

    Boxes that were finished before stay, so a simulation that was stopped goes on.

    Args:
        what: `reionisation`.
        progress: called with `{"kind": "reading", "what", "done", "total"}` after each box.
        **settings: as in `SimulationSettings` (`preset`, `boxes`, `cells`, `seed`, `out`).

    Returns:
        The folder with the maps: `images.npy` in mK `(N, cells, cells)`, and an `.npy` file for
        each column (`xHI`, the neutral fraction of the map; `z`, its redshift; ...). `train`,
        `load` and `explore` take it as their data.

    Raises:
        SettingError: there is nothing else to simulate, or a setting cannot have its value.
        DataError: the folder holds something else, or cannot be written.

    Example:
        >>> import tempfile, firstlight as fl
        >>> folder = fl.simulate(boxes=3, cells=16, out=tempfile.mkdtemp() + "/sky")
        >>> fl.load(folder, keep="xHI >= 0").train.images.shape
        (36, 16, 16, 1)
    """
    from firstlight.data import simulate_maps

    if what != "reionisation":
        raise SettingError(f"reionisation is what can be simulated, but {what!r} came: name that.")
    with listening(progress):
        return simulate_maps(SimulationSettings(**settings))
