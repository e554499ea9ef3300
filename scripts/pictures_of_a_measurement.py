"""Draw the pictures of docs/publish.md: two runs of benchmarks/science.py and their report.

    python scripts/pictures_of_a_measurement.py WORK    the folder given to science.py --work

Needs Chromium, which shows the page.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import firstlight as fl

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
QUIET = ("no-first-run", "disable-background-networking", "disable-component-update")


def photograph(page: Path, height: int, picture: Path) -> None:
    """A page as a picture of that height in pixels."""
    with tempfile.TemporaryDirectory() as profile:
        words = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        words += [f"--{word}" for word in QUIET]
        words += [f"--user-data-dir={profile}", f"--window-size=1140,{height}"]
        words += [f"--screenshot={picture}", page.resolve().as_uri()]
        subprocess.run(["chromium", *words], check=True, capture_output=True)


def main() -> None:
    """Write docs/images/measure-*.png."""
    work = Path(sys.argv[1])
    for name in ("standard", "hard"):
        figure = work / "runs" / name / "figures" / "predicted-against-true.png"
        shutil.copyfile(figure, IMAGES / f"measure-{name}.png")
    photograph(work / "runs" / "standard" / "report.html", 1480, IMAGES / "measure-report.png")
    with tempfile.TemporaryDirectory() as look:
        fl.explore(work / "sky-64", save=look)
        photograph(Path(look) / "index.html", 1500, IMAGES / "measure-explore.png")


if __name__ == "__main__":
    main()
