"""Folders of pictures: one folder a class, with or without the parts of a split above them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from firstlight.core.dataset import Collection, Images, Refused
from firstlight.core.errors import DataError, SettingError
from firstlight.core.settings import DataSettings
from firstlight.data.options import refuse_columns
from firstlight.data.paths import list_files, shown, subfolders
from firstlight.data.stack import nothing_readable
from firstlight.data.stored_pictures import read_pictures
from firstlight.data.targets import PART_WORDS, class_targets


def read_folder(root: Path, settings: DataSettings) -> Collection:
    """Images in class folders, or in class folders below train, validation and test.

    The first folder of a file's path is its class, deeper folders do not count. Folders
    are parts of a split where one is called `train` (or `training`) and stands alone or
    beside another part (`validation`, `valid`, `val`, `test`, `testing`).

    Raises:
        DataError: if there are no class folders, fewer than two classes, or no readable image.
        SettingError: if the settings ask for columns or numbers, which folders do not have.
    """
    where = f"the folder {shown(root)}"
    refuse_columns(
        settings,
        f"in {where} the folders' names are the labels",
        "name the images in a CSV table that has this column",
    )
    if settings.task == "measure":
        raise SettingError(
            f"--task measure needs a number for each image, but in {where} the folders' names are "
            "the labels: leave it out, or name the images and their numbers in a CSV table."
        )
    has_parts = _has_parts(root)
    depth = 2 if has_parts else 1
    files, refused = list_files(root)
    chosen = []
    for path in files:
        folders = path.relative_to(root).parts[:-1]
        if has_parts and folders and folders[0].lower() not in PART_WORDS:
            refused.append(_left_out(path, root, "lies outside of the parts of the split"))
        elif len(folders) < depth:
            refused.append(_left_out(path, root, "lies outside of the class folders"))
        else:
            chosen.append(path)
    if not chosen:
        raise DataError(
            f"Class folders with images were expected in {where}, but there are none "
            f"({len(files):,} files lie elsewhere in it): put each image into a folder named "
            "after its class, or name the images and their labels in a CSV table."
        )
    names = np.array([shown(path.relative_to(root)) for path in chosen])
    stack = read_pictures(chosen, names.tolist(), settings)
    refused.extend(stack.refused)
    if not len(stack.kept):
        raise nothing_readable(where, refused)
    kept = [chosen[k].relative_to(root).parts for k in stack.kept]
    labels = [parts[depth - 1] for parts in kept]
    classes = sorted(set(labels))
    number = {name: k for k, name in enumerate(classes)}
    targets = class_targets(classes, np.array([number[label] for label in labels]), where)
    parts = [PART_WORDS[p[0].lower()] if has_parts else "" for p in kept]
    return Collection(
        name=root.resolve().name,
        source=str(root),
        task="classify",
        everything=Images(stack.images, targets.values, names[stack.kept]),
        parts=np.array(parts),
        classes=targets.classes,
        refused=tuple(sorted(refused, key=lambda item: item.file)),
        notes=stack.notes,
        sizes=stack.sizes,
        files_read=len(kept),
    )


def has_class_folders(root: Path) -> bool:
    """Whether two folders or more in `root`, or one in a part of a split, can be classes.

    Example:
        >>> import tempfile
        >>> has_class_folders(Path(tempfile.mkdtemp()))
        False
    """
    folders = list(subfolders(root))
    if _has_parts(root):
        return any(True for folder in folders for _ in subfolders(folder))
    return len(folders) > 1


def _has_parts(root: Path) -> bool:
    names = [PART_WORDS.get(folder.name.lower()) for folder in subfolders(root)]
    return "train" in names and (len(names) == 1 or len(set(names) - {None}) > 1)


def _left_out(path: Path, root: Path, reason: str) -> Refused:
    return Refused(shown(path.relative_to(root)), reason)
