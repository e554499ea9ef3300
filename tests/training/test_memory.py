import pytest
import torch

from firstlight.training.memory import batch_that_fits, ran_out


def test_what_torch_says_about_memory_is_understood():
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60)
    assert ran_out(caught.value)
    assert ran_out(MemoryError())
    assert not ran_out(RuntimeError("shapes do not fit"))


def test_the_first_half_that_fits_is_found():
    tried = []

    def step(count):
        tried.append(count)
        if count > 20:
            raise RuntimeError("not enough memory: you tried to allocate 9 bytes")

    assert batch_that_fits(MemoryError(), 100, step) == 12
    assert tried == [50, 25, 12]


def test_nothing_fits_and_other_errors_are_not_hidden():
    def full(count):
        raise MemoryError

    def wrong(count):
        raise RuntimeError("shapes do not fit")

    assert batch_that_fits(MemoryError(), 8, full) == 0
    with pytest.raises(RuntimeError, match="shapes"):
        batch_that_fits(MemoryError(), 8, wrong)


def test_what_the_failed_step_held_is_let_go():
    class Held:
        alive = 0

        def __init__(self):
            Held.alive += 1

        def __del__(self):
            Held.alive -= 1

    def failed():
        held = Held()
        assert held.alive == 1
        raise MemoryError

    def step(count):
        assert Held.alive == 0

    with pytest.raises(MemoryError) as caught:
        failed()
    assert Held.alive == 1
    assert batch_that_fits(caught.value, 4, step) == 2
