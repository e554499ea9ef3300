"""What there is to train on here: packages, devices, threads, number formats."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Mapping
from importlib import metadata, util
from pathlib import Path
from typing import Any

from firstlight.core.environment import Device, Environment, KerasBackend
from firstlight.core.memory import main_memory

PACKAGES = (
    "firstlight",
    "keras",
    "torch",
    "numpy",
    "pillow",
    "tifffile",
    "h5py",
    "pandas",
    "pyarrow",
    "matplotlib",
)
# Import name of each Keras backend, and the distributions that can bring it.
BACKENDS = {
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tf-nightly"),
    "jax": ("jax",),
    "torch": ("torch",),
    "openvino": ("openvino",),
}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
NVIDIA = "0x10de"
AMD = "0x1002"


def inspect_environment() -> Environment:
    """Look at this machine and this installation; nothing is changed and no backend imported.

    Returns:
        The environment: versions, devices and why a GPU is not used, threads, bfloat16,
        Keras backends. TensorFlow, JAX and Keras are looked up, never imported.

    Example:
        >>> environment = inspect_environment()
        >>> environment.devices[0].kind
        'cpu'
        >>> environment.versions["torch"] == metadata.version("torch")
        True
    """
    import torch

    devices = usable_devices(torch.cpu.get_capabilities())
    versions: dict[str, str | None] = {"python": platform.python_version()}
    return Environment(
        system=f"{platform.system()} {platform.release()}, {platform.machine()}",
        versions=versions | {name: _version(name) for name in PACKAGES},
        devices=devices,
        gpu=gpu_sentence(
            devices[1:],
            built_for_gpu=bool(torch.version.cuda or torch.version.hip),
            cards=_graphics_cards(),
            hidden=os.environ.get("CUDA_VISIBLE_DEVICES") in {"", "-1"},
        ),
        bfloat16=bfloat16_sentence(devices),
        cores=usable_cores(),
        threads=min(usable_cores(), torch.get_num_threads()),
        thread_variables={name: os.environ[name] for name in THREAD_VARIABLES if os.getenv(name)},
        backends=_backends(),
    )


def usable_cores() -> int:
    """How many processor cores this process may use: its affinity, and its container's quota.

    Example:
        >>> 1 <= usable_cores() <= os.cpu_count()
        True
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = _cpu_quota(Path("/sys/fs/cgroup"))
    return max(1, min(cores, quota or cores))


def _cpu_quota(root: Path) -> int | None:
    """Cores that a container may use on average, rounded up (control groups, version 2 or 1)."""
    try:
        limit, period = (root / "cpu.max").read_text().split()
    except (OSError, ValueError):
        try:
            limit = (root / "cpu/cpu.cfs_quota_us").read_text().strip()
            period = (root / "cpu/cpu.cfs_period_us").read_text().strip()
        except OSError:
            return None
    # "max" in version 2 and -1 in version 1 both say: no limit.
    return math.ceil(int(limit) / int(period)) if limit.isdigit() else None


def _version(*distributions: str) -> str | None:
    for name in distributions:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _backends() -> tuple[KerasBackend, ...]:
    chosen = os.environ.get("KERAS_BACKEND", "torch")
    return tuple(
        KerasBackend(
            name,
            (_version(*distributions) or "unknown") if util.find_spec(name) else None,
            name == chosen,
        )
        for name, distributions in BACKENDS.items()
    )


def usable_devices(capabilities: Mapping[str, Any]) -> tuple[Device, ...]:
    """The processor, then every GPU that PyTorch can use (`capabilities` as in torch.cpu)."""
    import torch

    fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    processor = str(capabilities.get("cpu_name") or platform.processor() or platform.machine())
    devices = [Device("cpu", processor, main_memory(), fast)]
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            properties = torch.cuda.get_device_properties(index)
            ampere = properties.major >= 8
            devices.append(Device("cuda", properties.name, properties.total_memory, ampere))
    return tuple(devices)


def _graphics_cards() -> tuple[str, ...]:
    """The makers of the display controllers and accelerators on the PCI bus."""
    makers = []
    for card in sorted(Path("/sys/bus/pci/devices").glob("*")):
        try:
            maker, kind = (card / "vendor").read_text().strip(), (card / "class").read_text()
        except OSError:
            continue
        # PCI classes 0x03 (display) and 0x12 (processing accelerator).
        if kind[:4] in {"0x03", "0x12"} and maker in {NVIDIA, AMD}:
            makers.append("NVIDIA" if maker == NVIDIA else "AMD")
    return tuple(makers)


def gpu_sentence(
    gpus: tuple[Device, ...], *, built_for_gpu: bool, cards: tuple[str, ...], hidden: bool
) -> str:
    """Why a GPU is used or is not, and what would change that.

    Args:
        gpus: the GPUs that PyTorch can use.
        built_for_gpu: whether this PyTorch was built with CUDA or ROCm.
        cards: makers of the graphics cards that the machine has.
        hidden: whether CUDA_VISIBLE_DEVICES hides every GPU.

    Example:
        >>> gpu_sentence((), built_for_gpu=False, cards=(), hidden=False)
        'not used: this machine shows none.'
    """
    if gpus:
        return f"used: {gpus[0].name}."
    if hidden:
        return "not used: CUDA_VISIBLE_DEVICES hides every one. Unset it to use them."
    if not cards:
        return "not used: this machine shows none."
    if not built_for_gpu:
        return (
            f"not used: there is an {cards[0]} card, but this PyTorch is built for processors "
            f"only. Install the build for {cards[0]} from pytorch.org."
        )
    return (
        f"not used: there is an {cards[0]} card, but PyTorch cannot reach it. Its driver is "
        "missing or too old, or this container was started without access to it."
    )


def bfloat16_sentence(devices: tuple[Device, ...]) -> str:
    """Whether training computes in bfloat16 on the last (best) of the devices, and why.

    Example:
        >>> bfloat16_sentence((Device("cpu", "Zen 2", None, bfloat16=False),))
        'no: this processor has neither AVX512-BF16 nor AMX. Training computes in float32.'
    """
    best = devices[-1]
    if best.bfloat16:
        return f"yes: {best.name} computes in it at full speed. Weights stay float32."
    if best.kind == "cpu":
        lacks = "this processor has neither AVX512-BF16 nor AMX"
    else:
        lacks = f"{best.name} is older than NVIDIA's Ampere generation"
    return f"no: {lacks}. Training computes in float32."
