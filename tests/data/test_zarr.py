"""Zarr folders, written by zarr, harmless and hostile."""

from __future__ import annotations

import gzip
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from numcodecs import GZip, Zlib, Zstd
from zarr.codecs import BloscCodec, GzipCodec, ZstdCodec

from firstlight.core.errors import DataError, MissingExtraError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection, read_images
from firstlight.data.zarr_arrays import zarr_arrays

RNG = np.random.default_rng(8)
IMAGES = RNG.integers(0, 65536, (12, 6, 5), np.uint16)


def store(path: Path, version: int = 3, home: str = "", **how: Any) -> Path:
    group = zarr.open_group(path, mode="w", zarr_format=version)
    home = f"{home}/" if home else ""
    group.create_array(f"{home}images", data=IMAGES, chunks=(5, 4, 5), **how)
    group.create_array(f"{home}labels", data=np.arange(12) % 2)
    group[f"{home}labels"].attrs["classes"] = ["spiral", "merger"]
    group.create_array(f"{home}mass", data=np.arange(12) / 8)
    group[f"{home}mass"].attrs["units"] = "Msun"
    return path


@pytest.mark.parametrize(
    ("version", "how"),
    [
        (2, {}),
        (2, {"compressors": Zlib()}),
        (2, {"compressors": GZip()}),
        (2, {"compressors": Zstd()}),
        (2, {"compressors": None, "order": "F"}),
        (3, {}),
        (3, {"compressors": [BloscCodec()]}),
        (3, {"compressors": [GzipCodec()]}),
        (3, {"compressors": [ZstdCodec(level=5)]}),
        (3, {"compressors": []}),
    ],
)
def test_images_with_their_columns(version: int, how: dict[str, Any], tmp_path: Path) -> None:
    path = store(tmp_path / "galaxies.zarr", version, **how)
    found = read_collection(path)
    assert (found.name, found.classes) == ("galaxies", ("merger", "spiral"))
    assert [found.classes[k] for k in found.everything.targets[:2]] == ["spiral", "merger"]
    assert found.everything.images.dtype == np.uint16
    np.testing.assert_array_equal(found.everything.images[..., 0], IMAGES)
    measured = read_collection(path, DataSettings(target=("mass",)))
    assert (measured.target_names, measured.target_units) == (("mass",), ("Msun",))
    np.testing.assert_array_equal(measured.everything.targets[:, 0], np.arange(12) / 8)


def test_texts_groups_and_images_on_disk(tmp_path: Path) -> None:
    path = store(tmp_path / "sky.zarr", 2, home="data", compressors=None)
    group = zarr.open_group(path)
    group.create_array("data/field", data=np.array([f"field {k // 4}" for k in range(12)]))
    disk = DataSettings(
        group_column="field", memory="1MB", shards=str(tmp_path / "shards"), target=("mass",)
    )
    found = read_collection(path, disk)
    np.testing.assert_array_equal(found.everything.images[:][..., 0], IMAGES)
    assert found.everything.groups is not None
    assert found.everything.groups.tolist() == [f"field {k // 4}" for k in range(12)]
    # Other chunks are other images: what lies on disk of the old ones is not taken for them.
    chunk = path / "data" / "images" / "0.0.0"
    chunk.write_bytes(bytes(chunk.stat().st_size))
    changed = IMAGES.copy()
    changed[:5, :4] = 0
    found = read_collection(path, disk)
    np.testing.assert_array_equal(found.everything.images[:][..., 0], changed)
    images, names, _, _, _ = read_images(path, (6, 5, 1), dtype=np.uint16)
    np.testing.assert_array_equal(images[..., 0], changed)
    assert names[3] == "sky.zarr[3]"


def test_without_zarr_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store(tmp_path / "a.zarr")
    monkeypatch.setitem(sys.modules, "zarr", None)
    with pytest.raises(MissingExtraError, match=r'pip install "firstlight\[zarr\]"'):
        read_collection(path)


def test_links_are_refused(tmp_path: Path) -> None:
    secret = store(tmp_path / "secret.zarr")
    path = store(tmp_path / "a.zarr")
    os.symlink(secret / "images", path / "other")
    with pytest.raises(DataError, match=r"other is a link or a device"):
        zarr_arrays(path)


def change(path: Path, **what: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | what))


def test_codecs_that_are_programs(tmp_path: Path) -> None:
    old = store(tmp_path / "old.zarr", 2) / "images" / ".zarray"
    for what in (
        {"filters": [{"id": "pickle", "protocol": 5}], "dtype": "|O"},
        {"filters": [{"id": "delta", "dtype": "<u2"}]},
        {"compressor": {"id": "pickle"}},
        {"dtype": [["a", "<f4"]]},
    ):
        before = old.read_text()
        change(old, **what)
        with pytest.raises(DataError, match=r"images in .* is stored in a way that is not read"):
            zarr_arrays(old.parent.parent)
        old.write_text(before)
    new = store(tmp_path / "new.zarr") / "images" / "zarr.json"
    codecs = json.loads(new.read_text())["codecs"]
    for what in (
        {"codecs": [*codecs, {"name": "numcodecs.pickle"}]},
        {"codecs": [{"name": "numcodecs.pickle"}]},
        {"codecs": [*codecs, codecs[-1]]},
        {"codecs": [{"name": "sharding_indexed", "configuration": {"codecs": []}}]},
        {"data_type": "variable_length_utf8"},
        {"storage_transformers": [{"name": "x"}]},
    ):
        before = new.read_text()
        change(new, **what)
        with pytest.raises(DataError, match=r"images in .* is stored in a way that is not read"):
            zarr_arrays(new.parent.parent)
        new.write_text(before)


def test_the_description_of_the_whole_folder_does_not_count(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr")
    with pytest.warns(UserWarning, match="Consolidated metadata"):
        zarr.consolidate_metadata(path)
    whole = json.loads((path / "zarr.json").read_text())
    inner = whole["consolidated_metadata"]["metadata"]["images"]
    inner["codecs"] = [{"name": "numcodecs.pickle"}]
    inner["shape"] = [1, 1, 1]
    (path / "zarr.json").write_text(json.dumps(whole))
    np.testing.assert_array_equal(zarr_arrays(path)["images"](), IMAGES)


@pytest.mark.parametrize("how", [Zstd(), GZip(), Zlib(), "blosc"])
def test_chunks_that_unpack_to_too_much(how: Any, tmp_path: Path) -> None:
    compressors = {} if how == "blosc" else {"compressors": how}
    path = store(tmp_path / "a.zarr", 2, **compressors)
    bomb = zarr.open_group(tmp_path / "bomb.zarr", mode="w", zarr_format=2)
    bomb.create_array("x", data=np.ones(1 << 20, "u1"), chunks=(1 << 20,), **compressors)
    (path / "images" / "1.0.0").write_bytes((tmp_path / "bomb.zarr" / "x" / "0").read_bytes())
    with pytest.raises(DataError, match="unpacks to more data than its size has room for"):
        zarr_arrays(path)["images"]()


@pytest.mark.parametrize("codec", [Zstd(checksum=True), GZip()])
def test_a_second_packed_piece_behind_the_first(codec: Any, tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", 2, compressors=codec)
    chunk = path / "images" / "1.0.0"
    small, large = chunk.read_bytes(), codec.encode(bytes(1 << 20))
    for content in (small + large, large + small):
        chunk.write_bytes(content)
        with pytest.raises(DataError, match="unpacks to more data than its size has room for"):
            zarr_arrays(path)["images"]()


def test_damaged_and_huge_folders(tmp_path: Path) -> None:
    path = store(tmp_path / "a.zarr", 2)
    chunk = path / "images" / "0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:-60])
    with pytest.raises(DataError, match=r"images in .*a\.zarr: a chunk is cut off"):
        zarr_arrays(path)["images"]()
    other = store(tmp_path / "b.zarr", 2, compressors=Zstd())
    (other / "images" / "0.0.0").write_bytes((other / "images" / "0.0.0").read_bytes()[:-60])
    with pytest.raises(DataError, match=r"images in .*b\.zarr: a chunk is cut off"):
        zarr_arrays(other)["images"]()
    change(path / "images" / ".zarray", shape=[1 << 40, 6, 5])
    with pytest.raises(DataError, match=r"images in .*a\.zarr would take"):
        zarr_arrays(path)["images"]()
    change(path / "images" / ".zarray", shape=[12, 6, 5], chunks=[1 << 40, 6, 5])
    with pytest.raises(DataError, match=r"A chunk of the array images in .* would take"):
        zarr_arrays(path)["images"]()
    for wrong in ({"shape": [12, -6, 5]}, {"shape": [12, 6]}, {"chunks": [0, 6, 5]}):
        change(path / "images" / ".zarray", **({"shape": [12, 6, 5], "chunks": [5, 4, 5]} | wrong))
        with pytest.raises(DataError, match=r"description of images in .* is damaged"):
            zarr_arrays(path)
    (path / "images" / ".zarray").write_bytes(gzip.compress(b"{}"))
    with pytest.raises(DataError, match=r"The description of .* is damaged"):
        zarr_arrays(path)
