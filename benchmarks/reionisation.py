"""The simulation of reionisation beside 21cmFAST's, on the same matter.

    python benchmarks/reionisation.py CUBES             compare, print the table
    python benchmarks/reionisation.py CUBES --write     the same, and put table and figure into docs

CUBES is an .npz file of cubes of 64^3 cells of 2 Mpc: `delta_0` (density contrast), `xhi_0`
(neutral fraction, 0 to 255) and `info_0` (box, redshift, neutral fraction, and as its last the
largest radius of a bubble in Mpc), `delta_1`, ... The tests compare three of them.
"""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tables
from measuring import read_options

from firstlight.simulation.bubbles import collapsed, efficiencies_for
from firstlight.simulation.comparing import compare_cubes
from firstlight.simulation.cosmology import Cosmology
from firstlight.simulation.fields import Field, Grid, gaussian, moved

PAGE = tables.DOCS / "simulation.md"
RESULTS = tables.HERE / "reionisation.json"
GRID, PLANCK = Grid(64, 2.0), Cosmology()
# 21cmFAST's smallest halo with stars unless it is told otherwise, in solar masses.
SMALLEST_HALO = 10**8.7
BANDS = ((0.05, 0.1), (0.15, 0.25), (0.25, 0.5), (0.5, 1.0))
SHOWN = 1  # the cube in the figure

Row = dict[str, Any]


def compare(density: Field, theirs: Field, redshift: float, radius: float) -> tuple[Row, Field]:
    """Our neutral hydrogen in their matter, with as much of it as theirs, beside theirs."""
    galaxies = collapsed(density, GRID, PLANCK, redshift, SMALLEST_HALO, radius)
    ours = galaxies.neutral(efficiencies_for(galaxies, np.array([theirs.mean()]))[0])
    row = {
        "redshift": redshift,
        "neutral": float(theirs.mean()),
        "agreement": float(((ours > 0.5) == (theirs > 0.5)).mean()),
        "bands": [asdict(band) for band in compare_cubes(ours, theirs, GRID, BANDS)],
    }
    return row, ours


def own_spread(redshift: float, boxes: int = 4) -> float:
    """The standard deviation of the density contrast of our own cells."""
    fields = (gaussian(GRID, PLANCK, np.random.default_rng([5, box])) for box in range(boxes))
    growth = PLANCK.growth(redshift)
    return float(np.mean([moved(GRID, field, growth).std() for field in fields]))


def as_markdown(results: Row) -> str:
    """The table of all cubes with its medians."""
    head = ["redshift", "neutral", "same, %", "r", "P"]

    def cells(rows: list[Row]) -> list[str]:
        bands = [[row["bands"][k] for row in rows] for k in range(len(BANDS))]
        return [
            f"{100 * median(row['agreement'] for row in rows):.1f}",
            ", ".join(f"{median(band['correlation'] for band in one):.3f}" for one in bands),
            ", ".join(f"{median(band['power_ratio'] for band in one):.2f}" for one in bands[1:]),
        ]

    rows = [
        [f"{row['redshift']:g}", f"{row['neutral']:.2f}", *cells([row])] for row in results["cubes"]
    ]
    rows.append(["median", "", *cells(results["cubes"])])
    ours, theirs = results["spread"]["ours"], results["spread"]["theirs"]
    return "\n\n".join(
        [
            tables.table(head, rows),
            f"The density contrast of cells of 2 Mpc at redshift {results['spread']['redshift']:g} "
            f"has a standard deviation of {ours:.3f} in boxes of our own and {theirs:.3f} in "
            "21cmFAST's.",
        ]
    )


def draw(density: Field, ours: Field, theirs: Field) -> bytes:
    """A slice of the matter, and of the neutral hydrogen that both put into it."""
    from firstlight.draw.style import BLUES, INK, QUIET, SMALL, new_figure, place, to_png

    figure = new_figure(10.2, 3.3)
    end = GRID.side
    panels = (
        ("matter: density contrast", density, (-0.6, 1.2)),
        ("neutral fraction: firstlight", ours, (0, 1)),
        ("neutral fraction: 21cmFAST", theirs, (0, 1)),
    )
    for number, (title, cube, limits) in enumerate(panels):
        axes = figure.add_axes(place(figure, 0.5 + 3.3 * number, 0.55, 2.4, 2.4))
        image = axes.imshow(
            cube[GRID.cells // 2], cmap=BLUES, vmin=limits[0], vmax=limits[1], extent=(0, end) * 2
        )
        axes.set_title(title, loc="left", fontsize=10, color=INK)
        axes.set_xlabel("Mpc", fontsize=SMALL, color=QUIET)
        axes.tick_params(labelsize=SMALL, labelcolor=QUIET)
        bar = figure.colorbar(image, cax=figure.add_axes(
            place(figure, 2.95 + 3.3 * number, 0.55, 0.08, 2.4)))  # fmt: skip
        bar.ax.tick_params(labelsize=SMALL, labelcolor=QUIET)
    return to_png(figure)


def main() -> None:
    """Compare as the command line asks for it."""
    parser = argparse.ArgumentParser(description="The simulation beside 21cmFAST's cubes.")
    parser.add_argument("cubes", type=Path, help="an .npz file of cubes to compare with")
    options = read_options(parser)
    rows, figure, spreads = [], b"", []
    with np.load(options.cubes, allow_pickle=False) as stored:
        count = sum(name.startswith("delta_") for name in stored.files)
        for number in range(count):
            density = stored[f"delta_{number}"].astype(np.float32)
            theirs = stored[f"xhi_{number}"] / np.float32(255)
            _, redshift, *_, radius = stored[f"info_{number}"].tolist()
            row, ours = compare(density, theirs, redshift, radius)
            rows.append(row)
            print(f"cube {number + 1} of {count}: {100 * row['agreement']:.1f} %", flush=True)
            if redshift == 8:
                spreads.append(float(density.std()))
            if number == SHOWN:
                figure = draw(density, ours, theirs)
    spread = {"redshift": 8, "ours": own_spread(8.0), "theirs": float(np.mean(spreads))}
    results = {"cubes": rows, "spread": spread}
    print(as_markdown(results))
    if options.write:
        RESULTS.write_text(json.dumps(results, indent=2) + "\n")
        tables.put_into(PAGE, as_markdown(results))
        (tables.DOCS / "images" / "simulation.png").write_bytes(figure)


if __name__ == "__main__":
    main()
