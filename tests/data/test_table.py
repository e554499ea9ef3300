from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firstlight.core.errors import DataError
from firstlight.core.settings import DataSettings
from firstlight.data import read_collection


@pytest.fixture
def pictures(tmp_path: Path, save: Callable) -> Path:
    """Six grey pictures `img/0.png` to `img/5.png`, picture k filled with k."""
    for k in range(6):
        save(tmp_path / "table" / "img" / f"{k}.png", np.full((3, 3), k, np.uint8))
    return tmp_path / "table"


def write(folder: Path, text: str, name: str = "t.csv") -> Path:
    (folder / name).write_text(text)
    return folder / name


def rows(*values: object) -> str:
    return "".join(f"img/{k}.png,{value}\n" for k, value in enumerate(values))


def test_labels_in_a_csv(pictures: Path) -> None:
    found = read_collection(write(pictures, "image,label\n" + rows("b", "a", "b", "c", "a", "a")))
    assert found.task == "classify"
    assert found.classes == ("a", "b", "c")
    assert found.everything.targets.tolist() == [1, 0, 1, 2, 0, 0]
    assert found.everything.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert found.everything.names[2] == "img/2.png"
    assert found.name == "t"


@pytest.mark.parametrize(
    ("values", "task", "classes"),
    [
        ((3, 10, 3, 10, 3, 3), "classify", ("3", "10")),
        (("007", "7", "7", "7", "7", "7"), "classify", ("007", "7")),
        ((3.0, 1.5, 2, 1, 1, 1), "measure", ()),
        (("1e-3", 2, 3, 4, 5, 6), "measure", ()),
        (("none", "a", "a", "a", "a", "a"), "classify", ("a", "none")),
        (("1", "x", "1", "x", "1", "x"), "classify", ("1", "x")),
    ],
)
def test_the_task_follows_from_the_target(
    values: tuple, task: str, classes: tuple, pictures: Path
) -> None:
    found = read_collection(write(pictures, "path,target\n" + rows(*values)))
    assert found.task == task
    assert found.classes == classes
    if task == "measure":
        assert found.everything.targets.dtype == np.float32
        expected = np.array([[float(value)] for value in values], np.float32)
        np.testing.assert_array_equal(found.everything.targets, expected)


def test_whole_numbers_as_labels_are_told(pictures: Path) -> None:
    path = write(pictures, "file,age\n" + rows(30, 40, 30, 40, 30, 40))
    found = read_collection(path, DataSettings(target=("age",)))
    assert found.notes == (
        "The whole numbers in age are read as the labels of 2 classes; --task measure has them "
        "measured.",
    )
    measured = read_collection(path, DataSettings(target=("age",), task="measure"))
    assert measured.task == "measure"
    assert measured.everything.targets.dtype == np.float32
    assert measured.everything.targets.tolist() == [[30], [40], [30], [40], [30], [40]]
    assert measured.notes == ()
    asked = read_collection(path, DataSettings(target=("age",), task="classify"))
    assert (asked.classes, asked.notes) == (("30", "40"), ())


def test_a_task_that_the_target_does_not_suit(pictures: Path) -> None:
    numbers = write(pictures, "file,target\n" + rows(*[k + 0.5 for k in range(6)]))
    with pytest.raises(DataError, match=r"decimal point came.*leave --task classify"):
        read_collection(numbers, DataSettings(task="classify"))
    texts = write(pictures, "file,target\n" + rows(*"ababab"))
    with pytest.raises(DataError, match="Targets to measure have to hold numbers"):
        read_collection(texts, DataSettings(task="measure"))
    several = write(pictures, "file,a,b\n" + rows(*["1,2"] * 6))
    with pytest.raises(DataError, match="several target columns came"):
        read_collection(several, DataSettings(task="classify", target=("a", "b")))


def test_a_bad_cell_does_not_make_classes_of_numbers(tmp_path: Path, save: Callable) -> None:
    cells = [f"{k}.25" for k in range(20)]
    cells[3], cells[5], cells[6] = "4", "", "abc"
    for k in range(20):
        save(tmp_path / "img" / f"{k}.png", np.full((3, 3), k, np.uint8))
    found = read_collection(write(tmp_path, "image,target\n" + rows(*cells)))
    assert found.task == "measure"
    expected = [float(cell) for cell in cells if cell not in ("", "abc")]
    assert found.everything.targets.ravel().tolist() == expected
    assert [(item.file, item.reason) for item in found.refused] == [
        ("img/5.png", "row 6: empty (target)"),
        ("img/6.png", "row 7: 'abc' is no number (target)"),
    ]
    points = [cell.replace(".", ",") for cell in cells]
    commas = read_collection(write(tmp_path, semicolons(*points)))
    assert commas.everything.targets.ravel().tolist() == expected
    cells[7:9] = ["x", "y"]  # more than one in ten
    labels = read_collection(write(tmp_path, "image,target\n" + rows(*cells)))
    assert labels.task == "classify"
    whole = [k % 3 for k in range(19)]
    assert read_collection(write(tmp_path, "image,target\n" + rows(*whole, "x"))).classes == (
        "0",
        "1",
        "2",
        "x",
    )


def test_a_target_is_found_without_its_unit(pictures: Path) -> None:
    path = write(pictures, "image,Brightness [a.u.],other\n" + rows(*["0.5,1"] * 6))
    found = read_collection(path, DataSettings(target=("brightness",)))
    assert (found.target_names, found.target_units) == (("Brightness",), ("a.u.",))


def test_the_only_other_column_is_the_target(pictures: Path) -> None:
    text = "image,split,patient,kind\n" + rows(*["train,p,a", "test,q,b"] * 3)
    found = read_collection(write(pictures, text))
    assert found.classes == ("a", "b")
    assert found.notes == ("The column kind is the target: the table has no other for it.",)


def test_several_targets_with_units(pictures: Path) -> None:
    text = "file,size [mm],x,y\n" + rows(*[f"{k}.5,{k},{k}.25" for k in range(6)])
    path = write(pictures, text)
    found = read_collection(path, DataSettings(target=("size [mm]", "x")))
    assert found.task == "measure"
    assert found.target_names == ("size", "x")
    assert found.target_units == ("mm", "")
    assert found.everything.targets.tolist() == [[k + 0.5, k] for k in range(6)]


def test_split_and_groups(pictures: Path) -> None:
    values = ("a,train,p1", "b,val,p2", "a,test,p3", "b,,p4", "a,Training,p1", "b,test,p3")
    found = read_collection(write(pictures, "image,class,split,patient\n" + rows(*values)))
    assert found.parts.tolist() == ["train", "validation", "test", "", "train", "test"]
    assert found.everything.groups is not None
    assert found.everything.groups.tolist() == ["p1", "p2", "p3", "p4", "p1", "p3"]


def test_rows_with_gaps_or_without_a_picture_are_refused(pictures: Path) -> None:
    values = (1.5, "", "n/a", "nan", "inf", 2.5)
    text = "image,target\n" + rows(*values) + ",3.5\nimg/9.png,1.5\n"
    found = read_collection(write(pictures, text))
    assert found.everything.targets.tolist() == [[1.5], [2.5]]
    assert [(item.file, item.reason) for item in found.refused] == [
        ("img/1.png", "row 2: empty (target)"),
        ("img/2.png", "row 3: 'n/a' is no number (target)"),
        ("img/3.png", "row 4: 'nan' is no number (target)"),
        ("img/4.png", "has inf as target"),
        ("row 7", "has no image path"),
        ("img/9.png", "is not there"),
    ]


def test_paths_that_lead_out_are_refused(pictures: Path, save: Callable, tmp_path: Path) -> None:
    outside = save(tmp_path / "outside.png", np.zeros((3, 3), np.uint8))
    (pictures / "img" / "link.png").symlink_to(outside)
    (pictures / "img" / "inner.png").symlink_to(pictures / "img" / "5.png")
    inside = pictures / "img" / "4.png"
    text = (
        f"image,label\n{inside},a\nimg/0.png,b\nimg/inner.png,b\n"
        f"../outside.png,a\n{outside},a\nimg/link.png,a\nimg/../../outside.png,a\n/dev/zero,a\n"
    )
    found = read_collection(write(pictures, text))
    assert found.everything.images[:, 0, 0, 0].tolist() == [4, 0, 5]
    assert {item.reason for item in found.refused} == {"leads out of the table's folder"}
    assert len(found.refused) == 5


def test_a_parquet_table(pictures: Path) -> None:
    frame = pd.DataFrame(
        {
            "image": [f"img/{k}.png" for k in range(6)],
            "target": [0.5, 1.0, np.nan, 2.0, 3.0, 4.0],
            "label": [1, 2, 1, 2, 1, 2],
        }
    )
    frame.to_parquet(pictures / "t.parquet")
    with pytest.raises(DataError, match="several could be it among image, target, label"):
        read_collection(pictures / "t.parquet")
    found = read_collection(pictures / "t.parquet", DataSettings(target=("target",)))
    assert found.everything.targets.tolist() == [[0.5], [1], [2], [3], [4]]
    assert [item.reason for item in found.refused] == ["row 3: empty (target)"]
    labels = read_collection(pictures / "t.parquet", DataSettings(target=("label",)))
    assert labels.classes == ("1", "2")
    (pictures / "t.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(DataError, match="A Parquet table was expected"):
        read_collection(pictures / "t.parquet")


@pytest.mark.parametrize(
    ("text", "settings", "says"),
    [
        ("image,kind,sort\nimg/0.png,a,b\n", {}, "it is not there among image, kind, .*--target"),
        ("picture,label\nimg/0.png,a\n", {}, "the image files .*--image-column"),
        ("image,label\nimg/0.png,a\n", {"target": ("x",)}, "the target called x"),
        ("image,label\nimg/0.png,a\n", {"group_column": "g"}, "--group-column"),
        ("image,label\nimg/0.png,a,b\n", {}, "Row 1 .* has 3 fields .* 2 columns"),
        ("image,image\nimg/0.png,a\n", {}, "have to differ in name"),
        ("image,label\n", {}, "but 1 lines came"),
        ("image,label,split\nimg/0.png,a,holdout\nimg/1.png,b,test\n", {}, "'holdout' came"),
        ("image,a,b\nimg/0.png,1,x\n", {"target": ("a", "b")}, "b in .* holds texts"),
        ("image,label\nimg/0.png,a\n", {}, "At least two classes"),
        ("image,label\nx.png,a\n", {}, "none of its 1 files could be used"),
    ],
)
def test_tables_that_cannot_be_used(text: str, settings: dict, says: str, pictures: Path) -> None:
    with pytest.raises(DataError, match=says):
        read_collection(write(pictures, text), DataSettings(**settings))


def test_semicolons_and_quotes_and_a_byte_order_mark(pictures: Path) -> None:
    text = '\ufeffimage;label\n"img/0.png";"a;b"\nimg/1.png;c\n\n'
    assert read_collection(write(pictures, text)).classes == ("a;b", "c")


def test_a_table_that_is_no_text(pictures: Path) -> None:
    (pictures / "t.csv").write_bytes(b"image,label\n\xff\xfe\x00,a\n")
    with pytest.raises(DataError, match="A table in UTF-8 was expected"):
        read_collection(pictures / "t.csv")


def semicolons(*values: object) -> str:
    return "image;target\n" + "".join(f"img/{k}.png;{value}\n" for k, value in enumerate(values))


def test_decimal_commas(pictures: Path) -> None:
    values = ("0,53", "-1,5", "2", ",25", "n/a", "1e-2")
    found = read_collection(write(pictures, semicolons(*values)))
    assert found.task == "measure"
    expected = np.array([[0.53], [-1.5], [2], [0.25], [0.01]], np.float32)
    np.testing.assert_array_equal(found.everything.targets, expected)
    assert found.notes == ("The commas in target are read as decimal points (0,53 as 0.53).",)
    assert [item.reason for item in found.refused] == ["row 5: 'n/a' is no number (target)"]


@pytest.mark.parametrize("last", ["a,b", "1.000,5", "1,000,5", "0.5"])
def test_commas_that_are_not_all_decimal(last: str, pictures: Path) -> None:
    found = read_collection(write(pictures, semicolons("0,5", "0,5", "0,5", "0,5", "0,5", last)))
    assert found.classes == tuple(sorted(["0,5", last]))
    assert found.notes == ()


@pytest.mark.parametrize(("classes", "told"), [(5, False), (6, True), (10, True)])
def test_nearly_a_class_for_each_row(
    classes: int, told: bool, tmp_path: Path, save: Callable
) -> None:
    text = "image,label\n"
    for k in range(10):
        save(tmp_path / f"{k}.png", np.full((3, 3), k, np.uint8))
        text += f'{k}.png,"0,{k % classes}"\n'
    notes = read_collection(write(tmp_path, text)).notes
    says = f"label has {classes} classes for 10 images: is it a number to measure?"
    assert [note.startswith(says) for note in notes] == [True] * told


def test_a_parquet_text_that_is_no_text(pictures: Path) -> None:
    table = pa.table({"image": ["img/0.png", "img/1.png"], "label": ["QQQQQQQQ", "b"]})
    pq.write_table(table, pictures / "t.parquet", use_dictionary=False, compression="none")
    content = (pictures / "t.parquet").read_bytes()
    (pictures / "t.parquet").write_bytes(content.replace(b"QQQQQQQQ", b"QQQ\xffQQQQ"))
    with pytest.raises(DataError, match="A Parquet table was expected"):
        read_collection(pictures / "t.parquet")


def test_parquet_columns_of_one_name(pictures: Path) -> None:
    names = ["image", "label", "label"]
    table = pa.table([["img/0.png"], ["a"], ["b"]], names=names)
    pq.write_table(table, pictures / "t.parquet")
    with pytest.raises(DataError, match="have to differ in name"):
        read_collection(pictures / "t.parquet")


def test_a_folder_with_one_table(pictures: Path, save: Callable) -> None:
    table = write(pictures, "image,label\n" + rows(*"ababab"), "labels.csv")
    (pictures / ".hidden.csv").write_text("no")
    found = read_collection(pictures)
    assert (found.name, found.source) == ("labels", str(table))
    assert found.everything.targets.tolist() == [0, 1, 0, 1, 0, 1]
    (pictures / "other.tsv").write_text("no")
    with pytest.raises(DataError, match=r"there are 2 tables \(labels\.csv, other\.tsv\): name"):
        read_collection(pictures)
    # Class folders win over tables: those were written about them.
    save(pictures / "dog" / "0.png", np.zeros((3, 3), np.uint8))
    assert read_collection(pictures).classes == ("dog", "img")


def test_a_folder_called_train_beside_its_table(tmp_path: Path, save: Callable) -> None:
    for k in range(4):
        save(tmp_path / "train" / f"{k}.png", np.full((3, 3), k, np.uint8))
    write(tmp_path, "image,label\n" + "".join(f"train/{k}.png,{k % 2}\n" for k in range(4)))
    assert read_collection(tmp_path).everything.targets.tolist() == [0, 1, 0, 1]
    save(tmp_path / "train" / "cat" / "0.png", np.zeros((3, 3), np.uint8))
    save(tmp_path / "train" / "dog" / "0.png", np.zeros((3, 3), np.uint8))
    assert read_collection(tmp_path).classes == ("cat", "dog")
