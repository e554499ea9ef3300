"""Small sources of images, written by other means than the code under test."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from firstlight.core import processes
from firstlight.core.dataset import Dataset
from firstlight.core.settings import DataSettings
from firstlight.data import converting, load_dataset

IDX_CODES = {"u1": 8, "i1": 9, "i2": 11, "i4": 12, "f4": 13, "f8": 14}


@pytest.fixture
def idx_bytes() -> Callable[[NDArray[Any]], bytes]:
    def make(array: NDArray[Any]) -> bytes:
        head = bytes([0, 0, IDX_CODES[array.dtype.str[1:]], array.ndim])
        lengths = struct.pack(f">{array.ndim}I", *array.shape)
        return head + lengths + array.astype(array.dtype.newbyteorder(">")).tobytes()

    return make


@pytest.fixture
def save() -> Callable[..., Path]:
    """Save an array or a Pillow image as a picture file, folders included."""

    def make(path: Path, picture: Any, **options: Any) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
        image.save(path, **options)
        return path

    return make


@pytest.fixture
def class_folder(tmp_path: Path, save: Callable[..., Path]) -> Path:
    """Two classes, `cat` and `dog`, of ten grey 6 x 5 pictures that are all different."""
    rng = np.random.default_rng(1)
    for label in ("cat", "dog"):
        for k in range(10):
            pixels = rng.integers(0, 256, (6, 5), np.uint8)
            save(tmp_path / "pets" / label / f"{k}.png", pixels)
    return tmp_path / "pets"


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of a few images, made in this process."""
    monkeypatch.setattr(converting, "SHARD_BYTES", 4 * 6 * 5)
    monkeypatch.setattr(processes, "usable_cores", lambda: 1)


@pytest.fixture
def on_disk(tmp_path: Path) -> Callable[..., Dataset]:
    """Load a source with its images on disk, in `shards` beside it."""

    def load(source: Path, **settings: Any) -> Dataset:
        progress = settings.pop("progress", None)
        asked = DataSettings(memory="1MB", shards=str(tmp_path / "shards"), **settings)
        return load_dataset(source, asked, 3, progress)

    return load
