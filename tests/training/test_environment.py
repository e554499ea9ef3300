"""What `firstlight doctor` finds, against the places where the system writes it down."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from firstlight.core.environment import Device
from firstlight.training import environment
from firstlight.training.environment import (
    bfloat16_sentence,
    gpu_sentence,
    inspect_environment,
    usable_cores,
)

GPU = Device("cuda", "H100", 80_000_000_000, bfloat16=True)


def test_versions_are_the_installed_ones() -> None:
    versions = inspect_environment().versions
    assert versions["keras"] == metadata.version("keras")
    assert versions["python"] == ".".join(map(str, sys.version_info[:3]))


def test_a_missing_package_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "PACKAGES", ("no-such-package",))
    assert inspect_environment().versions["no-such-package"] is None


def test_memory_is_what_the_kernel_says() -> None:
    line = Path("/proc/meminfo").read_text().splitlines()[0]
    assert inspect_environment().devices[0].memory == int(line.split()[1]) * 1024


def test_neither_keras_nor_a_backend_is_imported() -> None:
    code = (
        "import sys; from firstlight.training.environment import inspect_environment; "
        "inspect_environment(); "
        "print([name for name in ('keras', 'tensorflow', 'jax') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_chosen_backend_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    chosen = [backend.name for backend in inspect_environment().backends if backend.chosen]
    assert chosen == ["jax"]


def test_thread_variables_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert inspect_environment().thread_variables["OMP_NUM_THREADS"] == "3"


def test_affinity_limits_the_cores() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({}, None),
    ],
)
def test_a_container_quota_counts(files: dict[str, str], cores: int | None, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert environment._cpu_quota(tmp_path) == cores


@pytest.mark.parametrize(
    ("gpus", "built", "cards", "hidden", "sentence"),
    [
        ((GPU,), True, ("NVIDIA",), False, "used: H100."),
        ((), True, ("NVIDIA",), True, "not used: CUDA_VISIBLE_DEVICES hides every one"),
        ((), True, (), False, "not used: this machine shows none."),
        ((), False, ("AMD",), False, "Install the build for AMD"),
        ((), True, ("NVIDIA",), False, "Its driver is missing or too old"),
    ],
)
def test_why_a_gpu_is_used_or_not(
    gpus: tuple[Device, ...], built: bool, cards: tuple[str, ...], hidden: bool, sentence: str
) -> None:
    said = gpu_sentence(gpus, built_for_gpu=built, cards=cards, hidden=hidden)
    assert sentence in said


def test_bfloat16_follows_the_best_device() -> None:
    slow = Device("cpu", "Zen 2", None, bfloat16=False)
    old = Device("cuda", "V100", None, bfloat16=False)
    assert bfloat16_sentence((slow, GPU)).startswith("yes: H100")
    assert "V100 is older than NVIDIA's Ampere" in bfloat16_sentence((slow, old))
    assert "neither AVX512-BF16 nor AMX" in bfloat16_sentence((slow,))
