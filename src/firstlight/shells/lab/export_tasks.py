"""Making files out of a run, in a process of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from firstlight.core.delivery import Delivery
from firstlight.core.errors import RunError
from firstlight.core.files import write_error
from firstlight.core.run_folder import RunFolder, find_run
from firstlight.shells.lab.opened_run import OpenedRun

ENDINGS = {"keras": ".keras", "onnx": ".onnx", "script": ".py", "notebook": ".ipynb"}


def made_files(run: OpenedRun, form: str, folder: str) -> dict[str, Any]:
    """Make what `messages.exporting.Form` names in an empty folder.

    Raises:
        FirstlightError: it cannot be made; see `firstlight.api.export` and `eject`.
    """
    from firstlight import api

    if form == "run":
        return _zipped(run.folder, Path(folder))
    target = Path(folder) / f"{run.folder.name}{ENDINGS[form]}"
    delivery: Delivery
    if form in ("script", "notebook"):
        delivery = api.eject(run.folder.path, target)
    else:
        delivery = api.export(run.folder.path, form, target)
    names = [Path(file).name for file in delivery.files]
    return {"files": names, "sentences": delivery.checked(), "notes": delivery.notes}


def _zipped(run: RunFolder, folder: Path) -> dict[str, Any]:
    """The whole run folder as one file."""
    find_run(run.path, run.path.parent)  # refuses links, which would bring in files from elsewhere
    target = folder / f"{run.name}.zip"
    try:
        shutil.make_archive(str(target.with_suffix("")), "zip", run.path.parent, run.name)
        with ZipFile(target) as archive:
            broken, files = (
                archive.testzip(),
                [one for one in archive.infolist() if not one.is_dir()],
            )
    except OSError as error:
        raise write_error(target, error) from error
    if broken is not None:
        raise RunError(f"{broken} came out damaged: have the disk checked, and try again.")
    return {
        "files": [target.name],
        "sentences": [f"{len(files)} files, read back and compared with their checksums."],
        "notes": [],
    }
