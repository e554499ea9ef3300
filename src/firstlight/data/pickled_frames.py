"""Arrays out of what a pickle says of a pandas table or of numpy arrays."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.core.errors import DataError
from firstlight.data.memory import COPIES, require_memory
from firstlight.data.paths import shown
from firstlight.data.pickles import Made, read_pickle

NUMBERS = re.compile(r"[|<>=]?(b1|[iufc]\d{1,2}|[SU]\d{1,9}|O8?|[mM]8(\[\w+\])?)")
IMAGES = ("image", "images")
MOST_COLUMNS = 100_000


@dataclass(frozen=True, eq=False)
class Unpickled:
    """Arrays out of a pickle, by name, and why columns were left out, by theirs."""

    arrays: dict[str, NDArray[Any]]
    left_out: dict[str, str]


def arrays_in_pickle(path: Path) -> Unpickled:
    """The columns of a pickled pandas table, or pickled numpy arrays by name.

    A column with an array in each row becomes one array; one that holds images becomes `images`.
    Dates become texts. Nothing that the file names is run.

    Raises:
        DataError: the file is damaged, holds something else, no images, or several columns
            of images none of which is called `image`.

    Example:
        >>> import pickle, tempfile
        >>> path = Path(tempfile.mkdtemp(), "stars.pkl")
        >>> _ = path.write_bytes(pickle.dumps({"images": np.zeros((3, 4, 4)), "mass": np.ones(3)}))
        >>> {name: array.shape for name, array in arrays_in_pickle(path).arrays.items()}
        {'images': (3, 4, 4), 'mass': (3,)}
    """
    where = f"the pickle {shown(path)}"
    content = read_pickle(path)
    try:
        columns = list(_columns(content))
    except DataError as error:
        raise DataError(f"Columns were expected in {where}, but it {error}.") from error
    except Exception as error:  # records of any shape can stand where others are expected
        raise DataError(
            f"{where[0].upper() + where[1:]} is damaged or laid out in another way "
            f"({shown(error)[:120]}): write it again with DataFrame.to_pickle."
        ) from error
    arrays: dict[str, NDArray[Any]] = {}
    left_out: dict[str, str] = {}
    for name, values in columns:
        if "/" in name or "\\" in name or "\0" in name or not name:
            left_out[name] = "has a name that no array in a file can have"
            continue
        try:
            arrays[name] = _plain(values, name)
        except Exception as error:  # as above
            left_out[name] = shown(error)[:200]
    return Unpickled(_with_images(arrays, left_out, where), left_out)


def _with_images(
    arrays: dict[str, NDArray[Any]], left_out: dict[str, str], where: str
) -> dict[str, NDArray[Any]]:
    found = [name for name, array in arrays.items() if array.ndim > 2]
    named = [name for name in found if name.lower() in IMAGES] or found
    if len(named) != 1:
        came = ", ".join(map(shown, found)) or "none"
        reasons = "".join(f"; {shown(name)} {reason}" for name, reason in left_out.items())
        raise DataError(
            f"One column with an image in each row was expected in {where}, but there is {came}"
            f"{reasons}: store one, called image."
        )
    return {"images" if name == named[0] else name: array for name, array in arrays.items()}


def _columns(content: Any) -> Iterator[tuple[str, Any]]:
    """Names and values: `(N,)` arrays, objects among them, or `(N, ...)` numbers."""
    if isinstance(content, dict):
        yield from ((str(name), _values(values)) for name, values in content.items())
    elif _is(content, "DataFrame"):
        manager = content.state.get("_mgr", content.state.get("_data"))
        axes, blocks = _blocks(manager)
        names = [str(name) for name in _labels(axes[0])]
        if len(set(names)) < len(names):
            raise DataError("holds two columns of one name")
        columns: dict[int, Any] = {}
        for values, places in blocks:
            array = _values(values)
            rows = array if array.ndim > 1 else array[np.newaxis]
            for place, row in zip(places, rows, strict=True):
                columns[int(place)] = row
        yield from ((name, columns[k]) for k, name in enumerate(names))
    elif isinstance(content, Made):
        yield "images", _values(content)
    else:
        raise DataError(f"holds {type(content).__name__}")


def _is(thing: Any, *constructors: str) -> bool:
    return isinstance(thing, Made) and thing.constructor in constructors


def _blocks(manager: Made) -> tuple[Sequence[Any], list[tuple[Any, Any]]]:
    """The axes of a table (columns first), and its blocks with the columns that they hold."""
    if manager.args:
        blocks, axes = manager.args
        return axes, [(block.args[0], _places(block.args[1])) for block in blocks]
    # Until pandas 1.2; its own name for the layout is 0.14.1.
    known = manager.state[3]["0.14.1"]
    return known["axes"], [
        (block["values"], _places(block["mgr_locs"])) for block in known["blocks"]
    ]


def _places(places: Any) -> Any:
    if _is(places, "slice"):
        return range(*places.args)
    return _values(places).tolist()


def _labels(index: Made) -> list[Any]:
    """The labels of an index."""
    known = index.args[1]
    if "data" in known:
        return list(_values(known["data"]).tolist())
    labels = range(known["start"], known["stop"], known["step"])
    if len(labels) > MOST_COLUMNS:
        raise DataError("holds more columns than a table has")
    return list(labels)


def _values(thing: Any) -> NDArray[Any]:
    """The array that a record of an array means, of numpy or of pandas."""
    if _is(thing, "_reconstruct"):
        _, shape, dtype, fortran, content = thing.state
        return _array(content, _dtype(dtype), shape, "F" if fortran else "C")
    if _is(thing, "_frombuffer"):
        content, dtype, shape, order, *turned = thing.args
        if turned and turned[0] is not None:
            raise DataError("holds an array whose axes are turned")
        return _array(content, _dtype(dtype), shape, order)
    if _is(thing, "__pyx_unpickle_NDArrayBacked"):
        # The state is the type, the numbers and the rest, in an order that has changed.
        parts = list(thing.state) if thing.state else list(thing.args[2])
        if thing.args[0].constructor == "Categorical":
            dtype = next(part for part in parts if _is(part, "CategoricalDtype"))
            codes = next(part for part in parts if _is(part, "_reconstruct", "_frombuffer"))
            return _categories(dtype, _values(codes))
        return _values(next(part for part in parts if _is(part, "_reconstruct", "_frombuffer")))
    if _is(thing, "Categorical"):
        return _categories(thing.state["_dtype"], _values(thing.state["_codes"]))
    if _is(thing, "DatetimeArray", "StringArray"):
        return _values(thing.state.get("_data", thing.state.get("_ndarray")))
    if _is(thing, "ArrowStringArray"):
        return _arrow(thing.state.get("_pa_array", thing.state.get("_data")))
    if _is(thing, "Index", "_new_Index"):
        return np.array(_labels(thing), dtype=object)
    raise DataError(f"holds a column of the kind {_kind(thing)}")


def _kind(thing: Any) -> str:
    return shown(thing.constructor) if isinstance(thing, Made) else type(thing).__name__


def _categories(dtype: Made, codes: NDArray[Any]) -> NDArray[Any]:
    names = np.array(_labels(dtype.state["categories"]), dtype=object)
    if not codes.size or codes.min() >= 0:
        return names[codes]
    raise DataError("has rows without a category")


def _arrow(thing: Made) -> NDArray[Any]:
    """Texts as Arrow lays them out: marks of validity, offsets, and all bytes in one piece
    (https://arrow.apache.org/docs/format/Columnar.html, "Variable-size Binary Layout").
    """
    if _is(thing, "chunked_array"):
        return np.concatenate([_arrow(part) for part in thing.args[0]])
    kind, length, missing, first, buffers, *_ = thing.args[0]
    width = {"large_string": "<i8", "string": "<i4"}[kind.args[0]]
    if missing:
        raise DataError("has rows without a text")
    ends = np.frombuffer(_bytes(buffers[1]), width)[first : first + length + 1].tolist()
    texts = b"" if buffers[2] is None else _bytes(buffers[2])
    if (
        len(ends) != length + 1
        or ends != sorted(ends)
        or not 0 <= ends[0] <= ends[-1] <= len(texts)
    ):
        raise DataError("holds texts that are damaged")
    return np.array([texts[a:b].decode() for a, b in pairwise(ends)], dtype=object)


def _bytes(thing: Any) -> bytes | bytearray:
    if isinstance(thing, bytes | bytearray):
        return thing
    if isinstance(thing, str):  # as Python 2 and the oldest protocols write bytes
        return thing.encode("latin1")
    if _is(thing, "encode", "bytearray", "py_buffer"):
        return _bytes(thing.args[0]) if thing.args else b""
    raise DataError(f"holds {_kind(thing)} where bytes were expected")


def _dtype(thing: Made) -> np.dtype[Any]:
    """A plain number type: no fields, no type within a type."""
    text = thing.args[0]
    if not isinstance(text, str) or not NUMBERS.fullmatch(text):
        raise DataError(f"holds numbers of the type {shown(text)}")
    order, within, names, fields = thing.state[1:5] if thing.state else ("=", None, None, None)
    if (within, names, fields) != (None, None, None) or order not in ("<", ">", "|", "="):
        raise DataError("holds numbers of a type with fields")
    if text in ("M8", "m8") and len(thing.state) > 8:
        unit = _bytes(thing.state[8][1][0]).decode("ascii")
        text = f"{text}[{unit}]" if re.fullmatch(r"[a-zA-Z]{1,7}", unit) else text
    return np.dtype(order + text.lstrip("|<>=") if order in "<>" else text)


def _array(content: Any, dtype: np.dtype[Any], shape: Any, order: str) -> NDArray[Any]:
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise DataError("holds an array without a shape")
    if dtype.kind == "O":
        if not isinstance(content, list):
            raise DataError("holds bytes where objects were expected")
        flat = np.empty(len(content), dtype)
        for k, item in enumerate(content):
            flat[k] = item
    else:
        flat = np.frombuffer(_bytes(content), dtype)
    array = flat.reshape(shape, order="F" if order == "F" else "C")
    return array.astype(dtype.newbyteorder("="))


def _plain(values: NDArray[Any], name: str) -> NDArray[Any]:
    """A column as numbers or texts: `(N,)`, or `(N, ...)` where it holds arrays."""
    if values.dtype.kind in "mM":
        values = values.astype(str).astype(object)
    if values.dtype.kind != "O":
        return values
    items = values.tolist()
    if items and all(isinstance(item, Made) for item in items):
        if all(_is(item, "scalar") for item in items):
            return np.array([_scalar(item) for item in items])
        first = _values(items[0])
        if first.dtype.kind not in "biufc":
            raise DataError("holds arrays of other things than numbers")
        require_memory(COPIES * len(items) * first.nbytes, f"The column {shown(name)}")
        stacked = np.empty((len(items), *first.shape), first.dtype)
        for k, item in enumerate(items):
            array = _values(item)
            if (array.shape, array.dtype) != (first.shape, first.dtype):
                raise DataError(
                    f"holds arrays of {first.shape} {first.dtype} and, in row {k}, of "
                    f"{array.shape} {array.dtype}"
                )
            stacked[k] = array
        return stacked
    for kinds in ((str,), (bool,), (int,), (int, float)):
        if all(type(item) in kinds for item in items):
            if kinds == (str,):
                size = 4 * len(items) * max(map(len, items), default=0)
                require_memory(COPIES * size, f"The column {shown(name)}")
            array = np.array(items)
            if array.dtype.kind == "O":
                raise DataError("holds numbers that are too large")
            return array
    odd = next((k for k, item in enumerate(items) if type(item) is not type(items[0])), 0)
    raise DataError(f"holds {_kind(items[0])} and, in row {odd}, {_kind(items[odd])}")


def _scalar(thing: Made) -> Any:
    return np.frombuffer(_bytes(thing.args[1]), _dtype(thing.args[0]), 1)[0]
