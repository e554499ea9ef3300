"""Trainings killed at random moments, and inside of a save: each goes on and ends bit-identical."""

import random
import signal
import time

import pytest
from faults import CALLS, Fault
from processes import Place

pytestmark = pytest.mark.slow
KILLS = 10  # in one chain of runs
# Most saves are those of checkpoints; the others happen once in a run.
SAVED = ("step-", "step-", "step-", "model.keras", "report.json", "split.npz", "events.jsonl")


def killed_anywhere(place: Place, arguments: list[str], name: str, chance: random.Random) -> bool:
    """Start a process and kill it: one in five while it starts up, the others in training."""
    if chance.random() < 0.2:
        with place.start_anew(arguments) as process:
            time.sleep(chance.uniform(0.1, 4.0))
            process.kill()
            process.communicate()
        return process.returncode == -signal.SIGKILL
    before = place.count(name, "start")
    process = place.start(arguments)
    place.wait_for_event(name, "start", process, before)
    time.sleep(chance.uniform(0.0, 0.8))
    process.send(signal.SIGKILL)
    return process.end()[0] == -signal.SIGKILL


def killed_inside_a_save(
    place: Place, arguments: list[str], name: str, chance: random.Random
) -> bool:
    """Let a process kill itself at one of the calls that a save consists of."""
    file = chance.choice(SAVED)
    call = "write" if file == "events.jsonl" else chance.choice(CALLS)
    many = file in ("step-", "events.jsonl")
    fault = Fault(
        file,
        call,
        chance.randint(1, 4) if many else 1,
        signals=(signal.SIGKILL,),
        seed=chance.getrandbits(32),
    )
    code, printed = place.start(arguments, fault).end()
    assert code in (0, -signal.SIGKILL), printed
    return code == -signal.SIGKILL


WAYS = {
    "SIGKILL at a random moment": killed_anywhere,
    "SIGKILL inside a save": killed_inside_a_save,
}


@pytest.mark.tries(few=1, all=10)
@pytest.mark.parametrize("way", WAYS)
def test_killed_trainings_go_on_and_end_bit_identical(place, tally, attempt, way):
    chance, killed, run = random.Random(f"{way} {attempt}"), 0, 0
    while killed < KILLS:
        seed, run = run % 2, run + 1
        name, kills = f"{WAYS[way].__name__}-{attempt}-{run}", 0
        ended = False
        while not ended:
            newest, starts = place.newest(name), place.count(name, "start")
            arguments = place.go_on(name, seed)
            if killed + kills < KILLS and WAYS[way](place, arguments, name, chance):
                kills += 1
            else:
                place.finish(place.go_on(name, seed))
                ended = True
            tally.add(way, lost=place.lost(name, newest, starts))
        place.check_same(name, seed)
        killed += kills
        tally.add(way, tries=kills, went_on=kills, identical=kills)
    assert tally.counts["lost"] == 0
