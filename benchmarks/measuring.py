"""Run a command in a process of its own, and say how long it took and what it used."""

import argparse
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent
SOURCES = BENCHMARKS.parent / "src"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Measured:
    """One finished process: wall-clock seconds, peak resident memory in MB, standard output."""

    seconds: float
    peak_megabytes: float
    output: str


def read_options(parser: argparse.ArgumentParser, quick: str = "") -> argparse.Namespace:
    """What a benchmark was asked for, with the options that all have; it keeps to its cores.

    Args:
        parser: with the options of its own.
        quick: what `--quick` means here; "" where there is no such option.
    """
    parser.add_argument("--cores", type=int, default=2, help="processor cores for each process")
    parser.add_argument("--write", action="store_true", help="put the results into the docs")
    if quick:
        parser.add_argument("--quick", action="store_true", help=quick)
    options = parser.parse_args()
    if quick and options.quick and options.write:
        parser.error("--quick measures nothing that is worth writing down")
    hold_to_cores(options.cores)
    return options


def hold_to_cores(cores: int) -> None:
    """Keep this process, and every process started from it, on the first `cores` cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])


def measure(
    command: list[str], folder: Path, variables: Mapping[str, str] | None = None
) -> Measured:
    """Run `command` in `folder` with as many threads as this process may use cores.

    `variables` are added to the environment. It finds this folder and firstlight's sources of
    this checkout. Whoever calls this should be small: Linux counts a parent's memory at the
    start of a child.

    Raises:
        RuntimeError: it did not end well; the message holds the end of what it said.
    """
    threads = str(len(os.sched_getaffinity(0)))
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, threads) | dict(variables or {})
    environment["PYTHONPATH"] = f"{BENCHMARKS}{os.pathsep}{SOURCES}"
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
        )
        # wait4, not wait: it also returns what this one child used.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        if process.returncode != 0:
            errors.seek(0)
            end = (output.read() + errors.read())[-2000:]
            raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}:\n{end}")
        return Measured(seconds, usage.ru_maxrss / 1024, output.read())
