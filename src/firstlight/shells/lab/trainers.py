"""Trainings as processes of their own: the command line `firstlight train`, started and stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from pathlib import Path

from firstlight.core.errors import RunError
from firstlight.core.run_folder import RunFolder

# `-P`: the current folder, which may hold anything, is no place to import modules from.
COMMAND = (sys.executable, "-P", "-m", "firstlight", "train")
Ended = Callable[[str, int, str], None]


class Trainers:
    """The processes that this lab has started. They outlive it: a closed lab hurts no run.

    Args:
        folder: where they work.
        runs: the folder of runs.
        ended: called from another thread with the run, its exit code and the last line that the
            process wrote to stderr.
    """

    def __init__(self, folder: Path, runs: Path, ended: Ended) -> None:
        self._folder = folder
        self._runs = runs
        self._ended = ended
        self._processes: dict[str, subprocess.Popen[str]] = {}

    def train(self, name: str, data: str, options: list[str]) -> None:
        """Start a run of that name; `options` are words such as `--epochs=3`."""
        self._start(name, [*options, f"--name={name}", "--", data])

    def resume(self, name: str) -> None:
        """Go on with a run."""
        self._start(name, [f"--resume={name}"])

    def working(self, name: str) -> bool:
        """Whether a process of this lab works on the run."""
        process = self._processes.get(name)
        return process is not None and process.poll() is None

    def stop(self, folder: RunFolder) -> None:
        """Have the process that writes a run save and end, whoever started it.

        Raises:
            RunError: there is none on this machine, or it belongs to somebody else.
        """
        writer = folder.writer()
        process = self._processes.get(folder.name)
        if writer is not None and writer[1] == socket.gethostname():
            number = writer[0]
        elif writer is None and process is not None and process.poll() is None:
            number = process.pid
        elif writer is not None:
            raise RunError(f"run {folder.name} is being trained on {writer[1]}: stop it there.")
        else:
            raise RunError(f"run {folder.name} is not being trained: there is nothing to stop.")
        try:
            os.kill(number, signal.SIGTERM)
        except ProcessLookupError:
            pass
        except PermissionError:
            raise RunError(
                f"run {folder.name} is being trained by another user: ask them to stop it."
            ) from None

    def _start(self, name: str, words: list[str]) -> None:
        process = subprocess.Popen(
            [*COMMAND, f"--runs={self._runs}", "--quiet", *words],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            # A session of its own: Ctrl+C in the lab's terminal does not reach it.
            start_new_session=True,
        )
        self._processes[name] = process
        threading.Thread(target=self._listen, args=(name, process), daemon=True).start()

    def _listen(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stderr is not None
        last: deque[str] = deque(maxlen=1)
        with process.stderr as lines:
            last.extend(line.strip()[:2000] for line in lines if line.strip())
        code = process.wait()
        self._ended(name, code, last[0].removeprefix("firstlight: ") if last else "")
