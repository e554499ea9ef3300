"""Processes that fail at a chosen call of the system: killed, signalled or refused there.

The functions below run in the process under test, forked from one that has everything imported.
They replace what Python's own file functions call last before the system. Nothing in the product
knows of them.
"""

import builtins
import io
import os
import random
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstlight.models.backend import hurry, import_keras

hurry()
import_keras()

# Imported where they are first used, which would not fit under a limit of the memory.
import scipy.fft  # noqa: E402
import scipy.optimize  # noqa: E402
import scipy.special  # noqa: E402, F401

import firstlight.api.training  # noqa: E402
import firstlight.draw  # noqa: E402
import firstlight.evaluation  # noqa: E402
import firstlight.shells.cli.verbs  # noqa: E402
import firstlight.training.loop  # noqa: E402, F401
from firstlight.shells.cli.main import main  # noqa: E402

# The calls that a file passes through while it is written anew.
CALLS = ("open", "write", "fsync", "chmod", "replace", "unlink")


@dataclass(frozen=True)
class Fault:
    """What happens at one call.

    Attributes:
        file: what the file's path has to contain.
        call: one of `CALLS`.
        occurrence: at which of these calls, from 1.
        signals: what the process sends to itself then, in order.
        error: the `errno` that the call and every later one ends with, or 0.
        seed: decides how much is still written, and whether signals come before or after.
    """

    file: str
    call: str
    occurrence: int = 1
    signals: tuple[int, ...] = ()
    error: int = 0
    seed: int = 0


class Saboteur:
    """Counts calls and does what a fault says."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.chance = random.Random(fault.seed)
        self.seen = 0

    def strikes(self, call: str, path: Any) -> bool:
        """Whether this call is the one, or comes after the one on a disk that stays broken."""
        fault = self.fault
        if self.broken:
            return call != "unlink" and fault.file in str(path)
        if call == fault.call and fault.file in str(path):
            self.seen += 1
            return self.seen == fault.occurrence
        return False

    @property
    def broken(self) -> bool:
        return bool(self.fault.error) and self.seen >= self.fault.occurrence

    def act(self) -> None:
        for number in self.fault.signals:
            os.kill(os.getpid(), number)
        if self.fault.error:
            raise OSError(self.fault.error, os.strerror(self.fault.error))

    def around(self, call: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, whose first argument is a path or a descriptor, with the fault in it."""

        def guarded(target: Any, *arguments: Any, **options: Any) -> Any:
            path = os.readlink(f"/proc/self/fd/{target}") if isinstance(target, int) else target
            if not self.strikes(call, path):
                return function(target, *arguments, **options)
            if self.fault.error or self.chance.random() < 0.5:
                self.act()
                return function(target, *arguments, **options)
            try:
                return function(target, *arguments, **options)
            finally:
                self.act()

        return guarded


class Watched(io.FileIO):
    """A file of which only a part arrives when the fault strikes inside a write."""

    saboteur: Saboteur

    def write(self, data: Any) -> int:
        if self.saboteur.strikes("write", self.name):
            part = memoryview(data).cast("B")
            super().write(part[: self.saboteur.chance.randrange(len(part) + 1)])
            self.saboteur.act()
        return super().write(data)


def sabotage(fault: Fault) -> None:
    """Put the fault into this process."""
    Watched.saboteur = saboteur = Saboteur(fault)
    real_open = io.open

    def open_watched(file: Any, mode: str = "r", *how: Any, **options: Any) -> Any:
        if isinstance(file, int) or fault.file not in str(file) or not set(mode) & set("wax+"):
            return real_open(file, mode, *how, **options)
        if saboteur.strikes("open", file):
            saboteur.act()
        raw = Watched(str(file), mode.replace("b", "").replace("t", ""))
        if (how[0] if how else options.get("buffering")) == 0:
            return raw
        buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding="utf-8")

    io.open = builtins.open = open_watched
    for name in ("open", "fsync", "chmod", "replace", "unlink"):
        setattr(os, name, saboteur.around(name, getattr(os, name)))


def heed_signals() -> None:
    """Undo what `nohup` or a script has told the tests, and so their processes, to ignore."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def work(
    arguments: list[str], folder: Path, stderr: Path, fault: Fault | None, limits: dict[int, int]
) -> None:
    """Run `firstlight` in this process, as the command line does.

    Args:
        arguments: of the command line.
        folder: the current one.
        stderr: the file that takes what is printed.
        fault: what shall happen, or None.
        limits: a number of `resource.RLIMIT_...`, and how much above what is in use now.
    """
    os.chdir(folder)
    os.setsid()
    stream = os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number in (1, 2):
        os.dup2(stream, number)
    heed_signals()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # The server's own streams are kept from being flushed twice.
    sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
    for what, amount in limits.items():
        used = 0
        if what == resource.RLIMIT_AS:
            used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(what, (used + amount, resource.RLIM_INFINITY))
    if fault is not None:
        sabotage(fault)
    main(arguments)
