"""What a run computes on, chosen once at its start and recorded with it."""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass

import torch

from firstlight.core.settings import TrainSettings
from firstlight.training.environment import usable_cores, usable_devices

# Before any run has changed it.
THREADS = torch.get_num_threads()


@dataclass(frozen=True)
class Machine:
    """Where and how the arithmetic is done.

    Attributes:
        device: the processor, or the first GPU.
        precision: `float32`, or `bfloat16` for matrix products with float32 weights.
        threads: processor threads; another number gives other last digits.
    """

    device: torch.device
    precision: str
    threads: int

    def arithmetic(self) -> torch.autocast:
        """A `with` block in which matrix products and convolutions have this precision."""
        enabled = self.precision == "bfloat16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)


def choose_machine(settings: TrainSettings) -> Machine:
    """The best device there is, its precision, and the cores that this process may use.

    `settings.precision` and `settings.threads` win where they are set. The number of threads
    takes effect for the whole process.

    Example:
        >>> before = torch.get_num_threads()
        >>> machine = choose_machine(TrainSettings(precision="float32", threads=1))
        >>> machine.precision, machine.threads, torch.get_num_threads()
        ('float32', 1, 1)
        >>> torch.set_num_threads(before)
    """
    processor, *gpus = usable_devices(torch.cpu.get_capabilities())
    best = gpus[0] if gpus else processor
    precision = settings.precision
    if precision == "auto":
        precision = "bfloat16" if best.bfloat16 else "float32"
    threads = settings.threads or min(usable_cores(), THREADS)
    torch.set_num_threads(threads)
    _keep_freed_memory()
    return Machine(torch.device(best.kind), precision, threads)


def _keep_freed_memory() -> None:
    """Let the C library keep what a step frees for the next step.

    Otherwise it gives the activations back to the system after every step, and each page of
    them is mapped and zeroed again: a quarter of the time of a small network's step.
    """
    if sys.platform != "linux":
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        trim_threshold, mmap_threshold, most = -1, -3, 2**30
        library.mallopt(trim_threshold, most)
        library.mallopt(mmap_threshold, most)
