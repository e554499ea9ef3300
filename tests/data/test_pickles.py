"""Pickled tables: by pandas's own writer, by older ones (files in `pickles`), and hostile ones.

The files in `pickles` hold `frame()`, written by `DataFrame.to_pickle` of the pandas in their
names, on Python 3.7, 3.8 and 3.11.
"""

from __future__ import annotations

import builtins
import copyreg
import importlib
import os
import pickle
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import firstlight as fl
from firstlight.core.errors import DataError, SettingError
from firstlight.data import arrays_in_pickle, read_collection
from firstlight.data.pickles import read_pickle

OLD = sorted((Path(__file__).parent / "pickles").glob("*.pkl"))


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(
        {
            "image": [rng.normal(size=(4, 5)).astype("f4") for _ in range(6)],
            "xHI": np.arange(6) / 8,
            "z": np.arange(6) + 7,
            "name": list("abcdef"),
            "kind": pd.Categorical(list("xyxyxy")),
            "flag": [True, False] * 3,
            "simulation": [f"box {k // 2}" for k in range(6)],
            "when": pd.date_range("2026-01-01", periods=6),
        }
    )


def check(path: Path) -> None:
    expected, found = frame(), arrays_in_pickle(path)
    assert found.left_out == {}
    assert list(found.arrays) == ["images", *expected.columns[1:]]
    np.testing.assert_array_equal(found.arrays["images"], np.stack(list(expected["image"])))
    assert found.arrays["images"].dtype == np.float32
    for name in ("xHI", "z", "name", "flag", "simulation"):
        np.testing.assert_array_equal(found.arrays[name], expected[name].to_numpy(object))
    assert found.arrays["z"].dtype == np.int64
    assert found.arrays["kind"].tolist() == list("xyxyxy")
    assert [day[:10] for day in found.arrays["when"]] == [f"2026-01-0{k}" for k in range(1, 7)]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_what_pandas_writes(protocol: int, tmp_path: Path) -> None:
    frame().to_pickle(tmp_path / "a.pkl", protocol=protocol)
    check(tmp_path / "a.pkl")


@pytest.mark.parametrize("path", OLD, ids=lambda path: path.stem)
def test_what_older_pandas_wrote(path: Path) -> None:
    check(path)


def test_there_are_older_files() -> None:
    assert len(OLD) == 6


def test_converted_and_read(tmp_path: Path) -> None:
    frame().rename(columns={"z": "file"}).to_pickle(tmp_path / "maps.pkl")
    with pytest.raises(DataError, match=r"maps\.pkl is a pickle.*firstlight convert .*--trust"):
        read_collection(tmp_path / "maps.pkl")
    with pytest.raises(SettingError, match="say so with --trust-pickle"):
        fl.convert(tmp_path / "maps.pkl", tmp_path / "maps.npz")
    with pytest.raises(SettingError, match=r"written as \.npz"):
        fl.convert(tmp_path / "maps.pkl", tmp_path / "maps.npy", trust_pickle=True)
    made = fl.convert(tmp_path / "maps.pkl", tmp_path / "maps.npz", trust_pickle=True)
    assert made.arrays["images"] == ((6, 4, 5), "float32")
    assert made.arrays["file"] == ((6,), "int64")
    data = fl.load(tmp_path / "maps.npz", target=("xHI",), group_column="simulation")
    assert data.task == "measure"
    assert data.image_shape == (4, 5, 1)
    with pytest.raises(SettingError, match=r"maps\.npz exists already"):
        fl.convert(tmp_path / "maps.pkl", tmp_path / "maps.npz", trust_pickle=True)


def test_arrays_in_a_dict_and_alone(tmp_path: Path) -> None:
    images = np.asfortranarray(np.arange(24, dtype=">u2").reshape(2, 3, 4))
    content = {"maps": images, "mass": np.array([1.5, 2.5])}
    for protocol in (2, 3, 4, 5):
        (tmp_path / "a.pkl").write_bytes(pickle.dumps(content, protocol))
        (tmp_path / "b.pkl").write_bytes(pickle.dumps(images, protocol))
        found = arrays_in_pickle(tmp_path / "a.pkl").arrays
        alone = arrays_in_pickle(tmp_path / "b.pkl").arrays
        assert found["mass"].tolist() == [1.5, 2.5]
        for array in (found["images"], alone["images"]):
            np.testing.assert_array_equal(array, images)
            assert array.dtype == np.dtype("u2")


def test_columns_that_cannot_be_kept(tmp_path: Path) -> None:
    table = frame()
    table["mixed"] = [1, "a", 2.5, None, 3, 4]
    table["vector"] = [np.arange(k % 2 + 2) for k in range(6)]
    table["list"] = [[1, 2]] * 6
    table["huge"] = pd.Series([10**30] * 6, dtype=object)
    table["masked"] = pd.array([1, 2, 3, 4, 5, None], dtype="Int64")
    del table["kind"]
    table.drop(columns="masked").to_pickle(tmp_path / "a.pkl")
    found = arrays_in_pickle(tmp_path / "a.pkl")
    assert found.left_out == {
        "mixed": "holds int and, in row 1, str",
        "vector": "holds arrays of (2,) int64 and, in row 1, of (3,) int64",
        "list": "holds list and, in row 0, list",
        "huge": "holds numbers that are too large",
    }
    table.to_pickle(tmp_path / "a.pkl")
    with pytest.raises(DataError, match=r"names pandas\.\S+, which no array and no table needs"):
        arrays_in_pickle(tmp_path / "a.pkl")


def test_which_column_holds_the_images(tmp_path: Path) -> None:
    table = frame()
    table["mask"] = list(table["image"])
    table.to_pickle(tmp_path / "a.pkl")
    assert arrays_in_pickle(tmp_path / "a.pkl").arrays["mask"].shape == (6, 4, 5)
    table.rename(columns={"image": "map"}).to_pickle(tmp_path / "a.pkl")
    with pytest.raises(DataError, match=r"image in each row was expected.*but there is map, mask"):
        arrays_in_pickle(tmp_path / "a.pkl")
    frame().drop(columns="image").to_pickle(tmp_path / "a.pkl")
    with pytest.raises(DataError, match="but there is none"):
        arrays_in_pickle(tmp_path / "a.pkl")


# --- attacks ------------------------------------------------------------------------------------


class Call:
    """Pickles as a call of a function."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


def named(module: str, name: str, *, stack: bool = False) -> bytes:
    """Opcodes that put a name of a module on the stack."""
    if not stack:
        return f"c{module}\n{name}\n".encode()
    texts = (b"\x8c" + bytes([len(text)]) + text.encode() for text in (module, name))
    return b"".join(texts) + b"\x93"


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def called(function: bytes, *arguments: bytes) -> bytes:
    """A whole pickle that calls a function with arguments, by REDUCE."""
    return b"\x80\x04" + function + b"(" + b"".join(arguments) + b"tR."


def attacks(marker: str) -> dict[str, bytes]:
    """Pickles that would write the file `marker`, or do other harm, if they were opened."""
    shell = text(f"touch {marker}")
    code = text(f"open({marker!r}, 'w').close()")
    evil = named("os", "system")
    return {
        "os.system by REDUCE": pickle.dumps(Call(os.system, f"touch {marker}")),
        "posix.system in a frame": pickle.dumps(
            pd.DataFrame({"image": [Call(os.system, f"touch {marker}")]})
        ),
        "eval": called(named("builtins", "eval"), code),
        "exec of Python 2's name": called(named("__builtin__", "exec"), code),
        "getattr": called(named("builtins", "getattr"), named("numpy", "ndarray"), text("tofile")),
        "importlib": called(named("importlib", "import_module"), text("antigravity")),
        "__import__": called(named("builtins", "__import__"), text("os")),
        "numpy.load": called(named("numpy", "load"), text(marker)),
        "numpy runs a text": called(
            named("numpy.testing._private.utils", "runstring"), code, b"}"
        ),
        "numpy.memmap": called(named("numpy", "memmap"), text(marker)),
        "numpy.fromfile": called(named("numpy", "fromfile"), text(marker)),
        "pandas.read_pickle": called(named("pandas", "read_pickle"), text(marker)),
        "pandas.eval": called(named("pandas", "eval"), text("1")),
        "pandas evaluates by name": called(
            named("pandas.core.computation.eval", "eval"), text("@os.system('true')")
        ),
        "dotted, STACK_GLOBAL": called(named("pandas", "io.common.os.system", stack=True), shell),
        "dotted behind a known class": called(
            named("numpy", "ndarray.tofile", stack=True), shell
        ),
        "subclass of a known one": called(named("numpy", "recarray"), b"I1\n"),
        "copyreg": called(
            named("copyreg", "_reconstructor"), evil, named("builtins", "object"), b"N"
        ),
        "INST": b"(" + shell + b"ios\nsystem\n.",
        "OBJ": b"\x80\x04(" + evil + shell + b"o.",
        "EXT1": b"\x80\x04\x82\xf0" + b"(" + shell + b"tR.",
        "PERSID": b"Panything\n.",
        "BINPERSID": b"\x80\x04" + text("x") + b"Q.",
        "BUILD on a class": (
            b"\x80\x04" + named("numpy", "ndarray") + b"N}" + text("sort") + b"Ns\x86b."
        ),
        "BUILD gives a __setstate__": (
            b"\x80\x04" + named("numpy", "ndarray") + b")\x81N}" + text("__setstate__")
            + evil + b"s\x86b" + shell + b"b."
        ),
        "BUILD twice": b"\x80\x04" + named("numpy", "ndarray") + b")\x81I1\nbI2\nb.",
        "NEWOBJ_EX": b"\x80\x04" + named("numpy", "ndarray") + b")}" + text("a") + b"I1\ns\x92.",
        "an instance is called": b"\x80\x04" + named("numpy", "ndarray") + b")\x81)R.",
    }  # fmt: skip


ATTACKS = attacks("marker")


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(copyreg._inverted_registry, 0xF0, ("os", "system"))
    monkeypatch.setitem(copyreg._extension_cache, 0xF0, os.system)
    before = {key: getattr(np.ndarray, key) for key in ("sort", "tofile")}

    def never(*arguments: Any, **named: Any) -> Any:
        raise AssertionError("something was run")

    (tmp_path / "attack.pkl").write_bytes(ATTACKS[name])
    with monkeypatch.context() as patch:
        for module, function in (
            (os, "system"), (builtins, "eval"), (builtins, "exec"), (importlib, "import_module"),
            (np, "load"), (np, "fromfile"), (pd, "eval"), (pd, "read_pickle"),
        ):  # fmt: skip
            patch.setattr(module, function, never)
        with pytest.raises(DataError, match=r"no array and no table needs|is damaged or some"):
            arrays_in_pickle(tmp_path / "attack.pkl")
    assert not (tmp_path / "marker").exists()
    assert {key: getattr(np.ndarray, key) for key in before} == before


def test_the_attacks_work_where_nothing_guards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(copyreg._inverted_registry, 0xF0, ("os", "system"))
    for name in ("os.system by REDUCE", "eval", "INST", "OBJ", "EXT1", "dotted, STACK_GLOBAL"):
        pickle.loads(ATTACKS[name])
        assert (tmp_path / "marker").exists(), name
        (tmp_path / "marker").unlink()


def array_with(dtype: bytes, shape: bytes, content: bytes) -> bytes:
    """A pickled array, as NumPy writes it, with parts of one's own."""
    start = named("numpy._core.multiarray", "_reconstruct") + b"(" + named("numpy", "ndarray")
    return (
        b"\x80\x04"
        + start
        + b"K\x00\x85C\x01btR(K\x01"
        + shape
        + dtype
        + b"\x89"
        + content
        + b"tb."
    )


def dtype_with(kind: str, state: bytes) -> bytes:
    return named("numpy", "dtype") + b"(" + text(kind) + b"\x89\x88tR(" + state + b"tb"


PLAIN = b"K\x03" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00"
RAW = b"C\x10" + bytes(16)
CUBE = b"K\x01K\x02K\x01\x87"


def test_an_array_by_hand(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(array_with(dtype_with("f8", PLAIN), CUBE, RAW))
    assert arrays_in_pickle(tmp_path / "a.pkl").arrays["images"].tolist() == [[[0.0], [0.0]]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        # Pointers made of numbers: an object type, or one hidden in a field or in a type within.
        (array_with(dtype_with("O8", PLAIN), CUBE, RAW), "bytes where objects were expected"),
        (
            array_with(
                dtype_with(
                    "V8", b"K\x03" + text("|") + b"N" + text("a") + b"\x85}NK\x08K\x01K\x00"
                ),
                CUBE,
                RAW,
            ),
            "numbers of the type V8",
        ),
        (
            array_with(
                dtype_with("f8", b"K\x03" + text("<") + b"I1\nNNK\x08K\x01K\x3f"), CUBE, RAW
            ),
            "of a type with fields",
        ),
        (array_with(dtype_with("f8", PLAIN), b"K\x01M\xff\xffK\x01\x87", RAW), "cannot reshape"),
        (array_with(dtype_with("f8", PLAIN), b"J\xff\xff\xff\xff\x85", RAW), "without a shape"),
        (array_with(dtype_with("f8", PLAIN), CUBE, b"I7\n"), "where bytes were expected"),
    ],
)
def test_arrays_that_lie(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(DataError, match=says):
        arrays_in_pickle(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        b"\x80\x04",
        b"\x80\x09.",
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 45) + b".",  # bytes that are not there
        b"\x80\x04Nr" + struct.pack("<I", (1 << 32) - 1) + b".",  # a huge number for a memo
        b"\x80\x04" + named("numpy", "ndarray") + b")\x81}" + text("x") + b"h\x00sb.",
        b"\x80\x04(" * 10_000 + b".",
    ],
)
def test_damaged_pickles(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(DataError):
        arrays_in_pickle(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "content",
    [
        b"\x80\x05\x96" + struct.pack("<Q", 1 << 28) + b".",
        b"\x80\x04Nr" + struct.pack("<I", 1 << 26) + b"]a.",
    ],
)
def test_no_memory_is_taken_for_what_is_announced(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DataError):
            arrays_in_pickle(tmp_path / "a.pkl")
        assert tracemalloc.get_traced_memory()[1] < 1 << 24
    finally:
        tracemalloc.stop()


def test_a_record_that_holds_itself(tmp_path: Path) -> None:
    index = named("pandas.core.indexes.base", "_new_Index") + b"(" + named("pandas", "Index")
    ring = b"\x80\x04}\x94" + text("data") + index + b"h\x00tR\x94sh\x01."
    (tmp_path / "a.pkl").write_bytes(ring)
    assert read_pickle(tmp_path / "a.pkl").constructor == "_new_Index"
    with pytest.raises(DataError, match="is damaged or laid out in another way"):
        arrays_in_pickle(tmp_path / "a.pkl")
