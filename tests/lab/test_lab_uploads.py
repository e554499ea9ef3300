"""Files of an upload come several at a time."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from firstlight.shells.lab.own_folder import OwnFolder
from firstlight.shells.lab.places import Places, open_part


def test_files_that_come_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    places = Places(tmp_path, tmp_path / "uploads", OwnFolder(tmp_path / "tried"))
    name = places.new_upload("many", keep=False)

    def bring(number: int) -> Path:
        target = places.upload_file(name, f"{number}.png")
        part, file = open_part(target)
        with file:
            file.write(b"x")
        part.replace(target)
        return target

    with ThreadPoolExecutor(8) as threads:
        targets = list(threads.map(bring, range(200)))
    assert sorted(targets) == sorted((places.tried.path / name).iterdir())
