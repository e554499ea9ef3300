"""The verb that makes arrays of a file that firstlight does not read."""

from __future__ import annotations

from pathlib import Path

from firstlight.core.conversion import Conversion
from firstlight.core.errors import SettingError
from firstlight.core.files import write_arrays


def convert(source: str | Path, output: str | Path, *, trust_pickle: bool = False) -> Conversion:
    """Make an `.npz` file, which any verb takes as DATA, of a pickled pandas table.

    The column that holds an image in each row becomes `images`; the others keep their names.
    Nothing that the pickle names is run: it is taken apart by the layouts of pandas and NumPy.

    Args:
        source: a pickle that `DataFrame.to_pickle` wrote (pandas 0.25 to 3, protocols 2 to 5), or
            one of NumPy arrays in a dict.
        output: the `.npz` file to write.
        trust_pickle: has to be given, since a pickle can be made to do harm where it is opened by
            other programs.

    Returns:
        What was written, and which columns had to be left out.

    Raises:
        SettingError: `trust_pickle` was not given, or `output` does not end in .npz or exists.
        DataError: the file is no such pickle, or names something else than arrays and tables.
        WriteError: the file cannot be written.

    Example:
        >>> import pickle, tempfile, numpy as np
        >>> place = Path(tempfile.mkdtemp())
        >>> arrays = {"images": np.zeros((3, 8, 8)), "size": np.arange(3.0)}
        >>> _ = (place / "a.pkl").write_bytes(pickle.dumps(arrays))
        >>> convert(place / "a.pkl", place / "a.npz", trust_pickle=True).arrays["images"]
        ((3, 8, 8), 'float64')
    """
    from firstlight.data import arrays_in_pickle

    source, output = Path(source).expanduser(), Path(output).expanduser()
    if output.suffix.lower() != ".npz":
        raise SettingError(f"The arrays are written as .npz, but {output} came: give that ending.")
    if output.exists():
        raise SettingError(f"{output} exists already: name another file, or take it away.")
    if not trust_pickle:
        raise SettingError(
            f"{source} is taken to be a pickle, a kind of file that can run any program where "
            "it is opened. If you trust whoever wrote it, say so with --trust-pickle."
        )
    found = arrays_in_pickle(source)
    write_arrays(output, **found.arrays)
    arrays = {name: (array.shape, str(array.dtype)) for name, array in found.arrays.items()}
    return Conversion(str(source), str(output), arrays, found.left_out)
