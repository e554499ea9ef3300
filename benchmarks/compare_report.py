"""What `compare.py` measured, as Markdown and as a figure.

python benchmarks/compare_report.py    write both again from results.json
"""

import json
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any

import tables
from agreement import standing_out

TITLES = {
    "firstlight": "firstlight",
    "keras-tensorflow": "Keras on TensorFlow",
    "keras-jax": "Keras on JAX",
    "keras-torch": "Keras on torch",
    "torch": "PyTorch, loop by hand",
    "lightning": "Lightning",
    "fastai": "fastai",
}
HEAD = ["images/s", "of the peak, %", "whole process, s", "peak memory, MB", "test accuracy, %"]
Runs = list[dict[str, Any]]


def middle(runs: Runs, quantity: str) -> float:
    """The median over the repetitions."""
    return median(run[quantity] for run in runs)


def ratio(over: Runs, under: Runs, quantity: str) -> float:
    """The median over the turns of the ratio within a turn: what slows a turn slows both."""
    pairs = zip(over, under, strict=True)
    return median(one[quantity] / other[quantity] for one, other in pairs)


def share_of_peak(results: dict[str, Any], network: str, runs: Runs) -> float:
    """Operations done a second, of what a matrix product does in the same number format."""
    rate = middle(runs, "images_per_second") * results["flops"][network] / 1e9
    return rate / float(results["peak"][runs[0]["precision"]])


def as_markdown(section: str, results: dict[str, Any]) -> str:
    """The text of a section of docs/benchmarks.md."""
    return _main_job(results) if section == "main-job" else _networks(results)


def _main_job(results: dict[str, Any]) -> str:
    rows = [
        [
            f"`firstlight train mnist --preset {name}`",
            f"{row['seconds']:.1f}",
            f"{100 * row['accuracy']:.2f}",
            f"{row['peak_megabytes']:,.0f}",
        ]
        for name, row in results["presets"].items()
    ]
    head = ["", "whole process, s", "test accuracy, %", "peak memory, MB"]
    ends = f"Means of three seeds. `firstlight --help` answers in {results['help_seconds']:.2f} s."
    return "\n\n".join(
        [tables.machine_sentence(results["machine"]), tables.table(head, rows), ends]
    )


def _networks(results: dict[str, Any]) -> str:
    peak = ", ".join(f"{rate:.3g} in {name}" for name, rate in results["peak"].items())
    some = next(iter(results["runs"].values()))
    used = {name: number for runs in some.values() for name, number in _versions(runs).items()}
    parts = [
        tables.machine_sentence(results["machine"]),
        f"Others with {', '.join(f'{name} {number}' for name, number in used.items())}. Measured "
        f"peak of a matrix product, in 10⁹ operations a second: {peak}.",
        "![Images a second, seconds and memory of each contender](images/benchmarks.png)",
    ]
    for network, sides in results["runs"].items():
        turns = len(sides["firstlight"])
        head = [f"`{network}`, {turns} turn{'s' if turns > 1 else ''}", *HEAD]
        parts.append(tables.table(head, _rows(results, network, sides)))
    if len(some["firstlight"]) == 1:
        parts.append("One turn: there is no spread of seeds to judge accuracies by.")
        return "\n\n".join(parts)
    parts.append(
        "† the mean accuracy is more than three standard errors away from the median of all."
        if any("†" in part for part in parts)
        else "All reach the same accuracy within three standard errors of their means."
    )
    return "\n\n".join(parts)


def _versions(runs: Runs) -> dict[str, str]:
    return dict(runs[0].get("versions", {}))


def _rows(results: dict[str, Any], network: str, sides: dict[str, Runs]) -> list[list[str]]:
    ours = sides["firstlight"]
    other = standing_out({name: [run["accuracy"] for run in runs] for name, runs in sides.items()})
    rows = []
    for name, runs in sides.items():
        scores = [100 * run["accuracy"] for run in runs]
        spread = f" ± {stdev(scores):.2f}" if len(scores) > 1 else ""
        # By how much firstlight is faster, sooner and smaller.
        gains = [""] * 3
        if runs is not ours:
            ratios = (
                ratio(ours, runs, "images_per_second"),
                ratio(runs, ours, "seconds"),
                ratio(runs, ours, "peak_megabytes"),
            )
            gains = [f" ({gain:.2f} ×)" for gain in ratios]
        rows.append(
            [
                TITLES[name],
                f"{middle(runs, 'images_per_second'):,.0f}{gains[0]}",
                f"{100 * share_of_peak(results, network, runs):.0f}",
                f"{middle(runs, 'seconds'):.1f}{gains[1]}",
                f"{middle(runs, 'peak_megabytes'):,.0f}{gains[2]}",
                f"{fmean(scores):.2f}{spread}{' †' if name in other else ''}",
            ]
        )
    return rows


def draw(results: dict[str, Any], path: Path) -> None:
    """A row of bars for each network: images a second, whole process, memory.

    Drawn last: with matplotlib this process is no longer small.
    """
    from firstlight.draw.style import (
        INK,
        LINE,
        PAPER,
        POSITIVE,
        QUIET,
        SMALL,
        add_panel,
        new_figure,
        to_png,
    )

    quantities = {
        "images_per_second": ("images/s in training", "{:,.0f}"),
        "seconds": ("whole process, seconds", "{:.0f}"),
        "peak_megabytes": ("peak memory, MB", "{:,.0f}"),
    }
    names = list(next(iter(results["runs"].values())))
    height, left, width, gap = 0.24 * len(names), 1.95, 1.95, 0.4
    total = len(results["runs"]) * (height + 0.62) + 0.15
    figure = new_figure(left + 3 * (width + gap) + 0.1, total)
    for number, (network, sides) in enumerate(results["runs"].items()):
        bottom = total - (number + 1) * (height + 0.62) + 0.2
        name_place = (0.15 / figure.get_figwidth(), (bottom + height + 0.08) / total)
        figure.text(*name_place, network, fontsize=11, fontweight="bold", color=INK)
        for column, (quantity, (title, form)) in enumerate(quantities.items()):
            where = (left + column * (width + gap), bottom, width, height)
            axes = add_panel(figure, *where, title=title)
            values = [middle(sides[name], quantity) for name in names]
            colours = [POSITIVE if name == "firstlight" else QUIET for name in names]
            axes.barh(range(len(names)), values, color=colours, height=0.72)
            for place, value in enumerate(values):
                axes.annotate(
                    form.format(value),
                    (value, place),
                    (3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=SMALL,
                    color=INK,
                )
            axes.set_xlim(0, 1.22 * max(values))
            axes.set_xticks([])
            axes.spines["bottom"].set_visible(False)
            axes.spines["left"].set_color(LINE)
            axes.set_yticks(range(len(names)))
            axes.set_yticklabels([TITLES[name] for name in names] if column == 0 else [])
            axes.invert_yaxis()
            axes.set_facecolor(PAPER)
    path.write_bytes(to_png(figure))


def main() -> None:
    results = json.loads(tables.RESULTS.read_text())
    for section in ("main-job", "networks"):
        if section in results:
            tables.put_into(tables.PAGE, as_markdown(section, results[section]), section)
    if "networks" in results:
        draw(results["networks"], tables.DOCS / "images" / "benchmarks.png")


if __name__ == "__main__":
    main()
