"""How well the neutral fraction is measured: on maps of our own, and on another simulator's.

    python benchmarks/science.py --write            simulate, train, test, put the table into docs
    python benchmarks/science.py clean hard         only these rows (others stay as they were)
    python benchmarks/science.py --cubes FILE ...   standard, hard also on another simulator's cubes
    python benchmarks/science.py --work FOLDER ...  keep maps and runs there, and use what is there
    python benchmarks/science.py --quick            a few small maps, to see that it runs

Each network is tested once, on whole boxes that it was not trained on. FILE is as in
`reionisation.py`; every fourth slice of each cube is taken, along each axis.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tables
from measuring import read_options

PAGE = tables.DOCS / "publish.md"
RESULTS = tables.HERE / "science.json"
LEVEL = 0.9

Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One row of the table: what is simulated, how it is seen, and how it is trained."""

    telescope: str
    boxes: int
    cells: int
    epochs: int
    networks: int
    words: tuple[str, ...] = ()


# The example's network, trained as the recipe `maps` is, but for one number in place of two.
BRIGHTNESS = (
    *("--model", f"{tables.HERE.parent / 'examples/periodic-sky/brightness.py'}:make_model"),
    *("--loss", "mean_squared_error", "--side", "z", "--augment", "turn,flip:both,roll"),
    *("--batch-size", "64", "--optimizer", "adam", "--learning-rate", "2e-3"),
    *("--schedule", "one-cycle", "--average", "0.999"),
)
CASES = {
    "clean": Case("clean", 300, 64, 56, 1, BRIGHTNESS),
    "standard": Case("standard", 300, 64, 20, 3),
    "hard": Case("hard", 300, 64, 20, 1),
    "hard-128": Case("hard", 80, 128, 16, 1),
}
# Also tested on another simulator's cubes, which are as large as the maps that they learnt on.
CARRIED_OVER = {"standard": "standard, on 21cmFAST", "hard": "hard, on 21cmFAST"}
QUICK = Case("standard", 12, 32, 1, 1)


def firstlight(words: list[str], folder: Path) -> Row:
    """One command's answer."""
    command = [sys.executable, "-m", "firstlight", *words, "--json"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"firstlight {' '.join(words)}: {ended.stderr[-2000:]}")
    return dict(json.loads(ended.stdout))


def report_of(name: str, case: Case, folder: Path) -> Row:
    """The report of a case's run, which is trained unless it is there."""
    report = folder / "runs" / name / "report.json"
    if not report.exists():
        sky = f"sky-{case.cells}"
        size = ["--boxes", str(case.boxes), "--cells", str(case.cells)]
        firstlight(["simulate", "reionisation", *size, "--out", sky], folder)
        words = ["train", sky, "--telescope", case.telescope, "--epochs", str(case.epochs)]
        if case.networks > 1:
            words += ["--ensemble", str(case.networks)]
        firstlight([*words, *case.words, "--name", name], folder)
    return dict(json.loads(report.read_text()))


def slices(cubes: Path, target: Path, every: int = 4) -> None:
    """The cubes of another simulator as maps with what is known of them."""
    maps: list[Any] = []
    fractions: list[float] = []
    redshifts: list[float] = []
    groups: list[str] = []
    with np.load(cubes, allow_pickle=False) as stored:
        for number in range(sum(name.startswith("tb_") for name in stored.files)):
            sky, neutral = stored[f"tb_{number}"], stored[f"xhi_{number}"] / 255
            box, redshift = stored[f"info_{number}"][:2].tolist()
            for axis in range(3):
                for index in range(0, sky.shape[axis], every):
                    fraction = float(neutral.take(index, axis).mean())
                    if 0.01 < fraction < 0.99:
                        maps.append(sky.take(index, axis).astype(np.float32))
                        fractions.append(fraction)
                        redshifts.append(redshift)
                        groups.append(f"box {box:.0f}")
    np.savez(
        target,
        images=np.stack(maps),
        xHI=np.array(fractions),
        z=np.array(redshifts),
        groups=np.array(groups),
    )


def scores_of(report: Row) -> Row:
    """What the table shows of a report."""
    trust = report["trust"][0]
    held = next(row for row in trust["coverage"] if row["level"] == LEVEL)
    forest = next((way for way in trust["baselines"] if way["name"] == "forest"), None)
    return {
        "count": report["count"],
        "r2": report["scores"]["r2"],
        "rmse": report["scores"]["rmse"],
        "bias": report["scores"]["bias"],
        "forest": forest and {"r2": forest["r2"], "rmse": forest["rmse"]},
        "covered": held["covered"],
    }


def as_markdown(results: dict[str, Row]) -> str:
    """One row a test, in the order of `CASES`."""

    def within(score: Row, digits: int) -> str:
        low, high = f"{score['low']:.{digits}f}", f"{score['high']:.{digits}f}"
        return f"{score['value']:.{digits}f} ({low} to {high})"

    head = ["tested on", "maps", "r2", "rmse", "forest: r2, rmse", "intervals of 90 % hold"]
    rows = []
    for name in [name for name in (*CASES, *CARRIED_OVER.values()) if name in results]:
        row = results[name]
        forest = row["forest"]
        simple = f"{forest['r2']['value']:.3f}, {forest['rmse']['value']:.4f}" if forest else ""
        scores = [within(row["r2"], 4), within(row["rmse"], 4), simple, within(row["covered"], 2)]
        rows.append([name, f"{row['count']:,}", *scores])
    return tables.table(head, rows)


def measure_all(options: argparse.Namespace, folder: Path) -> dict[str, Row]:
    """The scores of each case that is asked for."""
    if options.quick:
        return {"standard": scores_of(report_of("standard", QUICK, folder))}
    found: dict[str, Row] = {}
    for name in options.cases:
        found[name] = scores_of(report_of(name, CASES[name], folder))
        print(f"{name}: {json.dumps(found[name])}", flush=True)
    if options.cubes is not None:
        slices(options.cubes.resolve(), folder / "others.npz")
        for name in [name for name in CARRIED_OVER if name in options.cases]:
            words = ["evaluate", name, "others.npz", "--telescope", CASES[name].telescope]
            found[CARRIED_OVER[name]] = scores_of(firstlight(words, folder))
    return found


def main() -> None:
    """Measure as the command line asks for it."""
    parser = argparse.ArgumentParser(description="How well the neutral fraction is measured.")
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"of {', '.join(CASES)}")
    parser.add_argument("--cubes", type=Path, help="cubes of another simulator (.npz)")
    parser.add_argument("--work", type=Path, help="folder for maps and runs (default: forgotten)")
    options = read_options(parser, "a few small maps, one epoch")
    unknown = sorted(set(options.cases) - set(CASES))
    if unknown:
        parser.error(f"there is no case {unknown[0]}: there are {', '.join(CASES)}")
    with ExitStack() as stack:
        folder = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        found = measure_all(options, folder.resolve())
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    text = as_markdown(found if options.quick else known | found)
    print(text)
    if options.write:
        RESULTS.write_text(json.dumps(known | found, indent=2) + "\n")
        tables.put_into(PAGE, text)


if __name__ == "__main__":
    main()
