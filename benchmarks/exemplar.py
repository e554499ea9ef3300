"""firstlight beside the exemplar's own cells in Keras on TensorFlow, in one run.

    python benchmarks/exemplar.py            measure, print the tables and the ratios
    python benchmarks/exemplar.py --write    the same, and put them into docs/benchmarks.md
    python benchmarks/exemplar.py --quick    a few hundred images, to see that everything runs

firstlight is the one beside the Python that runs this script (`pip install .`); TensorFlow gets an
environment of its own, made on the first call. Every measurement is a process of its own on the
same cores; contenders take turns, so that a slow minute of the machine hits both.

This process stays small on purpose: Linux counts a parent's memory at the start of a child.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median
from typing import Any

import tables
from measuring import measure

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
FIRSTLIGHT = str(Path(sys.executable).with_name("firstlight"))
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "firstlight-benchmarks"
SEEDS = (0, 1, 2)

Row = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """One of the exemplar's networks, trained as its cells train it; `images` None means all."""

    network: str
    epochs: int
    batch_size: int
    learning_rate: float
    images: tuple[int, int] | None = None  # for training, for the test


WORKLOADS = (
    Workload("simple", epochs=5, batch_size=256, learning_rate=0.001),
    Workload("intermediate", epochs=5, batch_size=256, learning_rate=0.001),
    # Fewer images: what is compared here is the speed.
    Workload("vgg", epochs=1, batch_size=128, learning_rate=0.01, images=(8_000, 2_000)),
)


def tensorflow_python(environments: Path) -> str:
    """The Python of the environment that holds TensorFlow; the environment is made if missing."""
    folder = environments / "tensorflow"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"Making an environment with TensorFlow in {folder} (once).", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "tensorflow-cpu>=2.21,<3"]
        subprocess.run(pip, check=True)
        (folder / "complete").touch()
    return str(python)


def write_data(folder: Path, images: tuple[int, int] | None) -> str:
    """The path of MNIST, or its first images, as an .npz file; made on the first call."""
    counts = [str(count) for count in images or ()]
    path = folder / ("-".join(["mnist", *counts]) + ".npz")
    if not path.exists():
        command = [sys.executable, str(HERE / "mnist_arrays.py"), str(path), *counts]
        subprocess.run(command, check=True)
    return str(path)


def run_firstlight(options: list[str], name: str, folder: Path) -> Row:
    """One `firstlight train`, measured from outside, with what its run folder says."""
    measured = measure([FIRSTLIGHT, "train", *options, "--name", name, "--json"], folder)
    run = folder / "runs" / name
    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    report = json.loads((run / "report.json").read_text())
    rates = [event["images_per_second"] for event in events if event["kind"] == "epoch"]
    return {
        "seconds": measured.seconds,
        "peak_megabytes": measured.peak_megabytes,
        "images_per_second": median(rates),
        "accuracy": report["scores"]["accuracy"]["value"],
    }


def run_keras(arguments: list[str], python: str, folder: Path) -> Row:
    """One run of the exemplar's cells, measured from outside, with what they print."""
    measured = measure([python, str(HERE / "exemplar_cells.py"), *arguments], folder)
    return {
        "seconds": measured.seconds,
        "peak_megabytes": measured.peak_megabytes,
        **json.loads(measured.output.splitlines()[-1]),
    }


def summary(rows: list[Row]) -> Row:
    """Medians of what was measured, the mean of the accuracies, and the single runs."""
    numbers = ("seconds", "peak_megabytes", "images_per_second")
    medians = {name: median(row[name] for row in rows) for name in numbers}
    return {**medians, "accuracy": mean(row["accuracy"] for row in rows), "runs": rows}


def digits(folder: Path, data: str) -> Row:
    """The main job: `firstlight train mnist` with three seeds, and how long `--help` takes."""
    rows = [run_firstlight([data, "--seed", str(seed)], f"digits-{seed}", folder) for seed in SEEDS]
    helps = [measure([FIRSTLIGHT, "--help"], folder).seconds for _ in range(7)]
    return summary(rows) | {"help_seconds": median(helps)}


def one_turn(work: Workload, side: str, turn: int, *, data: str, python: str, folder: Path) -> Row:
    """One side's run of one network."""
    print(f"{work.network}, {tables.TITLES[side]}, turn {turn + 1}", flush=True)
    if side == "keras":
        arguments = [work.network, data, str(work.epochs), str(work.batch_size)]
        return run_keras(arguments, python, folder)
    options = [data, "--model", work.network, "--epochs", str(work.epochs)]
    options += ["--batch-size", str(work.batch_size), "--seed", str(turn)]
    options += ["--optimizer", "adam", "--learning-rate", str(work.learning_rate)]
    return run_firstlight(options, f"{work.network}-{turn}", folder)


def networks(python: str, folder: Path, turns: int, quick: bool) -> dict[str, dict[str, Row]]:
    """The exemplar's three networks on both sides, in turns."""
    collected: dict[str, dict[str, list[Row]]] = {
        work.network: {"keras": [], "firstlight": []} for work in WORKLOADS
    }
    for turn in range(turns):
        for work in WORKLOADS:
            data = write_data(folder, (512, 256) if quick else work.images)
            sides = collected[work.network]
            for side in sorted(sides, reverse=turn % 2 == 1):
                row = one_turn(work, side, turn, data=data, python=python, folder=folder)
                sides[side].append(row)
    return {
        network: {side: summary(rows) for side, rows in sides.items()}
        for network, sides in collected.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="firstlight beside Keras on TensorFlow.")
    parser.add_argument("--environments", type=Path, default=CACHE, help="where TensorFlow lives")
    parser.add_argument("--cores", type=int, default=2, help="processor cores for each process")
    parser.add_argument("--repetitions", type=int, default=3, help="of each network")
    parser.add_argument("--quick", action="store_true", help="few images, one repetition")
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    options = parser.parse_args()
    if options.quick and options.write:
        parser.error("--quick measures nothing that is worth writing down")

    # Every process started from here inherits this.
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: options.cores])
    python = tensorflow_python(options.environments)
    turns = 1 if options.quick else options.repetitions
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        results = {
            "machine": tables.machine(),
            "digits": digits(folder, write_data(folder, (512, 256)) if options.quick else "mnist"),
            "networks": networks(python, folder, turns, options.quick),
        }
    text = tables.as_markdown(results)
    print(f"\n{text}")
    if options.write:
        tables.put_into(PAGE, text)
        (HERE / "results.json").write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
