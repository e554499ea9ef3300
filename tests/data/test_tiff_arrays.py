"""TIFF files of several pages, by tifffile's writer and by Pillow's."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection, read_images
from firstlight.data.tiff_arrays import tiff_arrays

RNG = np.random.default_rng(7)
STACK = RNG.integers(0, 65536, (10, 6, 5), np.uint16)


def labelled(path: Path) -> Path:
    path.with_suffix(".csv").write_text("\n".join(["label", *"ab" * 5]))
    return path


@pytest.mark.parametrize(
    ("dtype", "how"),
    [
        *((dtype, {}) for dtype in ("u1", "u2", "f4", "f8", "i4")),
        *((dtype, {"imagej": True}) for dtype in ("u1", "u2", "f4")),
        *((dtype, {"compression": "zlib"}) for dtype in ("u1", "f4")),
        *((dtype, {"tile": (16, 16), "byteorder": ">"}) for dtype in ("u2", "f8")),
    ],
)
def test_a_stack_with_a_table_beside_it(dtype: str, how: dict, tmp_path: Path) -> None:
    array = STACK.astype(dtype)
    path = labelled(tmp_path / "cells.tif")
    tifffile.imwrite(path, array, photometric="minisblack", **how)
    found = read_collection(path)
    kept = dtype if array.dtype.str[1:] in ("u1", "u2") else "f4"
    assert found.everything.images.dtype == kept
    np.testing.assert_array_equal(found.everything.images[..., 0], array.astype(kept))
    assert found.everything.targets.tolist() == [0, 1] * 5
    assert found.everything.names[9] == "images[9]"


def test_a_stack_by_pillow(tmp_path: Path) -> None:
    pages = [Image.fromarray(page) for page in STACK]
    path = labelled(tmp_path / "cells.tiff")
    pages[0].save(path, save_all=True, append_images=pages[1:])
    np.testing.assert_array_equal(read_collection(path).everything.images[..., 0], STACK)


def test_channels(tmp_path: Path) -> None:
    colours = RNG.integers(0, 256, (10, 6, 5, 3), np.uint8)
    path = labelled(tmp_path / "colours.tif")
    tifffile.imwrite(path, colours, photometric="rgb")
    np.testing.assert_array_equal(read_collection(path).everything.images, colours)
    planes = RNG.normal(size=(10, 7, 6, 5)).astype("f4")
    tifffile.imwrite(path, planes, photometric="minisblack", planarconfig="separate")
    found = read_collection(path).everything.images
    np.testing.assert_array_equal(found, planes.transpose(0, 2, 3, 1))


def test_gaps_and_images_on_disk(tmp_path: Path) -> None:
    poisoned = STACK.astype("f4")
    poisoned[3, 2, 1] = np.nan
    path = labelled(tmp_path / "gaps.tif")
    tifffile.imwrite(path, poisoned, photometric="minisblack", compression="zlib")
    with pytest.raises(DataError, match=r"holds nan at index \[3, 2, 1, 0\]"):
        read_collection(path)
    poisoned[3, 2, 1] = np.nanmean(poisoned[3].astype("f8"))
    found = read_collection(path, DataSettings(gaps="mean"))
    np.testing.assert_array_equal(found.everything.images[..., 0], poisoned)
    disk = DataSettings(gaps="mean", memory="1MB", shards=str(tmp_path / "shards"))
    kept = read_collection(path, disk).everything.images[:]
    np.testing.assert_array_equal(kept[..., 0], poisoned)


def test_input_of_predict(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", STACK[:3], photometric="minisblack")
    tifffile.imwrite(tmp_path / "one.tif", STACK[4])
    images, names, refused, _, _ = read_images(
        [tmp_path / "one.tif", tmp_path / "stack.tif"], (6, 5, 1), dtype=np.uint16
    )
    np.testing.assert_array_equal(images[..., 0], STACK[[4, 0, 1, 2]])
    assert names.tolist() == [str(tmp_path / "one.tif"), *(f"stack.tif[{k}]" for k in range(3))]
    assert refused == ()


def test_files_that_are_refused(tmp_path: Path) -> None:
    path = labelled(tmp_path / "bad.tif")
    with tifffile.TiffWriter(path) as file:
        file.write(STACK[0])
        file.write(STACK[0][:4])
    with pytest.raises(
        DataError, match=r"Page 1 of .* is 4 x 5 x 1 uint16, but the first is 6 x 5"
    ):
        tiff_arrays(path)["images"]()
    tifffile.imwrite(path, STACK, imagej=True, truncate=True, photometric="minisblack")
    with pytest.raises(DataError, match="behind one page: save each image as a page"):
        tiff_arrays(path)
    path.write_bytes(b"II*\0" + b"\xff" * 40)
    with pytest.raises(DataError, match=r"TIFF file .*bad\.tif is damaged"):
        tiff_arrays(path)
    tifffile.imwrite(path, STACK, photometric="minisblack")
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(DataError, match="or fetch it again, if it is cut off"):
        tiff_arrays(path)
    tifffile.imwrite(path, STACK, photometric="minisblack", compression="zlib")
    with tifffile.TiffFile(path) as file:
        page = file.pages[7]
        start, count = page.dataoffsets[0], page.databytecounts[0]
    content = bytearray(path.read_bytes())
    content[start : start + count] = bytes(count)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"TIFF file .*bad\.tif is damaged"):
        tiff_arrays(path)["images"]()


def test_a_strip_that_unpacks_without_end(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, np.zeros((2, 6, 5), "u2"), compression="zlib", photometric="minisblack")
    content = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tag = file.pages[1].tags["StripByteCounts"]
        place = file.pages[1].tags["StripOffsets"]
    bomb = zlib.compress(bytes(1 << 20))
    for entry, value in ((tag, len(bomb)), (place, len(content))):
        size = {3: 2, 4: 4}[entry.dtype]
        content[entry.valueoffset : entry.valueoffset + size] = value.to_bytes(size, "little")
    path.write_bytes(content + bomb)
    with pytest.raises(DataError, match=r"Page 1 of .* unpacks to more data than its size"):
        tiff_arrays(path)["images"]()
