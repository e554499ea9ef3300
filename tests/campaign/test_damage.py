"""Damaged checkpoints: the one before is used, the damaged one is named and set aside."""

import random
import shutil
from pathlib import Path

import pytest
from processes import Place

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def stopped(place: Place) -> Path:
    """A run that was killed on its way, with two checkpoints."""
    place.stopped("stopped")
    return place.runs / "stopped"


def truncated(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """One bit is another."""
    place, bit = chance.randrange(len(data)), 1 << chance.randrange(8)
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def zeroed(data: bytes, chance: random.Random) -> bytes:
    """A block of the disk was never written."""
    start = 512 * chance.randrange(len(data) // 512)
    damaged = data[:start] + bytes(512) + data[start + 512 :]
    return damaged if damaged != data else bytes(len(data))


@pytest.mark.tries(few=1, all=20)
@pytest.mark.parametrize("damage", [truncated, flipped, zeroed])
def test_the_checkpoint_before_a_damaged_one_is_used(place, tally, stopped, attempt, damage):
    case = f"damaged checkpoint: {damage.__name__}"
    name = f"{damage.__name__}-{attempt}"
    shutil.copytree(stopped, place.runs / name)
    older, newest = sorted((place.runs / name / "checkpoints").glob("step-*.ckpt"))
    chance = random.Random(name)
    newest.write_bytes(damage(newest.read_bytes(), chance))
    tally.add(case, tries=1)
    printed = place.check_going_on(tally, case, name, int(older.stem[5:]))
    printed = " ".join(printed.split())
    assert f"warning: checkpoint {newest.name} is damaged" in printed
    assert "the one before it is used" in printed
    assert newest.with_suffix(".damaged").exists()
