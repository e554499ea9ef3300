"""Several processes of our own that do tasks side by side.

A worker is a module with a function `perform(task, tell)`. It is started as
`python -P -m firstlight.core.processes MODULE`, so that unlike a process of `multiprocessing` it
does not run the user's own script again; `-P` keeps the current folder, which may hold anything,
out of the places that modules are imported from. Tasks come as JSON lines on its standard input,
answers go back as JSON lines.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextvars import copy_context
from queue import SimpleQueue
from threading import Lock
from typing import Any

from firstlight.core.errors import DataError

MOST = 8  # processes; more of them wait for the disk
COMMAND = (sys.executable, "-P", "-m", "firstlight.core.processes")

Task = dict[str, Any]


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def perform_all(
    module: str, tasks: Sequence[Task], wanted: Sequence[int], done: Callable[[int], None]
) -> Iterator[tuple[int, Any]]:
    """Do a worker's tasks side by side, a process a core; one task alone is done here.

    Args:
        module: the worker's module.
        tasks: what could be done, as JSON can write it.
        wanted: which of them are.
        done: called with what the worker tells: how much was done since the last call.

    Yields:
        The number of each task with its answer, in the order in which they end.

    Raises:
        DataError: a task failed, or a process ended before its time; the others are stopped.
    """
    count = min(usable_cores(), MOST, len(wanted))
    if count <= 1:
        perform = importlib.import_module(module).perform
        for number in wanted:
            yield number, perform(tasks[number], done)
        return
    pipe = subprocess.PIPE
    # Each process has a core to itself, so its libraries need no threads of their own.
    variables = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    processes = [
        # A session of their own: Ctrl-C stops this process, which then stops them.
        subprocess.Popen(
            (*COMMAND, module), stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True, env=variables,
        )
        for _ in range(count)
    ]  # fmt: skip
    idle: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
    for process in processes:
        idle.put(process)

    # Threads have a context of their own, in which nobody listens.
    context, alone = copy_context(), Lock()

    def heard(count: int) -> None:
        with alone:
            context.run(done, count)

    def ask(number: int) -> tuple[int, Any]:
        process = idle.get()
        try:
            return number, _ask(process, tasks[number], heard)
        finally:
            idle.put(process)

    pool = ThreadPoolExecutor(count)
    try:
        for future in as_completed([pool.submit(ask, number) for number in wanted]):
            yield future.result()
    finally:
        for process in processes:
            process.kill()
        pool.shutdown(cancel_futures=True)
        for process in processes:
            process.communicate()


def _ask(process: subprocess.Popen[str], task: Task, done: Callable[[int], None]) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        for line in process.stdout:
            answer = json.loads(line)
            if "error" in answer:
                raise DataError(answer["error"])
            if "end" in answer:
                return answer["end"]
            done(answer["done"])
    except OSError:
        pass
    raise DataError(
        f"A process that prepared images ended before its time (code {process.wait()}): memory may "
        "have run out. Start again; what is done already stays."
    )


def serve(module: str) -> None:
    """Be a worker: do the tasks on standard input until it ends."""

    def answer(**values: Any) -> None:
        sys.stdout.write(json.dumps(values) + "\n")
        sys.stdout.flush()

    perform = importlib.import_module(module).perform
    for line in sys.stdin:
        try:
            answer(end=perform(json.loads(line), lambda count: answer(done=count)))
        except DataError as error:
            answer(error=str(error))
        except Exception as error:
            answer(error=f"preparing images failed: {type(error).__name__}: {error}")


if __name__ == "__main__":
    serve(sys.argv[1])
