"""Model files taken apart and put together again."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

Members = dict[str, bytes]


def pack(folder: Path, members: Members, compression: int = zipfile.ZIP_STORED) -> Path:
    path = folder / "hostile.keras"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def with_config(members: Members, change: Callable[[dict[str, Any]], Any]) -> Members:
    config = json.loads(members["config.json"])
    changed = change(config)
    return members | {"config.json": json.dumps(config if changed is None else changed).encode()}


def layer(config: dict[str, Any], index: int) -> dict[str, Any]:
    found: dict[str, Any] = config["config"]["layers"][index]
    return found
