"""Whether bfloat16, float32 and Keras itself end at the same accuracy, recipe by recipe.

    python benchmarks/same_accuracy.py             train, print the table
    python benchmarks/same_accuracy.py --write     the same, and put table and figure into docs/
    python benchmarks/same_accuracy.py --quick     few images and seeds, to see that it runs

Each recipe is trained with several seeds, all of it three times: by firstlight in float32 and in
bfloat16, and by Keras on TensorFlow with the same schedule. Where the processor has no bfloat16,
its rounding is imitated (`imitated_bfloat16.py`).
"""

import argparse
import json
import sys
import tempfile
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import environments
import tables
from agreement import pooled_deviation
from compare import FEW, write_data
from measuring import measure, read_options

SECTION = "same-accuracy"
FIGURE = tables.DOCS / "images" / "same-accuracy.png"
SIDES = {"keras": "Keras on TensorFlow", "float32": "float32", "bfloat16": "bfloat16"}


@dataclass(frozen=True)
class Size:
    """How much a recipe is trained here: images for training and for the test, and epochs."""

    images: tuple[int, int]
    epochs: int


RECIPES = {
    "compact": Size((20_000, 10_000), 1),
    "simple": Size((10_000, 10_000), 5),
    "intermediate": Size((10_000, 10_000), 5),
    # Fewer, and its moving statistics would still say more about the seed than about the network.
    "vgg": Size((6_000, 2_000), 4),
}


def train_all(options: argparse.Namespace, folder: Path) -> dict[str, dict[str, list[float]]]:
    """Test accuracies in percent: recipe, side, seed."""
    python = environments.python_of("tensorflow", options.environments)
    found: dict[str, dict[str, list[float]]] = {}
    for recipe in options.recipes:
        size = RECIPES[recipe]
        data = write_data(folder, FEW if options.quick else size.images)
        found[recipe] = {}
        for side in SIDES:
            asked = [side, recipe, data, str(size.epochs), str(options.seeds)]
            keras = side == "keras"
            command = [python if keras else sys.executable, "-m", "contenders.recipe", *asked]
            backend = {"KERAS_BACKEND": "tensorflow" if keras else "torch"}
            measured = measure(command, folder, backend)
            scores = json.loads(measured.output.splitlines()[-1])["accuracies"]
            found[recipe][side] = [100 * score for score in scores]
            told = ", ".join(f"{score:.2f}" for score in found[recipe][side])
            print(f"{recipe}, {side}: {told} % in {measured.seconds:.0f} s", flush=True)
    return found


def as_markdown(results: dict[str, Any]) -> str:
    """The section of docs/benchmarks.md."""
    rows = []
    for recipe, sides in results["accuracies"].items():
        size = RECIPES[recipe]
        shown = [f"{fmean(scores):.2f} ± {stdev(scores):.2f}" for scores in sides.values()]
        deviation = pooled_deviation(sides) or 0.0
        error = deviation * sqrt(2 / len(sides["float32"]))
        means = {side: fmean(scores) for side, scores in sides.items()}
        differences = [means["bfloat16"] - means["float32"], means["float32"] - means["keras"]]
        shown += [f"{difference:+.2f} ± {2 * error:.2f}" for difference in differences]
        within = all(abs(difference) <= deviation for difference in differences)
        what = f"`{recipe}`, {size.images[0]:,} images, epochs: {size.epochs}"
        rows.append([what, *shown, "yes" if within else "no"])
    head = [
        "recipe",
        *(f"{title}, %" for title in SIDES.values()),
        "bfloat16 less float32",
        "float32 less Keras",
        "within the spread",
    ]
    seeds = len(next(iter(results["accuracies"].values()))["float32"])
    flags = set(results["machine"]["instructions"])
    fast = flags & {"avx512_bf16", "amx_bf16"}
    ends = (
        f"Mean and standard deviation over {seeds} seeds; differences of means with two standard "
        "errors; *within the spread*: both differences are at most the standard deviation from "
        f"seed to seed. bfloat16 is {'native' if fast else 'imitated'} here."
    )
    return "\n\n".join(
        [
            tables.machine_sentence(results["machine"]),
            tables.table(head, rows),
            "![Test accuracy of every seed](images/same-accuracy.png)",
            ends,
        ]
    )


def draw(results: dict[str, Any], path: Path) -> None:
    """Every seed's accuracy as a dot, the mean as a line; a panel for each recipe."""
    from firstlight.draw.style import (
        INK,
        NEGATIVE,
        POSITIVE,
        QUIET,
        add_panel,
        grid,
        new_figure,
        to_png,
    )

    found = results["accuracies"]
    width, gap = 1.8, 0.6
    figure = new_figure(len(found) * (width + gap) + 0.25, 2.6)
    for number, (recipe, sides) in enumerate(found.items()):
        place = (0.65 + number * (width + gap), 0.45, width, 1.75)
        label = "test accuracy, %" if number == 0 else ""
        axes = add_panel(figure, *place, title=recipe, ylabel=label)
        grid(axes)
        colours = (QUIET, POSITIVE, NEGATIVE)
        for x, (scores, colour) in enumerate(zip(sides.values(), colours, strict=True)):
            across = [x + 0.08 * (k - (len(scores) - 1) / 2) for k in range(len(scores))]
            axes.plot(across, scores, "o", color=colour, markersize=5, alpha=0.8)
            axes.plot([x - 0.32, x + 0.32], [fmean(scores)] * 2, color=INK, linewidth=1.2)
        axes.set_xlim(-0.6, 2.6)
        axes.set_xticks(range(3))
        axes.set_xticklabels(["Keras", "float32", "bfloat16"])
    path.write_bytes(to_png(figure))


def main() -> None:
    parser = argparse.ArgumentParser(description="The same accuracy in bfloat16 and float32.")
    environments.add_option(parser)
    parser.add_argument("--seeds", type=int, default=5, help="trainings of each")
    parser.add_argument("--recipes", nargs="*", default=list(RECIPES), choices=RECIPES)
    options = read_options(parser, quick="few images, two seeds")
    options.seeds = 2 if options.quick else options.seeds
    where = tables.machine()
    with tempfile.TemporaryDirectory() as scratch:
        results = {"machine": where, "accuracies": train_all(options, Path(scratch))}
    text = as_markdown(results)
    print(f"\n{text}")
    if options.write:
        tables.publish(SECTION, results, text)
        draw(results, FIGURE)


if __name__ == "__main__":
    main()
