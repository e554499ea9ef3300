"""Records of what `firstlight doctor` finds: the machine, the packages, the devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from firstlight.core.notebook import html_table


@dataclass(frozen=True)
class Device:
    """Something that can train a network.

    Attributes:
        kind: PyTorch's name for it.
        name: what the maker calls it.
        memory: its memory in bytes, or None where the system does not say.
        bfloat16: whether it computes in bfloat16 at full speed.
    """

    kind: Literal["cpu", "cuda"]
    name: str
    memory: int | None
    bfloat16: bool


@dataclass(frozen=True)
class KerasBackend:
    """A package that Keras can run on; `version` is None where it is not installed."""

    name: str
    version: str | None
    chosen: bool


@dataclass(frozen=True)
class Environment:
    """What firstlight runs on here.

    Attributes:
        system: operating system and machine type.
        versions: package name to installed version, or None where it is missing.
        devices: the processor first, then every GPU that PyTorch can use.
        gpu: why a GPU is used or is not, as a sentence.
        bfloat16: whether training computes in bfloat16 here, and why, as a sentence.
        cores: processor cores that this process may use.
        threads: threads that training takes where the user does not choose.
        thread_variables: environment variables that limit threads, as they are set.
        backends: the Keras backends; training by firstlight's own engine needs only torch.
    """

    system: str
    versions: dict[str, str | None]
    devices: tuple[Device, ...]
    gpu: str
    bfloat16: str
    cores: int
    threads: int
    thread_variables: dict[str, str]
    backends: tuple[KerasBackend, ...]

    def _repr_html_(self) -> str:
        rows = [{"package": name, "version": version} for name, version in self.versions.items()]
        return html_table(rows, caption=f"{self.system}. {self.gpu}")
