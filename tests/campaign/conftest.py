"""How often each misfortune is tried, and the table of how it went.

A few of each are part of the ordinary suite; `--campaign` runs them all (`scripts/campaign`).
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from processes import Place

COLUMNS = ("tries", "went_on", "identical", "lost")
HEAD = "| case | tries | went on | bit-identical | lost more than allowed |"
MARKS = ("<!-- counts -->\n", "<!-- end of counts -->\n")


class Tally:
    """Counts of one case.

    Attributes:
        case: what happened to the run, in words.
    """

    def __init__(self) -> None:
        self.case = ""
        self.counts = dict.fromkeys(COLUMNS, 0)

    def add(self, case: str, **counts: int) -> None:
        """Count one try, or what became of it."""
        self.case = case
        for column, count in counts.items():
            self.counts[column] += count


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "tries(few, all): how often, in the suite and the campaign")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    mark = metafunc.definition.get_closest_marker("tries")
    if mark is not None:
        whole = metafunc.config.getoption("--campaign")
        metafunc.parametrize("attempt", range(mark.kwargs["all" if whole else "few"]))


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A folder with data and a network, both small."""
    return Place(tmp_path_factory.mktemp("campaign"))


@pytest.fixture
def tally(record_property) -> Iterator[Tally]:
    """Where a test counts what it tried; the counts travel with its report."""
    tally = Tally()
    yield tally
    record_property("campaign", {"case": tally.case, **tally.counts})


def pytest_terminal_summary(terminalreporter) -> None:
    config = terminalreporter.config
    counts = _counts(terminalreporter.stats)
    if not config.getoption("--campaign") or not counts:
        return
    lines = _table(counts)
    terminalreporter.section("campaign")
    terminalreporter.write_line("\n".join(lines))
    page = config.getoption("--campaign-page")
    if page is not None:
        _write(Path(page), counts, lines)


def _counts(stats) -> dict[str, dict[str, int]]:
    """The counts of all tests, added up by case, in the order of their names."""
    found: dict[str, dict[str, int]] = {}
    for report in (report for group in stats.values() for report in group):
        for key, value in getattr(report, "user_properties", ()):
            if key == "campaign" and report.when == "teardown":
                counts = found.setdefault(value["case"], dict.fromkeys(COLUMNS, 0))
                for column in COLUMNS:
                    counts[column] += value[column]
    return dict(sorted(found.items()))


def _table(counts: dict[str, dict[str, int]]) -> list[str]:
    total = {column: sum(row[column] for row in counts.values()) for column in COLUMNS}
    rows = [*counts.items(), ("**all**", total)]
    lines = [HEAD, "| --- |" + " ---: |" * len(COLUMNS)]
    return lines + [
        f"| {case} | " + " | ".join(str(row[column]) for column in COLUMNS) + " |"
        for case, row in rows
    ]


def _write(page: Path, counts: dict[str, dict[str, int]], lines: list[str]) -> None:
    """Put the table into the page, and the counts beside it."""
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    table = "\n".join(lines) + "\n"
    page.write_text(before + MARKS[0] + table + MARKS[1] + after, encoding="utf-8")
    page.with_suffix(".json").write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
