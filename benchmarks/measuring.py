"""Run a command in a process of its own, and say how long it took and what it used."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Measured:
    """One finished process: wall-clock seconds, peak resident memory in MB, standard output."""

    seconds: float
    peak_megabytes: float
    output: str


def measure(command: list[str], folder: Path) -> Measured:
    """Run `command` in `folder` with as many threads as this process may use cores.

    Raises:
        RuntimeError: it did not end well; the message holds the end of what it said.
    """
    threads = str(len(os.sched_getaffinity(0)))
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, threads)
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
