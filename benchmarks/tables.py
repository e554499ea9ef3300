"""The benchmark's results as Markdown, and the place of that in the documentation."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
TITLES = {"firstlight": "firstlight", "keras": "Keras on TensorFlow"}


def machine() -> dict[str, Any]:
    """Where and with what the measurements were made."""
    information = Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*:\s*(.+)", information)
    flags = {"avx2", "avx512f", "avx512_bf16", "amx_bf16"} & set(information.split())
    return {
        "processor": name[1] if name else platform.processor(),
        "instructions": sorted(flags),
        "cores": len(os.sched_getaffinity(0)),
        "load_before": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("firstlight", "torch", "keras", "numpy")},
    }


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def as_markdown(results: dict[str, Any]) -> str:
    """The section of the documentation that shows `results`."""
    where, digits = results["machine"], results["digits"]
    keras = results["networks"]["simple"]["keras"]["runs"][0]["versions"]
    used = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    digits_rows = [
        ["`firstlight train mnist`, whole process", f"{digits['seconds']:.1f} s"],
        ["test accuracy, mean of three seeds", f"{100 * digits['accuracy']:.2f} %"],
        ["peak memory", f"{digits['peak_megabytes']:,.0f} MB"],
        ["`firstlight --help`", f"{digits['help_seconds']:.2f} s"],
    ]
    rows, ratios = [], []
    for network, sides in results["networks"].items():
        for side in ("keras", "firstlight"):
            row = sides[side]
            rows.append(
                [
                    f"`{network}`, {TITLES[side]}",
                    f"{row['images_per_second']:,.0f}",
                    f"{row['seconds']:.1f}",
                    f"{row['peak_megabytes']:,.0f}",
                    f"{100 * row['accuracy']:.2f}",
                ]
            )
        ours, theirs = sides["firstlight"], sides["keras"]
        faster = ours["images_per_second"] / theirs["images_per_second"]
        sooner = theirs["seconds"] / ours["seconds"]
        smaller = theirs["peak_megabytes"] / ours["peak_megabytes"]
        ratios.append([f"`{network}`", f"{faster:.2f}", f"{sooner:.2f}", f"{smaller:.2f}"])
    return "\n\n".join(
        [
            f"{where['cores']} cores of {where['processor']} ({', '.join(where['instructions'])}), "
            f"load before the start {where['load_before']:.1f}, Python {where['python']}; {used}; "
            f"TensorFlow {keras['tensorflow']} with Keras {keras['keras']}.",
            table(["the main job", "median"], digits_rows),
            table(
                ["network", "images/s", "whole process, s", "peak memory, MB", "test accuracy, %"],
                rows,
            ),
            table(
                ["firstlight against Keras", "images/s", "whole process", "memory"],
                ratios,
            ),
            "A ratio above 1 is in favour of firstlight.",
        ]
    )


def put_into(page: Path, text: str) -> None:
    """Replace what stands between the two marks in `page` with `text`."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}")
