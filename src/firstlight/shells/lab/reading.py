"""The server's side of the process that reads data."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgspec

from firstlight.core.errors import DataError

COMMAND = (sys.executable, "-P", "-m", "firstlight.shells.lab.worker")
LARGEST_ANSWER = 256 << 20
LOST = "The process that reads the data has ended: the memory may have run out. Choose it again."


class DataProcess:
    """One process for one source. Another source gets another process, so the newest wins."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def ask(self, task: dict[str, Any]) -> dict[str, Any]:
        """What the process answers to a task.

        Raises:
            DataError: it cannot be done, or the process has ended.
        """
        async with self._turn:
            if self._process is None:
                self._process = await asyncio.create_subprocess_exec(
                    *COMMAND,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.DEVNULL,
                    limit=LARGEST_ANSWER,
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
            except (OSError, ValueError) as error:
                raise DataError(LOST) from error
        if not line.endswith(b"\n"):
            raise DataError(LOST)
        answer: dict[str, Any] = msgspec.json.decode(line)
        if "error" in answer:
            raise DataError(answer["error"])
        return answer

    async def close(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
