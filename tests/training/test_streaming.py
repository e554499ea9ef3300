"""Batches from disk: the images that they would be in memory, within the memory that was stated."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from firstlight.core.errors import DataError, SettingError
from firstlight.core.stored import StoredImages, shard_name
from firstlight.training import predict
from firstlight.training.augmenting import Augmentation
from firstlight.training.batches import Batches
from firstlight.training.streaming import StreamedBatches

from .conftest import MACHINE, striped

CPU = torch.device("cpu")
COUNT, SIDE, SIZE = 500, 8, 16
ROW = SIDE * SIDE


@pytest.fixture
def store(tmp_path: Path) -> Callable[..., StoredImages]:
    """Put an array on disk in a drawn order, with room for so many images in memory."""

    def make(array: NDArray[Any], room: int = 256, shard_rows: int = 60) -> StoredImages:
        place = np.random.default_rng(5).permutation(len(array))
        lying = np.empty_like(array)
        lying[place] = array
        for number, start in enumerate(range(0, len(array), shard_rows)):
            np.save(tmp_path / shard_name(number), lying[start : start + shard_rows])
        shape: Any = array.shape[1:]
        digests = np.arange(len(array), dtype=np.uint64)
        budget = room * array[0].nbytes
        return StoredImages(tmp_path, shape, array.dtype, shard_rows, place, digests, budget)

    return make


@pytest.fixture
def images() -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (COUNT, SIDE, SIDE, 1), np.uint8)


def batches_of(stored: StoredImages, seed: int = 4, augment: str = "none") -> StreamedBatches:
    change = Augmentation.parse(augment)
    return StreamedBatches(stored, np.arange(COUNT), SIZE, seed, change, CPU)


def epoch_of(batches: Batches, epoch: int, start: int = 0) -> list[tuple[Any, Any]]:
    batches.start_epoch(epoch)
    seen = [batches.batch(epoch, position) for position in range(start, len(batches))]
    return [(images, targets) for (images,), targets in seen]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_an_epoch_brings_each_image_once_with_its_target(
    dtype: Any, images: NDArray[np.uint8], store: Callable[..., StoredImages]
) -> None:
    array = images.astype(dtype)
    for epoch in range(2):
        seen = epoch_of(batches_of(store(array)), epoch)
        assert [len(one) for one, _ in seen] == [SIZE] * 31 + [4]
        targets = torch.cat([targets for _, targets in seen]).numpy()
        assert sorted(targets) == list(range(COUNT))
        brought = torch.cat([batch for batch, _ in seen]).numpy()
        np.testing.assert_array_equal(brought, array[targets])


def order_of(batches: Batches, epoch: int) -> list[int]:
    batches.start_epoch(epoch)
    rows = [batches.rows(position) for position in range(len(batches))]
    return torch.cat(rows).tolist()  # type: ignore[no-any-return]


def test_the_order_follows_from_seed_and_epoch(
    images: NDArray[np.uint8], store: Callable[..., StoredImages]
) -> None:
    stored = store(images)
    one, other = batches_of(stored), batches_of(stored)
    third = order_of(other, 3)
    assert order_of(one, 0) != third
    assert order_of(one, 3) == third
    assert order_of(batches_of(stored, seed=5), 3) != third


@pytest.mark.parametrize("start", [0, 1, 5, 17, 31])
@pytest.mark.parametrize("augment", ["none", "shift:1,flip"])
def test_a_resumed_epoch_goes_on_with_the_same_batches(
    start: int, augment: str, images: NDArray[np.uint8], store: Callable[..., StoredImages]
) -> None:
    stored = store(images)
    whole = epoch_of(batches_of(stored, augment=augment), 2)[start:]
    rest = epoch_of(batches_of(stored, augment=augment), 2, start)
    for (one, targets), (other, others) in zip(whole, rest, strict=True):
        assert torch.equal(one, other)
        assert torch.equal(targets, others)
    changed = torch.cat([batch for batch, _ in whole]).numpy()
    plain = images[torch.cat([targets for _, targets in whole]).numpy()]
    assert np.array_equal(changed, plain) == (augment == "none")


def test_images_come_from_two_windows_that_fit_the_memory(
    images: NDArray[np.uint8],
    store: Callable[..., StoredImages],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[int] = []
    reading = StoredImages.read

    def counted(self: StoredImages, rows: NDArray[np.int64], images: NDArray[Any]) -> None:
        read.append(len(rows))
        reading(self, rows, images)

    monkeypatch.setattr(StoredImages, "read", counted)
    batches = batches_of(store(images))
    assert batches.window == 64
    assert batches._cache.nbytes == 256 * ROW // 2
    epoch_of(batches, 0)
    # Seven whole windows and the rest; never an image on its own.
    assert read == [64] * 7 + [52]


def test_the_next_window_is_read_while_one_is_used(
    images: NDArray[np.uint8], store: Callable[..., StoredImages]
) -> None:
    batches = batches_of(store(images))
    batches.start_epoch(0)
    batches.batch(0, 0)
    (coming,) = batches._coming.values()
    rows = coming.result(timeout=30)
    np.testing.assert_array_equal(batches._cache[64:128], images[rows.numpy()])
    assert set(rows.tolist()) == set(torch.cat([batches.rows(k) for k in range(4, 8)]).tolist())


def test_sorted_images_come_mixed(store: Callable[..., StoredImages]) -> None:
    """Images sorted by class, as in class folders, and a memory for an eighth of them."""
    labels = np.repeat(np.arange(5), COUNT // 5)
    array = np.broadcast_to(labels[:, None, None, None], (COUNT, SIDE, SIDE, 1)).astype(np.uint8)
    batches = batches_of(store(array))
    found = [len(batch[:, 0, 0, 0].unique()) for batch, _ in epoch_of(batches, 0)[:-1]]
    # 16 of five equal classes: 4.86 classes on average, by 5 (1 - (4/5)^16).
    assert np.mean(found) == pytest.approx(4.86, abs=0.2)


def test_any_images_can_be_taken(
    images: NDArray[np.uint8], store: Callable[..., StoredImages]
) -> None:
    batches = batches_of(store(images))
    batches.start_epoch(0)
    batches.batch(0, 0)
    rows = torch.tensor([499, 0, 3, 3])
    np.testing.assert_array_equal(batches.take(rows).numpy(), images[[499, 0, 3, 3]])


def test_too_little_memory_for_the_batches_is_refused(
    images: NDArray[np.uint8], store: Callable[..., StoredImages]
) -> None:
    batches_of(store(images, room=4 * SIZE))
    with pytest.raises(SettingError, match=r"hold four batches, which takes 4\.14 KB"):
        batches_of(store(images, room=4 * SIZE - 1))


def test_a_shard_that_is_lost_on_the_way_is_named(
    images: NDArray[np.uint8], store: Callable[..., StoredImages], tmp_path: Path
) -> None:
    batches = batches_of(store(images))
    (tmp_path / shard_name(7)).unlink()
    with pytest.raises(DataError, match=r"000007\.npy, but it cannot be read"):
        epoch_of(batches, 0)


def test_predictions_come_in_the_order_of_the_images(
    store: Callable[..., StoredImages], make_training: Callable[..., Any]
) -> None:
    network = make_training().training.network
    array = striped(300).images
    assert isinstance(array, np.ndarray)
    answers = predict(network, store(array), MACHINE)
    np.testing.assert_allclose(answers, predict(network, array, MACHINE), atol=1e-6)


MEASURE = r"""
import re, sys
from pathlib import Path
import numpy as np, torch
from firstlight.core.stored import StoredImages, shard_name
from firstlight.training.augmenting import Augmentation
from firstlight.training.streaming import StreamedBatches
folder, count, budget = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rows = np.random.default_rng(0).permutation(count)
stored = StoredImages(folder, (64, 64, 3), np.dtype("u1"), 1000, rows, rows.astype("u8"), budget)
batches = StreamedBatches(stored, np.arange(count), 64, 0, Augmentation(), torch.device("cpu"))
for epoch in range(2):
    batches.start_epoch(epoch)
    for position in range(len(batches)):
        batches.batch(epoch, position)
    for start in range(0, count, 100):
        stored[start : start + 100]
# Not getrusage, which counts the process that started this one, too.
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024)
"""


@pytest.mark.slow
def test_the_working_set_stays_under_the_memory(tmp_path: Path) -> None:
    """128 MB of images with a memory of 32 MB: measured as the system counts it."""
    for number in range(11):
        np.save(tmp_path / shard_name(number), np.full((1000, 64, 64, 3), number, np.uint8))

    def peak(count: int) -> int:
        command = [sys.executable, "-c", MEASURE, str(tmp_path), str(count), "32000000"]
        return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert 0 < peak(11_000) - peak(64) < 32_000_000
