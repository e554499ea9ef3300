"""HDF5 files, written by h5py, harmless and hostile."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection, read_images
from firstlight.data.hdf5 import hdf5_arrays

RNG = np.random.default_rng(6)
IMAGES = RNG.integers(0, 65536, (12, 6, 5), np.uint16)


def store(path: Path, fill: Callable[[h5py.File], object]) -> Path:
    with h5py.File(path, "w") as file:
        fill(file)
    return path


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"chunks": (5, 4, 3), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": (1, 6, 5), "compression": "lzf"},
        {"maxshape": (None, 6, 5)},
    ],
)
def test_images_with_their_columns(how: dict, tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file.create_dataset("images", data=IMAGES, **how)
        file["labels"] = np.arange(12) % 3
        file["labels"].attrs["classes"] = ["elliptical", "spiral", "merger"]
        file["redshift"] = np.arange(12) / 8
        file["redshift"].attrs["units"] = "z"
        file["survey"] = [f"field {k // 4}" for k in range(12)]
        file["note"] = "a text of no axis"
        file["record"] = np.zeros(12, [("a", "i4")])

    path = store(tmp_path / "galaxies.h5", fill)
    found = read_collection(path, DataSettings(group_column="survey"))
    assert found.classes == ("elliptical", "merger", "spiral")
    assert [found.classes[k] for k in found.everything.targets[:3]] == [
        "elliptical",
        "spiral",
        "merger",
    ]
    assert found.everything.images.dtype == np.uint16
    np.testing.assert_array_equal(found.everything.images[..., 0], IMAGES)
    assert found.everything.groups is not None
    assert found.everything.groups.tolist() == [f"field {k // 4}" for k in range(12)]
    measured = read_collection(path, DataSettings(target=("redshift",)))
    assert (measured.target_names, measured.target_units) == (("redshift",), ("z",))
    np.testing.assert_array_equal(measured.everything.targets[:, 0], np.arange(12) / 8)
    kept = read_collection(path, DataSettings(memory="1MB", shards=str(tmp_path / "shards")))
    np.testing.assert_array_equal(kept.everything.images[:][..., 0], IMAGES)


def test_several_targets_are_named_by_attributes(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["images"] = IMAGES.astype(">f4")
        file["targets"] = RNG.normal(size=(12, 2))
        file.attrs["target_names"] = ["mass", "spin"]
        file.attrs["target_units"] = np.array(["Msun", ""], dtype="S4")

    path = store(tmp_path / "two.hdf5", fill)
    found = read_collection(path)
    assert (found.target_names, found.target_units) == (("mass", "spin"), ("Msun", ""))
    np.testing.assert_array_equal(found.everything.images[..., 0], IMAGES)
    assert found.everything.images.dtype.isnative


def test_groups_by_path(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["data/images"] = IMAGES
        file["data/labels"] = np.arange(12) % 2
        file["truth/brightness"] = np.arange(12) + 0.5
        file["truth/same"] = file["truth/brightness"]

    path = store(tmp_path / "deep.h5", fill)
    assert read_collection(path).everything.targets.tolist() == [0, 1] * 6
    found = read_collection(path, DataSettings(target=("truth/brightness",)))
    np.testing.assert_array_equal(found.everything.targets[:, 0], np.arange(12) + 0.5)
    images, names, _, _, _ = read_images(path, (6, 5, 1), dtype=np.uint16)
    np.testing.assert_array_equal(images[..., 0], IMAGES)
    assert names[11] == "deep.h5[11]"
    two = store(
        tmp_path / "two.h5",
        lambda file: [file.create_dataset(f"{k}/images", data=IMAGES) for k in "ab"],
    )
    with pytest.raises(DataError, match=r"An array called images.* but a/images, b/images came"):
        read_collection(two)


def test_images_of_another_name(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["sky/maps"] = IMAGES
        file["sky/maps"].attrs["units"] = "mK"
        file["label"] = np.arange(12) % 2

    path = store(tmp_path / "maps.h5", fill)
    with pytest.raises(DataError, match=r"but label, sky/maps came: .* with --image-column"):
        read_collection(path)
    settings = DataSettings(image_column="sky/maps")
    found = read_collection(path, settings)
    np.testing.assert_array_equal(found.everything.images[..., 0], IMAGES)
    assert found.pixel_unit == "mK"
    images, _, _, _, _ = read_images(path, (6, 5, 1), settings, np.uint16)
    np.testing.assert_array_equal(images[..., 0], IMAGES)


def test_what_leads_out_of_the_file_is_refused(tmp_path: Path) -> None:
    store(tmp_path / "secret.h5", lambda file: file.create_dataset("images", data=IMAGES))
    (tmp_path / "raw").write_bytes(IMAGES.tobytes())

    def link(target: object) -> Callable[[h5py.File], None]:
        def fill(file: h5py.File) -> None:
            file["a/images"] = target

        return fill

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(IMAGES.shape, IMAGES.dtype)
        layout[:] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "images", IMAGES.shape)
        file.create_virtual_dataset("images", layout)

    def outside(file: h5py.File) -> None:
        file.create_dataset(
            "images",
            IMAGES.shape,
            IMAGES.dtype,
            external=[(str(tmp_path / "raw"), 0, h5py.h5f.UNLIMITED)],
        )

    for fill, says in (
        (link(h5py.ExternalLink("secret.h5", "/images")), r"holds a link \(a/images\)"),
        (virtual, "images in .* takes its data from other files"),
        (outside, "images in .* takes its data from other files"),
    ):
        with pytest.raises(DataError, match=says):
            hdf5_arrays(store(tmp_path / "bad.h5", fill))


def test_links_within_the_file_are_passed_over(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["images"] = IMAGES
        file["labels"] = np.arange(12) % 2
        file["default"] = h5py.SoftLink("/images")
        file["gone"] = h5py.SoftLink("/elsewhere")

    path = store(tmp_path / "a.h5", fill)
    assert sorted(hdf5_arrays(path)) == ["images", "labels"]
    assert len(read_collection(path).everything.images) == 12


def test_a_group_that_holds_itself_is_walked_once(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        file["images"] = IMAGES
        file["labels"] = np.arange(12) % 2
        file["again"] = file["/"]

    found = read_collection(store(tmp_path / "ring.h5", fill))
    assert len(found.everything.images) == 12


def test_more_is_announced_than_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = store(
        tmp_path / "void.h5",
        lambda file: file.create_dataset("images", (9, 9, 9), "f4", chunks=(9, 9, 9)),
    )
    with pytest.raises(DataError, match="announces 2,916 bytes, but holds none"):
        hdf5_arrays(path)["images"]()

    def vast(file: h5py.File) -> None:
        images = file.create_dataset("images", (1 << 40, 9, 9), "u1", chunks=(1, 9, 9))
        images[0] = 1

    with pytest.raises(DataError, match=r"images in .* would take"):
        hdf5_arrays(store(tmp_path / "vast.h5", vast))["images"]()

    def coarse(file: h5py.File) -> None:
        file.create_dataset(
            "images",
            (3, 9, 9),
            "u1",
            chunks=(1 << 10, 1 << 10, 1 << 10),
            maxshape=(None, None, None),
            compression="gzip",
        )
        image = file["images"].id
        image.write_direct_chunk((0, 0, 0), zlib.compress(bytes(99)))

    monkeypatch.setattr("firstlight.data.memory.available_memory", lambda: 1 << 30)
    with pytest.raises(DataError, match=r"A chunk of the array images in .* would take"):
        hdf5_arrays(store(tmp_path / "coarse.h5", coarse))["images"]()


def test_a_chunk_that_unpacks_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstlight.data.hdf5.HARMLESS", 1 << 16)
    bomb = zlib.compress(bytes(1 << 20), 9)

    def fill(file: h5py.File) -> None:
        images = file.create_dataset(
            "images", (2, 9, 9), "u1", chunks=(1, 9, 9), compression="gzip"
        )
        images.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(81)))
        images.id.write_direct_chunk((1, 0, 0), bomb)

    with pytest.raises(DataError, match="unpacks to more data than its size has room for"):
        hdf5_arrays(store(tmp_path / "bomb.h5", fill))["images"]()


def test_a_chunk_that_was_left_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstlight.data.hdf5.HARMLESS", 0)

    def fill(file: h5py.File) -> None:
        images = file.create_dataset("images", (12, 6, 5), "u2", chunks=(12, 6, 5), compression=1)
        images.id.write_direct_chunk((0, 0, 0), IMAGES.tobytes(), filter_mask=1)

    np.testing.assert_array_equal(hdf5_arrays(store(tmp_path / "a.h5", fill))["images"](), IMAGES)


def test_filters_that_would_be_loaded_as_programs(tmp_path: Path) -> None:
    def fill(file: h5py.File) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((12, 6, 5))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())  # zstd, a plug-in
        space = h5py.h5s.create_simple(IMAGES.shape)
        images = h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT16, space, plist)
        images.write_direct_chunk((0, 0, 0), IMAGES.tobytes(), filter_mask=1)

    with pytest.raises(DataError, match="packed in a way that is not read here"):
        hdf5_arrays(store(tmp_path / "plugin.h5", fill))["images"]()

    def twice(file: h5py.File) -> None:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((12, 6, 5))
        plist.set_deflate(9)
        plist.set_filter(h5py.h5z.FILTER_DEFLATE, 0, (9,))
        space = h5py.h5s.create_simple(IMAGES.shape)
        images = h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT16, space, plist)
        images.write_direct_chunk((0, 0, 0), zlib.compress(zlib.compress(IMAGES.tobytes())))

    with pytest.raises(DataError, match="packed in a way that is not read here"):
        hdf5_arrays(store(tmp_path / "twice.h5", twice))["images"]()


def test_damaged_files(tmp_path: Path) -> None:
    (tmp_path / "no.h5").write_bytes(b"no")
    with pytest.raises(DataError, match=r"HDF5 file .*no\.h5 is damaged or something else"):
        hdf5_arrays(tmp_path / "no.h5")
    path = store(
        tmp_path / "hurt.h5",
        lambda file: file.create_dataset(
            "images", data=IMAGES, compression="gzip", fletcher32=True
        ),
    )
    content = bytearray(path.read_bytes())
    content[-200:] = bytes(200)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"HDF5 file .*hurt\.h5 is damaged"):
        hdf5_arrays(path)["images"]()
