"""Cubes of 21cmFAST 4.3.1 (Mesinger, Furlanetto & Cen 2011; Murray et al. 2020) to compare with."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

FILE = Path(__file__).parent / "reference_cubes.npz"


@pytest.fixture(scope="session")
def reference():
    """Three cubes of 64^3 cells of 2 Mpc, each of other matter, at redshifts 9, 8 and 8."""
    with np.load(FILE, allow_pickle=False) as stored:
        return [
            SimpleNamespace(
                density=stored[f"delta_{number}"].astype(np.float32),
                neutral=stored[f"neutral_{number}"] / np.float32(255),
                sky=stored[f"sky_{number}"].astype(np.float32),
                redshift=float(stored[f"redshift_{number}"]),
                radius=float(stored[f"radius_{number}"]),
            )
            for number in (1, 3, 9)
        ]
