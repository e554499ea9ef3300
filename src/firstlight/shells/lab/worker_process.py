"""The server's side of the processes that do its heavy work."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any, Literal

import msgspec

from firstlight.core.errors import DataError
from firstlight.core.telling import Listener

COMMAND = (sys.executable, "-P", "-m", "firstlight.shells.lab.worker")
LARGEST_ANSWER = 256 << 20
TOLD = b'{"told":'  # how a line begins that is not the answer yet
LOST = {
    "data": (
        "The process that reads the data has ended: the memory may have run out. Choose it again."
    ),
    "rate": (
        "The process that looked for a learning rate has ended: the memory may have run out. Try "
        "smaller batches."
    ),
    "run": "The process that holds the network has ended: the memory may have run out. Try again.",
}


class WorkerProcess:
    """One process for one thing: a source that is read, a search, a run whose network is asked.

    Args:
        role: what it does.
        one_thread: leave all processor cores but one to others, unless the user says otherwise.
    """

    def __init__(self, role: Literal["data", "rate", "run"], one_thread: bool = False) -> None:
        self._role = role
        self._variables = {"OMP_NUM_THREADS": "1"} if one_thread else {}
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    @property
    def lost(self) -> bool:
        """Whether the process was there and has ended."""
        return self._process is not None and self._process.returncode is not None

    async def ask(self, task: dict[str, Any], heard: Listener | None = None) -> dict[str, Any]:
        """What the process answers to a task.

        Args:
            task: what to do.
            heard: called with what it tells on the way.

        Raises:
            DataError: it cannot be done, or the process has ended.
        """
        async with self._turn:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *COMMAND,
                    self._role,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    limit=LARGEST_ANSWER,
                    env=self._variables | os.environ,
                    # Ctrl+C in the terminal is for the server, which then ends this process.
                    start_new_session=True,
                )
            process = self._process
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                process.stdin.write(msgspec.json.encode(task) + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
                while line.startswith(TOLD):
                    if heard is not None:
                        heard(msgspec.json.decode(line)["told"])
                    line = await process.stdout.readline()
            except (OSError, ValueError) as error:
                raise DataError(LOST[self._role]) from error
        if not line.endswith(b"\n"):
            await self.close()
            raise DataError(LOST[self._role])
        answer: dict[str, Any] = msgspec.json.decode(line)
        if "error" in answer:
            raise DataError(answer["error"])
        return answer

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
