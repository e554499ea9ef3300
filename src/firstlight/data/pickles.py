"""Pickles opened without running anything in them: every constructor is only written down.

A pickle is a program that names functions and calls them
(https://docs.python.org/3/library/pickle.html, "Restricting globals"). Here, names outside of a
short list are refused, and names on it are not looked up either: in place of each stands a record
of what it was called with. What the records mean is worked out by `pickled_frames`.
"""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any, ClassVar

from firstlight.core.errors import DataError
from firstlight.data.paths import read_bytes, shown

_NUMPY = ("numpy._core", "numpy.core")  # since and before NumPy 2
_PANDAS_INDEXES = {
    "base": ("Index", "_new_Index"),
    "range": ("RangeIndex",),
    "numeric": ("Int64Index", "UInt64Index", "Float64Index"),
}
# All that numpy arrays and pandas frames are made of: (module, name).
ALLOWED = frozenset(
    {
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        *((f"{core}.multiarray", "_reconstruct") for core in _NUMPY),
        *((f"{core}.multiarray", "scalar") for core in _NUMPY),
        *((f"{core}.numeric", "_frombuffer") for core in _NUMPY),
        ("builtins", "slice"),
        ("__builtin__", "slice"),
        ("builtins", "bytearray"),
        ("__builtin__", "bytearray"),
        ("_codecs", "encode"),
        ("pandas.core.frame", "DataFrame"),
        ("pandas", "DataFrame"),
        ("pandas.core.internals.managers", "BlockManager"),
        ("pandas._libs.internals", "_unpickle_block"),
        *(
            (f"pandas.core.indexes.{m}", name)
            for m, names in _PANDAS_INDEXES.items()
            for name in names
        ),
        ("pandas", "Index"),
        ("pandas", "RangeIndex"),
        ("pandas._libs.arrays", "__pyx_unpickle_NDArrayBacked"),
        ("pandas.core.arrays.categorical", "Categorical"),
        ("pandas", "Categorical"),
        ("pandas.core.dtypes.dtypes", "CategoricalDtype"),
        ("pandas", "CategoricalDtype"),
        ("pandas.core.arrays.datetimes", "DatetimeArray"),
        ("pandas.arrays", "DatetimeArray"),
        ("pandas.core.arrays.string_", "StringArray"),
        ("pandas.arrays", "StringArray"),
        ("pandas.core.arrays.string_arrow", "ArrowStringArray"),
        ("pandas.arrays", "ArrowStringArray"),
        ("pandas.core.arrays.string_", "StringDtype"),
        ("pandas", "StringDtype"),
        ("pyarrow.lib", "_restore_array"),
        ("pyarrow.lib", "chunked_array"),
        ("pyarrow.lib", "type_for_alias"),
        ("pyarrow.lib", "py_buffer"),
    }
)


class Made:
    """What a constructor in a pickle was called with, and the state that it was given."""

    __slots__ = ("args", "state")
    constructor: ClassVar[str] = ""
    args: tuple[Any, ...]
    state: Any

    def __new__(cls, *args: Any) -> Made:  # noqa: D102
        made = super().__new__(cls)
        made.args, made.state = args, None
        return made

    def __init__(self, *args: Any) -> None:
        """Takes what `__new__` has kept."""

    def __setstate__(self, state: Any) -> None:
        if self.state is not None:
            raise pickle.UnpicklingError("an object is given two states")
        self.state = state


class _Unpickler(pickle._Unpickler):
    """Python's own unpickler: the one in C can be made to take memory without end."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content), encoding="latin1")
        self._constructors: dict[tuple[str, str], type[Made]] = {}

    def find_class(self, module: str, name: str) -> type[Made]:
        """A record in place of a function or a class, where it is on the list."""
        if (module, name) not in ALLOWED:
            raise DataError(
                f"names {shown(module)}.{shown(name)}, which no array and no table needs: opening "
                "it elsewhere may run a program"
            )
        key = (module, name)
        if key not in self._constructors:
            self._constructors[key] = type(name, (Made,), {"constructor": name, "__slots__": ()})
        return self._constructors[key]

    def get_extension(self, code: int) -> None:
        """Numbers stand for names that this process has registered: none are needed."""
        raise DataError("names a constructor by a number, which no array and no table needs")

    def persistent_load(self, pid: Any) -> None:
        """Parts that lie outside of the file: none are needed."""
        raise DataError("names a part outside of the file, which no array and no table needs")

    def load_bytearray8(self) -> None:
        """Bytes, but never more than the file has."""
        read: Any = self.read  # type: ignore[attr-defined]
        size = int.from_bytes(read(8), "little")
        self.append(bytearray(read(size)))  # type: ignore[attr-defined]

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)
    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


def read_pickle(path: Path) -> Any:
    """What a pickle file says, with a `Made` in place of every object; nothing in it is run.

    Raises:
        DataError: the file is damaged, or names something that is not on the list.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> path = Path(tempfile.mkdtemp()) / "a.pkl"
        >>> _ = path.write_bytes(pickle.dumps({"x": np.zeros(2)}, protocol=4))
        >>> read_pickle(path)["x"].constructor
        '_reconstruct'
    """
    try:
        return _Unpickler(read_bytes(path)).load()
    except DataError as error:
        raise DataError(f"The pickle {shown(path)} {error}.") from error
    except Exception as error:  # a damaged pickle is a damaged program: it can fail in any way
        said = shown(error)[:120] or type(error).__name__
        raise DataError(
            f"A pickle of a pandas table or of numpy arrays was expected, but {shown(path)} is "
            f"damaged or something else ({said}): write it again with DataFrame.to_pickle, not "
            "compressed."
        ) from error
