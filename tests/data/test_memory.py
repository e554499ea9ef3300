from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import memory, read_collection, split_collection

STAT = "anon 600\ninactive_file 300\nactive_file 50\n"
STAT_1 = "inactive_file 7\ntotal_inactive_file 300\ntotal_active_file 50\n"


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"memory.max": "1000\n", "memory.current": "900\n", "memory.stat": STAT}, 450),
        ({"memory.max": "max\n", "memory.current": "900\n", "memory.stat": STAT}, None),
        (
            {
                "memory/memory.limit_in_bytes": "2000\n",
                "memory/memory.usage_in_bytes": "900\n",
                "memory/memory.stat": STAT_1,
            },
            1450,
        ),
        ({}, None),
    ],
)
def test_a_container_limit_counts(
    files: dict[str, str], free: int | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(memory, "CONTROL_GROUPS", tmp_path)
    monkeypatch.setattr(memory, "_machine_memory", lambda: 10_000)
    assert memory.available_memory() == (10_000 if free is None else free)
    monkeypatch.setattr(memory, "_machine_memory", lambda: 100)
    assert memory.available_memory() == 100


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Say how many bytes are free."""
    return lambda size: monkeypatch.setattr(memory, "available_memory", lambda: size)


def test_a_small_parquet_table_of_many_rows(tmp_path: Path, free: Callable) -> None:
    # A dictionary and runs: the rows take nearly no bytes.
    pq.write_table(
        pa.table({"image": ["a.png"] * 2_000_000, "label": ["x"] * 2_000_000}),
        tmp_path / "t.parquet",
    )
    assert (tmp_path / "t.parquet").stat().st_size < 20_000
    free(1_000_000_000)
    with pytest.raises(DataError, match=r"The table .*t\.parquet would take 3\.\d GB"):
        read_collection(tmp_path / "t.parquet")


@pytest.mark.parametrize("packed", [False, True])
def test_a_long_text_that_repeats(packed: bool, tmp_path: Path, free: Callable) -> None:
    texts = pa.array(["x" * 20_000] * 2_000)
    texts = texts.dictionary_encode() if packed else texts
    pq.write_table(pa.table({"image": texts, "label": texts}), tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 200_000
    free(20_000_000)
    with pytest.raises(DataError, match=r"The table .*t\.parquet would take 0\.0 GB"):
        read_collection(tmp_path / "t.parquet")


def test_the_rows_of_a_csv_count(tmp_path: Path, free: Callable) -> None:
    (tmp_path / "t.csv").write_text("image,label\n" + "a,x\n" * 10_000)
    free(12_000_000)
    with pytest.raises(DataError, match=r"The table .*t\.csv would take 0\.0 GB"):
        read_collection(tmp_path / "t.csv")


def test_a_csv_table_that_is_too_large(tmp_path: Path, free: Callable) -> None:
    (tmp_path / "t.csv").write_text("image,label\n" + "a.png,x\n" * 10_000)
    free(2_000_000)
    with pytest.raises(DataError, match=r"The table .*t\.csv would take 0\.0 GB"):
        read_collection(tmp_path / "t.csv")


def test_the_copies_count(class_folder: Path, tmp_path: Path, free: Callable) -> None:
    """Room for the images alone is not enough: the parts of the split are copies."""
    pixels = 20 * 6 * 5
    free(2 * pixels)
    with pytest.raises(DataError, match="20 images of 6 x 5 x 1"):
        read_collection(class_folder)
    np.savez(tmp_path / "a.npz", images=np.zeros((9, 30, 30), np.uint8), labels=np.arange(9) % 2)
    free(2 * 8100)
    with pytest.raises(DataError, match=r"The array images\.npy in "):
        read_collection(tmp_path / "a.npz")
    free(3 * pixels)
    found = read_collection(class_folder)
    free(pixels)
    with pytest.raises(DataError, match="The three parts of pets"):
        split_collection(found, DataSettings(), 0)
