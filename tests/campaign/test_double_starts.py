"""Two processes that want one run folder: one works, the other is told why it cannot."""

import pytest

pytestmark = pytest.mark.slow


def one_works(processes, words):
    """Wait for both; the one that works must be named by the other where that knows it."""
    ended = {process.pid: process.end() for process in processes}
    codes = sorted(code for code, _ in ended.values())
    assert codes == [0, 2], ended
    (worker,) = [pid for pid, (code, _) in ended.items() if code == 0]
    (refused,) = [printed for code, printed in ended.values() if code == 2]
    assert any(word.format(worker=worker) in refused for word in words), refused


@pytest.mark.tries(few=1, all=10)
def test_two_trainings_under_one_name(place, tally, attempt):
    case, name = "double start: train twice under one name", f"twice-{attempt}"
    tally.add(case, tries=1)
    both = [place.start(place.train(name)) for _ in range(2)]
    one_works(both, [f"a run called {name} exists", "is being written by process {worker} "])
    tally.add(case, went_on=1)
    place.check_same(name)
    tally.add(case, identical=1)


@pytest.mark.tries(few=1, all=10)
def test_two_that_go_on_with_one_run(place, tally, attempt):
    case, name = "double start: go on twice with one run", f"again-{attempt}"
    place.stopped(name, epochs=1)
    tally.add(case, tries=1)
    newest, starts = place.newest(name), place.count(name, "start")
    both = [place.start(place.go_on(name)) for _ in range(2)]
    one_works(both, ["is being written by process {worker} on"])
    tally.add(case, went_on=1, lost=place.lost(name, newest, starts))
    place.check_same(name)
    tally.add(case, identical=1)
    assert tally.counts["lost"] == 0
