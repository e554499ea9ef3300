"""The HDF5 file with the weights inside a `.keras` archive, looked through before it is used."""

from __future__ import annotations

from typing import IO, Any

from firstlight.core.errors import ModelError

_MOST_OBJECTS = 100_000
_LARGEST_RATIO = 100


def count_weights(file: IO[bytes]) -> int:
    """How many numbers an HDF5 file of weights holds.

    Args:
        file: the open file.

    Returns:
        The count over all of its arrays.

    Raises:
        ModelError: it is no HDF5 file, or holds links, data in other files, values that are no
            numbers, or arrays that are larger than what is stored of them.

    Example:
        >>> import h5py, io
        >>> file = io.BytesIO()
        >>> with h5py.File(file, "w") as h5:
        ...     h5["layers/dense/vars/0"] = [[1.0, 2.0]]
        >>> count_weights(file)
        2
    """
    import h5py

    total = 0
    seen: set[int] = set()
    try:
        with h5py.File(file, "r") as h5:
            waiting: list[Any] = [h5]
            while waiting:
                group = waiting.pop()
                for name in group:
                    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                        raise ModelError(
                            f"its weights file holds a link ({name}) that leads elsewhere: "
                            "it is not followed."
                        )
                    item = group[name]
                    address = h5py.h5o.get_info(item.id).addr
                    if address in seen or len(seen) > _MOST_OBJECTS:
                        raise ModelError("its weights file names the same part twice.")
                    seen.add(address)
                    if isinstance(item, h5py.Group):
                        waiting.append(item)
                    else:
                        total += _size(name, item)
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise ModelError("its weights file is damaged: save the model anew.") from error
    return total


def _size(name: str, item: Any) -> int:
    """The number of values in an array that lies whole in this file."""
    import h5py

    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiub":
        raise ModelError(f"its weights file holds {name}, which is no array of numbers.")
    if item.external or item.is_virtual:
        raise ModelError(f"its weights file takes {name} from another file: it is not followed.")
    if item.nbytes > _LARGEST_RATIO * item.id.get_storage_size():
        raise ModelError(
            f"its weights file says that {name} has {item.nbytes:,} bytes and stores "
            f"{item.id.get_storage_size():,} of them."
        )
    return int(item.size)
