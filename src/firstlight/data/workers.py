"""Several processes that make shards at the same time."""

from __future__ import annotations

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
from firstlight.data.shard_worker import Task, perform

MOST = 8  # processes; more of them wait for the disk
COMMAND = (sys.executable, "-P", "-m", "firstlight.data.shard_worker")


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def perform_all(
    tasks: Sequence[Task], wanted: Sequence[int], done: Callable[[int], None]
) -> Iterator[tuple[int, Any]]:
    """Do tasks of `shard_worker` side by side, a process a core; one task alone is done here.

    Args:
        tasks: what could be done.
        wanted: which of them are.
        done: called with the number of images that were dealt with since the last call.

    Yields:
        The number of each task with its answer, in the order in which they end.

    Raises:
        DataError: a task failed, or a process ended before its time; the others are stopped.
    """
    count = min(usable_cores(), MOST, len(wanted))
    if count <= 1:
        for number in wanted:
            yield number, perform(tasks[number], done)
        return
    pipe = subprocess.PIPE
    processes = [
        # A session of their own: Ctrl-C stops this process, which then stops them.
        subprocess.Popen(
            COMMAND, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True,
            start_new_session=True,
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
            done(answer["images"])
    except OSError:
        pass
    raise DataError(
        f"A process that prepared images ended before its time (code {process.wait()}): memory may "
        "have run out. Start again; what is done already stays."
    )
