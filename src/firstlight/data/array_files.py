"""Files that hold all images as arrays, by the end of their name."""

from __future__ import annotations

from pathlib import Path

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import fits, hdf5, tiff_arrays
from firstlight.data.beside import columns_beside
from firstlight.data.fits_arrays import fits_arrays
from firstlight.data.named_array import Arrays, NamedArray
from firstlight.data.npy import ArrayFile, open_npy_folder, open_npz
from firstlight.data.paths import shown
from firstlight.data.tiff_arrays import tiff_arrays as pages_of
from firstlight.data.zarr_arrays import is_zarr, zarr_arrays

PICKLES = (".pkl", ".pickle", ".pkl.gz", ".p")


def open_arrays(path: Path, settings: DataSettings) -> Arrays | None:
    """The arrays of a file and, where it holds images only, the columns that lie beside it.

    Args:
        path: of the file.
        settings: `hdu` and `axes` count.

    Returns:
        The arrays by name, or None where the name does not end like that of such a file.

    Raises:
        DataError: the file is damaged, or may hold a program.
    """
    images = image_arrays(path, settings)
    if images is None or path.suffix.lower() == ".npz" or is_zarr(path):
        return images
    if path.suffix.lower() == ".npy":
        # The arrays beside it are its columns, as if all were members of one .npz file.
        return open_npy_folder(path.parent) | images
    endings = (*fits.ENDINGS, *hdf5.ENDINGS, *tiff_arrays.ENDINGS)
    return columns_beside(path, endings) | images


def image_arrays(path: Path, settings: DataSettings) -> dict[str, NamedArray] | None:
    """As `open_arrays`, without what lies beside the file."""
    name = path.name.lower()
    if name.endswith(".npz"):
        return dict(open_npz(path))
    if name.endswith(".npy"):
        return {"images": ArrayFile(path)}
    if name.endswith(fits.ENDINGS):
        return fits_arrays(path, settings)
    if name.endswith(hdf5.ENDINGS):
        return hdf5.hdf5_arrays(path)
    if is_zarr(path):
        return zarr_arrays(path)
    if name.endswith(tiff_arrays.ENDINGS):
        return pages_of(path)
    if name.endswith(PICKLES):
        raise DataError(
            f"{shown(path)} is a pickle, which can run any program while it is opened, so it is "
            "not read as DATA. If you trust whoever wrote it, make arrays of it first: firstlight "
            f"convert {shown(path)} {shown(path.stem)}.npz --trust-pickle."
        )
    return None
