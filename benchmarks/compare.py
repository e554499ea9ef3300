"""firstlight beside Keras on three backends, a PyTorch loop, Lightning and fastai, in one run.

    python benchmarks/compare.py             measure, print the tables
    python benchmarks/compare.py --write     the same, and put tables and figure into docs/
    python benchmarks/compare.py --quick     a few hundred images, to see that everything runs

firstlight is this checkout, with the packages beside the Python that runs this script
(`pip install .`); everybody else gets an environment of their own, made on the first call. Every
measurement is a process of its own on the same cores; contenders take turns, so that a slow
minute of the machine hits all of them.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

import compare_report
import environments
import tables
from measuring import measure, read_options

HERE = Path(__file__).resolve().parent
FIRSTLIGHT = str(Path(sys.executable).with_name("firstlight"))
PRESETS = ("fast", "good", "best")
SEEDS = (0, 1, 2)
FEW = (512, 256)

Row = dict[str, Any]


@dataclass(frozen=True)
class Workload:
    """One of the notebook's networks, trained as its cells train it; `images` None means all."""

    network: str
    epochs: int
    batch_size: int
    learning_rate: float
    images: tuple[int, int] | None = None  # for training, for the test


WORKLOADS = (
    Workload("simple", epochs=5, batch_size=256, learning_rate=0.001),
    Workload("intermediate", epochs=5, batch_size=256, learning_rate=0.001),
    # Fewer images, so that a run takes about a minute; and a rate at which so few of them
    # bring every seed to about the same accuracy, which the notebook's 0.01 does not.
    Workload("vgg", epochs=2, batch_size=128, learning_rate=0.001, images=(6_000, 2_000)),
)


@dataclass(frozen=True)
class Contender:
    """Somebody to compare with: the environment, the module that trains, Keras's backend."""

    environment: str
    module: str
    backend: str = ""


CONTENDERS = {
    "keras-tensorflow": Contender("tensorflow", "contenders.keras_cells", "tensorflow"),
    "keras-jax": Contender("jax", "contenders.keras_cells", "jax"),
    "keras-torch": Contender("torch", "contenders.keras_cells", "torch"),
    "torch": Contender("torch", "contenders.torch_loop"),
    "lightning": Contender("lightning", "contenders.lightning_trainer"),
    "fastai": Contender("fastai", "contenders.fastai_learner"),
}


def write_data(folder: Path, images: tuple[int, int] | None) -> str:
    """The path of MNIST, or its first images, as an .npz file; made on the first call."""
    counts = [str(count) for count in images or ()]
    path = folder / ("-".join(["mnist", *counts]) + ".npz")
    if not path.exists():
        measure([sys.executable, str(HERE / "mnist_arrays.py"), str(path), *counts], folder)
    return str(path)


def run_firstlight(options: Sequence[str], name: str, folder: Path) -> Row:
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
        "precision": json.loads((run / "run.json").read_text())["machine"]["precision"],
    }


def run_contender(
    contender: Contender, arguments: Sequence[str], environments_folder: Path, folder: Path
) -> Row:
    """One contender's training, measured from outside, with what it prints."""
    python = environments.python_of(contender.environment, environments_folder)
    variables = {"KERAS_BACKEND": contender.backend} if contender.backend else {}
    measured = measure([python, "-m", contender.module, *arguments], folder, variables)
    return {
        "seconds": measured.seconds,
        "peak_megabytes": measured.peak_megabytes,
        "precision": "float32",
        **json.loads(measured.output.splitlines()[-1]),
    }


def one_turn(work: Workload, name: str, seed: int, data: str, places: tuple[Path, Path]) -> Row:
    """One run of one network; `places` are the environments and a folder to work in."""
    arguments = [str(work.epochs), str(work.batch_size), str(work.learning_rate), str(seed)]
    if name != "firstlight":
        return run_contender(CONTENDERS[name], [work.network, data, *arguments], *places)
    names = ("--epochs", "--batch-size", "--learning-rate", "--seed")
    options = [text for pair in zip(names, arguments, strict=True) for text in pair]
    options += ["--model", work.network, "--optimizer", "adam"]
    return run_firstlight([data, *options], f"{work.network}-{seed}", places[1])


def networks(places: tuple[Path, Path], turns: int, names: list[str], quick: bool) -> Row:
    """The notebook's three networks with every contender, in turns; the seed is the turn."""
    ceilings = []
    collected: dict[str, dict[str, list[Row]]] = {
        work.network: {name: [] for name in names} for work in WORKLOADS
    }
    for turn in range(turns):
        ceiling = measure([sys.executable, str(HERE / "arithmetic_peak.py")], places[1])
        ceilings.append(json.loads(ceiling.output))
        for work in WORKLOADS:
            data = write_data(places[1], FEW if quick else work.images)
            # To and fro, so that nobody always follows the same one.
            for name in names if turn % 2 == 0 else reversed(names):
                row = one_turn(work, name, turn, data, places)
                collected[work.network][name].append(row)
                told = f"{row['images_per_second']:,.0f} images/s, {row['seconds']:.1f} s"
                print(f"turn {turn + 1}, {work.network}, {name}: {told}", flush=True)
    formats = ceilings[0]["peak"]
    peak = {name: max(each["peak"][name] for each in ceilings) for name in formats}
    return {"peak": peak, "flops": ceilings[0]["flops"], "runs": collected}


def main_job(folder: Path, quick: bool) -> Row:
    """`firstlight train mnist` by preset with three seeds, and how long `--help` takes."""
    data = write_data(folder, FEW) if quick else "mnist"
    presets = {}
    for preset in PRESETS:
        rows = []
        for seed in SEEDS[: 1 if quick else None]:
            options = [data, "--preset", preset, "--seed", str(seed)]
            rows.append(run_firstlight(options, f"{preset}-{seed}", folder))
            told = f"{rows[-1]['seconds']:.1f} s, {rows[-1]['accuracy']:.2%}"
            print(f"preset {preset}, seed {seed}: {told}", flush=True)
        presets[preset] = {
            "seconds": fmean(row["seconds"] for row in rows),
            "accuracy": fmean(row["accuracy"] for row in rows),
            "peak_megabytes": max(row["peak_megabytes"] for row in rows),
            "runs": rows,
        }
    helps = [measure([FIRSTLIGHT, "--help"], folder).seconds for _ in range(7)]
    return {"presets": presets, "help_seconds": median(helps)}


def main() -> None:
    parser = argparse.ArgumentParser(description="firstlight beside other ways to train.")
    environments.add_option(parser)
    parser.add_argument("--repetitions", type=int, default=5, help="of each network")
    parser.add_argument("--contenders", nargs="*", default=list(CONTENDERS), choices=CONTENDERS)
    parser.add_argument("--part", choices=("main-job", "networks"), help="only this one")
    options = read_options(parser, quick="few images, one repetition")

    where = tables.machine()
    sections: dict[str, Row] = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if options.part != "networks":
            sections["main-job"] = main_job(folder, options.quick) | {"machine": where}
        if options.part != "main-job":
            for name in options.contenders:
                environments.python_of(CONTENDERS[name].environment, options.environments)
            turns = 1 if options.quick else options.repetitions
            names = ["firstlight", *options.contenders]
            measured = networks((options.environments, folder), turns, names, options.quick)
            sections["networks"] = measured | {"machine": where}
    for section, results in sections.items():
        text = compare_report.as_markdown(section, results)
        print(f"\n{text}")
        if options.write:
            tables.publish(section, results, text)
    if options.write and "networks" in sections:
        compare_report.draw(sections["networks"], tables.DOCS / "images" / "benchmarks.png")


if __name__ == "__main__":
    main()
