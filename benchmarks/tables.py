"""Results: where they were measured, as Markdown tables, and their place in the documentation."""

import json
import os
import platform
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"
PAGE = DOCS / "benchmarks.md"
RESULTS = HERE / "results.json"


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
        "versions": {name: version(name) for name in ("torch", "keras", "numpy")},
    }


def machine_sentence(where: dict[str, Any]) -> str:
    """The line above a table that says what `machine` found."""
    used = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    cores = "1 core" if where["cores"] == 1 else f"{where['cores']} cores"
    return (
        f"{cores} of {where['processor']} ({', '.join(where['instructions'])}), "
        f"load before the start {where['load_before']:.1f}, Python {where['python']}; "
        f"firstlight with {used}."
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    rule = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *rows])


def put_into(page: Path, text: str, section: str = "results") -> None:
    """Replace what stands between the two marks of `section` in `page` with `text`."""
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, rest = page.read_text().split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def publish(section: str, results: dict[str, Any], text: str) -> None:
    """Put a section's numbers into results.json and its text into docs/benchmarks.md."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    RESULTS.write_text(json.dumps(known | {section: results}, indent=2) + "\n")
    put_into(PAGE, text, section)
