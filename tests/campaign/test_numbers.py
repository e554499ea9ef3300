"""Numbers that are not finite, and memory that runs out."""

import re
import resource

import pytest
import torch

from firstlight.core.settings import OPTIMIZERS

pytestmark = pytest.mark.slow


@pytest.mark.tries(few=1, all=len(OPTIMIZERS))
def test_a_loss_that_is_not_finite_names_its_batch_and_keeps_finite_weights(place, tally, attempt):
    case, name = "a loss that is not finite", f"nan-{attempt}"
    tally.add(case, tries=1)
    words = place.train(name, optimizer=OPTIMIZERS[attempt], learning_rate=1e6, precision="float32")
    words += ["--loss=mean_squared_error"]
    code, printed = place.start(words).end()
    assert code == 2, printed
    line = printed.strip().splitlines()[-1]
    print(line)
    assert re.search(r"the loss became (nan|inf) in epoch \d+, batch \d+ \(images ", line), line
    newest = sorted((place.runs / name / "checkpoints").glob("step-*.ckpt"))[-1]
    state = torch.load(newest, weights_only=True)
    assert all(tensor.isfinite().all() for tensor in state["network"])
    # Going on from it comes to the same batch: nothing of what was before is forgotten.
    code, again = place.start(place.go_on(name)).end()
    assert (code, again.strip().splitlines()[-1]) == (2, line)
    tally.add(case, went_on=1, identical=1)


@pytest.mark.tries(few=1, all=3)
def test_memory_that_runs_out_suggests_a_batch_that_fits(place, tally, attempt):
    case, name = "memory runs out", f"memory-{attempt}"
    tally.add(case, tries=1)
    limits = {resource.RLIMIT_AS: (96, 128, 160)[attempt] * 2**20}
    words = place.train(name, batch_size=1200)
    code, printed = place.start(words, limits=limits).end()
    assert code == 2, printed
    found = re.search(r"memory ran out at a batch of 1200 images: .*--batch-size (\d+)", printed)
    assert found, printed
    words = place.train(f"{name}-smaller", batch_size=int(found[1]))
    code, printed = place.start(words, limits=limits).end()
    assert code == 0, printed
    tally.add(case, went_on=1, identical=1)
