"""The notebook's cells with one line changed, on three Keras backends.

    python benchmarks/cells.py             train, print the table
    python benchmarks/cells.py --write     the same, and put it into docs/benchmarks.md
    python benchmarks/cells.py --quick     a few hundred images, to see that everything runs

`model.fit(` becomes `firstlight.fit(model, `; the rest of the cells stays. Accuracy and seconds
of the whole process stand beside those of Keras's own `fit` on the same backend.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import environments
import tables
from agreement import standing_out
from compare import CONTENDERS, FEW, WORKLOADS, Row, run_contender, write_data
from measuring import read_options

SECTION = "cells"
BACKENDS = {"keras-tensorflow": "TensorFlow", "keras-jax": "JAX", "keras-torch": "torch"}
SIDES = ("keras", "firstlight")
Runs = dict[str, dict[str, dict[str, list[Row]]]]  # network, backend, side


def train_all(options: argparse.Namespace, folder: Path) -> Runs:
    """Every network on every backend by both sides, seed after seed."""
    runs: Runs = {
        work.network: {name: {side: [] for side in SIDES} for name in BACKENDS}
        for work in WORKLOADS
    }
    for seed in range(options.seeds):
        for work in WORKLOADS:
            some = (options.images, 10_000) if options.images else None
            asked = replace(work, images=work.images or some)
            data = write_data(folder, FEW if options.quick else asked.images)
            start = [work.network, data, str(work.epochs), str(work.batch_size)]
            for name in BACKENDS:
                for side in SIDES:
                    arguments = [*start, str(work.learning_rate), str(seed), side]
                    row = run_contender(CONTENDERS[name], arguments, options.environments, folder)
                    runs[work.network][name][side].append(row)
                    told = f"{row['accuracy']:.2%}, {row['seconds']:.1f} s"
                    print(f"seed {seed}, {work.network}, {name}, {side}: {told}", flush=True)
    return runs


def as_markdown(results: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    for network, backends in results["runs"].items():
        samples = {
            f"{name} {side}": [100 * row["accuracy"] for row in sides[side]]
            for name, sides in backends.items()
            for side in SIDES
        }
        marked = standing_out(samples)
        for name, sides in backends.items():
            shown = []
            for side in SIDES:
                sample = samples[f"{name} {side}"]
                spread = f" ± {stdev(sample):.2f}" if len(sample) > 1 else ""
                mark = " †" if f"{name} {side}" in marked else ""
                shown.append(f"{fmean(sample):.2f}{spread}{mark}")
            seconds = [median(row["seconds"] for row in sides[side]) for side in SIDES]
            shown += [f"{each:.1f}" for each in seconds]
            rates = [median(row["images_per_second"] for row in sides[side]) for side in SIDES]
            shown += [f"{rates[1] / rates[0]:.2f}", f"{seconds[0] / seconds[1]:.2f}"]
            rows.append([f"`{network}`, {BACKENDS[name]}", *shown])
    head = [
        "network, backend",
        "accuracy, `model.fit`, %",
        "accuracy, `firstlight.fit`, %",
        "`model.fit`, s",
        "`firstlight.fit`, s",
        "training ×",
        "whole ×",
    ]
    seeds, images = results["seeds"], results["images"]
    ends = (
        f"{seeds} seed{'s' if seeds > 1 else ''}, on {images or 'all'} training images (`vgg`: as "
        "above). † marks a mean more than three standard errors away from the network's others."
    )
    return "\n\n".join(
        [tables.machine_sentence(results["machine"]), tables.table(head, rows), ends]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="The notebook's cells on three backends.")
    environments.add_option(parser)
    parser.add_argument("--seeds", type=int, default=3, help="runs of each")
    parser.add_argument("--images", type=int, help="of `simple` and `intermediate` (all)")
    options = read_options(parser, quick="few images, one seed")
    options.seeds = 1 if options.quick else options.seeds
    where = tables.machine()
    with tempfile.TemporaryDirectory() as scratch:
        runs = train_all(options, Path(scratch))
    results = {
        "machine": where,
        "seeds": options.seeds,
        "images": FEW[0] if options.quick else options.images,
        "runs": runs,
    }
    text = as_markdown(results)
    print(f"\n{text}")
    if options.write:
        tables.publish(SECTION, results, text)


if __name__ == "__main__":
    main()
