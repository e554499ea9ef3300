"""Data sets of FITS files: class folders, stacks, tables."""

from __future__ import annotations

import gzip
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from made_fits import PLANE, RNG, STACK, by_hand, cards, written
from numpy.typing import NDArray
from PIL import Image

from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection, read_images


def test_class_folders_never_through_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label, value in (("quiet", 3), ("flare", 900)):
        folder = tmp_path / "sun" / label
        folder.mkdir(parents=True)
        for k, ending in enumerate(("fits", "fit", "fts", "fits.gz")):
            content = written(np.full((4, 5), value + k, np.uint16))
            (folder / f"{k}.{ending}").write_bytes(
                gzip.compress(content) if ending.endswith("gz") else content
            )
    (tmp_path / "sun" / "quiet" / "bad.fits").write_bytes(b"SIMPLE  =")
    monkeypatch.setattr(Image, "open", lambda *args, **kwargs: pytest.fail("opened by Pillow"))
    found = read_collection(tmp_path / "sun")
    assert found.everything.images.dtype == np.uint16
    names = ["flare/0.fits", "flare/1.fit", "flare/2.fts", "flare/3.fits.gz"]
    assert found.everything.names.tolist() == names + [n.replace("flare", "quiet") for n in names]
    expected = [900, 901, 902, 903, 3, 4, 5, 6]
    assert found.everything.images[:, 0, 0, 0].tolist() == expected
    assert found.classes == ("flare", "quiet")
    assert [(item.file, item.reason) for item in found.refused] == [
        ("quiet/bad.fits", "is cut off within its first header")
    ]


@pytest.fixture
def sky(tmp_path: Path) -> Path:
    """Twelve maps `(N, H, W)` and a table of their numbers in one file."""
    rows = np.zeros(12, [("XHI", "f8"), ("label", "i4"), ("simulation", "U6"), ("pair", "f4", 2)])
    rows["XHI"], rows["label"] = np.arange(12) / 16, np.arange(12) % 2
    rows["simulation"] = [f"box {k // 3}" for k in range(12)]
    table = fits.BinTableHDU(rows, name="LABELS")
    table.columns["XHI"].unit = "1"
    other = fits.BinTableHDU(np.zeros(3, [("label", "i4")]))
    maps = fits.PrimaryHDU(STACK)
    maps.header["BUNIT"] = "mK"
    (tmp_path / "sky.fits").write_bytes(written(maps, table, other))
    return tmp_path / "sky.fits"


def test_a_stack_with_its_targets_in_a_table(sky: Path) -> None:
    found = read_collection(sky)
    assert (found.task, found.classes, found.name) == ("classify", ("0", "1"), "sky")
    assert found.everything.targets.tolist() == [0, 1] * 6
    assert found.everything.images.dtype == np.uint16
    np.testing.assert_array_equal(found.everything.images[..., 0], STACK)
    assert found.everything.names[3] == "images[3]"
    assert found.pixel_unit == "mK"
    measured = read_collection(sky, DataSettings(target=("XHI",)))
    assert (measured.target_names, measured.target_units) == (("XHI",), ("1",))
    np.testing.assert_array_equal(measured.everything.targets[:, 0], np.arange(12) / 16)
    assert measured.everything.groups is not None
    assert measured.everything.groups.tolist() == [f"box {k // 3}" for k in range(12)]


def test_columns_of_any_length_are_passed_over(tmp_path: Path) -> None:
    """Their rows say how many numbers lie where; these say a billion."""
    head = {"XTENSION": "'BINTABLE'", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 12, "NAXIS2": 4}
    head |= {"PCOUNT": 0, "GCOUNT": 1, "TFIELDS": 2, "TTYPE1": "'label'", "TFORM1": "'J'"}
    head |= {"TTYPE2": "'list'", "TFORM2": "'PJ'"}
    rows = b"".join(struct.pack(">iii", k % 2, 1 << 30, k) for k in range(4))
    content = by_hand(cards(8, 2, 2, 4), bytes(range(16))) + by_hand(head, rows)
    (tmp_path / "a.fits").write_bytes(content)
    assert read_collection(tmp_path / "a.fits").everything.targets.tolist() == [0, 1, 0, 1]
    with pytest.raises(DataError, match="called list was expected"):
        read_collection(tmp_path / "a.fits", DataSettings(target=("list",)))


def test_columns_of_a_fits_table_in_capitals(tmp_path: Path) -> None:
    rows = np.zeros(12, [("CLASS", "U4"), ("POINTING", "i4"), ("SPLIT", "U5"), ("FLUX", "f4")])
    rows["CLASS"], rows["POINTING"] = ["star", "hole"] * 6, np.arange(12) // 4
    rows["SPLIT"] = ["train"] * 8 + ["test"] * 4
    (tmp_path / "a.fits").write_bytes(written(fits.PrimaryHDU(STACK), fits.BinTableHDU(rows)))
    found = read_collection(tmp_path / "a.fits")
    assert found.classes == ("hole", "star")
    assert found.parts.tolist() == ["train"] * 8 + ["test"] * 4
    assert found.everything.groups is not None
    assert found.everything.groups.tolist() == [str(k // 4) for k in range(12)]
    # A column that is the target is not what the images are grouped by.
    measured = read_collection(tmp_path / "a.fits", DataSettings(target=("POINTING",)))
    assert measured.everything.groups is None


def test_a_table_made_by_hand(tmp_path: Path) -> None:
    """Four rows of a text of five characters, filled with spaces, and a big-endian number."""
    image = by_hand(cards(8, 2, 2, 4), bytes(range(16)))
    head = {"XTENSION": "'BINTABLE'", "BITPIX": 8, "NAXIS": 2, "NAXIS1": 9, "NAXIS2": 4}
    head |= {"PCOUNT": 0, "GCOUNT": 1, "TFIELDS": 2, "TTYPE1": "'label'", "TFORM1": "'5A'"}
    head |= {"TTYPE2": "'size'", "TFORM2": "'J'", "TUNIT2": "'mm'"}
    rows = [(b"cat  ", 1), (b"dog  ", 2), (b"horse", 3), (b"cat  ", 70_000)]
    table = b"".join(text + number.to_bytes(4, "big") for text, number in rows)
    (tmp_path / "a.fits").write_bytes(image + by_hand(head, table))
    found = read_collection(tmp_path / "a.fits")
    assert found.classes == ("cat", "dog", "horse")
    assert found.everything.targets.tolist() == [0, 1, 2, 0]
    assert found.everything.images[2, :, :, 0].tolist() == [[8, 9], [10, 11]]
    sizes = read_collection(tmp_path / "a.fits", DataSettings(target=("size",), task="measure"))
    assert sizes.everything.targets[:, 0].tolist() == [1, 2, 3, 70_000]
    assert sizes.target_units == ("mm",)


def test_a_stack_with_a_table_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "sky.fits.gz"
    path.write_bytes(gzip.compress(written(fits.ImageHDU(STACK.astype("f4"), name="MAPS"))))
    with pytest.raises(DataError, match=r"holds images only, but there is no sky\.csv beside it"):
        read_collection(path)
    lines = [f"{k / 8},{k}" for k in range(12)]
    (tmp_path / "sky.csv").write_text("\n".join(["temperature [kK],field", *lines]))
    found = read_collection(path, DataSettings(target=("temperature",)))
    assert (found.name, found.target_names, found.target_units) == (
        "sky",
        ("temperature",),
        ("kK",),
    )
    np.testing.assert_array_equal(found.everything.targets[:, 0], np.arange(12) / 8)
    np.testing.assert_array_equal(found.everything.images[..., 0], STACK)
    (tmp_path / "sky.csv").write_text("\n".join(["kind", *"abababababa"]))
    with pytest.raises(DataError, match="12 images and 11 targets"):
        read_collection(path)
    (tmp_path / "sky.csv").write_text("\n".join(["kind,x", *["a,1"] * 11, ",1"]))
    with pytest.raises(DataError, match=r"kind in .*sky\.csv, but row 12 has none"):
        read_collection(path, DataSettings(target=("kind",)))
    (tmp_path / "sky.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"One table .*sky\.csv and sky\.parquet"):
        read_collection(path)


def test_a_stack_kept_on_disk_is_the_same(sky: Path, tmp_path: Path) -> None:
    settings = DataSettings(memory="1MB", shards=str(tmp_path / "shards"))
    found = read_collection(sky, settings)
    np.testing.assert_array_equal(found.everything.images[:][..., 0], STACK)
    poisoned = STACK.astype("f4")
    poisoned[4, 1, 2] = np.nan
    (tmp_path / "gaps.fits").write_bytes(written(poisoned))
    (tmp_path / "gaps.csv").write_text("\n".join(["label", *"ab" * 6]))
    with pytest.raises(DataError, match=r"image 4 of HDU 1 of .*gaps\.fits holds nan"):
        read_collection(tmp_path / "gaps.fits", settings)
    filled = []
    for memory, shards in ((None, None), ("1MB", str(tmp_path / "shards"))):
        kept = DataSettings(gaps="mean", memory=memory, shards=shards)
        for _ in range(2):  # the second time from finished shards
            found = read_collection(tmp_path / "gaps.fits", kept)
            filled.append(found.everything.images[:][4, :, :, 0])
            note = next(note for note in found.notes if "without a number" in note)
            assert note.startswith("1 pixel without a number in 1 image was filled with the mean")
    expected = poisoned[4].copy()
    expected[1, 2] = np.nanmean(poisoned[4].astype(np.float64))
    for image in filled:
        np.testing.assert_array_equal(image, expected)


def test_channels_in_front(tmp_path: Path) -> None:
    cube: NDArray[Any] = RNG.integers(0, 99, (10, 3, 6, 7)).astype("f4")
    (tmp_path / "cube.fits").write_bytes(written(cube))
    (tmp_path / "cube.csv").write_text("\n".join(["label", *"ab" * 5]))
    with pytest.raises(DataError, match="channels in front: say so with --axes NCHW"):
        read_collection(tmp_path / "cube.fits")
    found = read_collection(tmp_path / "cube.fits", DataSettings(axes="nchw"))
    np.testing.assert_array_equal(found.everything.images, cube.transpose(0, 2, 3, 1))
    images, names, _, _, _ = read_images(
        tmp_path / "cube.fits", (6, 7, 3), DataSettings(axes="NCHW"), np.float32
    )
    np.testing.assert_array_equal(images, found.everything.images)
    assert names[9] == "cube.fits[9]"


def test_input_of_predict(tmp_path: Path) -> None:
    (tmp_path / "stack.fits").write_bytes(written(STACK[:3]))
    (tmp_path / "one.fits").write_bytes(written(STACK[5]))
    sources = [tmp_path / "one.fits", tmp_path / "stack.fits"]
    images, names, refused, _, _ = read_images(sources, (4, 5, 1), dtype=np.uint16)
    np.testing.assert_array_equal(images[..., 0], STACK[[5, 0, 1, 2]])
    assert names[1:].tolist() == ["stack.fits[0]", "stack.fits[1]", "stack.fits[2]"]
    assert refused == ()
    # A network that was trained on three channels is given one picture of three planes.
    images, names, _, _, _ = read_images(tmp_path / "stack.fits", (4, 5, 3), dtype=np.uint16)
    np.testing.assert_array_equal(images[0], STACK[:3].transpose(1, 2, 0))
    assert len(names) == 1
    poisoned = np.where(np.eye(4, 5, dtype=bool), np.nan, 7)
    (tmp_path / "gaps.fits").write_bytes(written(poisoned))
    images, _, _, _, _ = read_images(
        tmp_path / "gaps.fits", (4, 5, 1), DataSettings(gaps="mean"), np.float32
    )
    assert np.unique(images).tolist() == [7]


def test_a_table_of_fits_files(tmp_path: Path) -> None:
    for k in range(6):
        unit = fits.ImageHDU(STACK[k], name="SCI")
        (tmp_path / f"{k}.fits").write_bytes(written(fits.ImageHDU(STACK[k] // 2), unit))
    lines = [f"{k}.fits,{k / 4}" for k in range(6)]
    (tmp_path / "t.csv").write_text("\n".join(["image,z", *lines]))
    found = read_collection(tmp_path / "t.csv", DataSettings(hdu="SCI"))
    np.testing.assert_array_equal(found.everything.images[..., 0], STACK[:6])
    np.testing.assert_array_equal(found.everything.targets[:, 0], np.arange(6) / 4)
    disk = DataSettings(hdu="SCI", memory="1MB", shards=str(tmp_path / "shards"))
    kept = read_collection(tmp_path / "t.csv", disk)
    np.testing.assert_array_equal(kept.everything.images[:][..., 0], STACK[:6])


def test_options_that_say_nothing(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", images=PLANE[np.newaxis], labels=[1])
    with pytest.raises(SettingError, match=r"--hdu names a part of a FITS file, but .*a\.npz"):
        read_collection(tmp_path / "a.npz", DataSettings(hdu="SCI"))
    (tmp_path / "t.csv").write_text("image,label\na.png,x\n")
    for path in (tmp_path / "t.csv", tmp_path):
        with pytest.raises(SettingError, match="--axes says how the axes of an array lie, but"):
            read_collection(path, DataSettings(axes="NCHW"))
    with pytest.raises(SettingError, match=r"--axes takes the letters N .*'NHX' came"):
        DataSettings(axes="NHX")


def test_astropy_is_imported_for_fits_alone() -> None:
    script = "import sys, firstlight.data; assert 'astropy' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_hdu_is_refused_where_no_file_is_fits(tmp_path: Path, class_folder: Path) -> None:
    hdu = DataSettings(hdu="SCI")
    np.savez(tmp_path / "a.npz", images=STACK, labels=np.arange(12) % 2)
    (tmp_path / "arrays").mkdir()
    np.save(tmp_path / "arrays" / "images.npy", STACK)
    np.save(tmp_path / "arrays" / "labels.npy", np.arange(12) % 2)
    rows = [f"cat/{k}.png,{k % 2}" for k in range(10)]
    (class_folder / "t.csv").write_text("\n".join(["image,label", *rows]))
    for source in (class_folder / "t.csv", tmp_path / "arrays", "mnist", tmp_path / "a.npz"):
        assert read_collection(source).everything.images.size
        with pytest.raises(
            SettingError, match=r"--hdu names a part of a FITS file, but .*leave it"
        ):
            read_collection(source, hdu)
    (class_folder / "t.csv").unlink()
    with pytest.raises(SettingError, match="but none of these 20 files is one: leave it out"):
        read_collection(class_folder, hdu)
    # One FITS file among them is enough, whatever it is called.
    (class_folder / "cat" / "map.bin").write_bytes(written(fits.ImageHDU(PLANE, name="SCI")))
    assert len(read_collection(class_folder, hdu).everything) == 21
