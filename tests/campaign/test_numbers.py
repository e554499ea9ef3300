"""Numbers that are not finite, and memory that runs out."""

import re
import resource

import pytest
import torch

from firstlight.core.settings import OPTIMIZERS

pytestmark = pytest.mark.slow
DEEP = "- Flatten\n" + "- Dense: {units: 16}\n" * 8 + "- Dense: {units: outputs}\n- Softmax\n"
WIDE = """
- Conv2D: {filters: 64, kernel_size: 3, padding: same, activation: relu}
- Conv2D: {filters: 64, kernel_size: 3, padding: same, activation: relu}
- GlobalAveragePooling2D
- Dense: {units: outputs, activation: softmax}
"""


@pytest.mark.tries(few=1, all=5)
def test_a_loss_that_is_not_finite_names_its_batch_and_keeps_finite_weights(place, tally, attempt):
    case, name = "a loss that is not finite", f"nan-{attempt}"
    tally.add(case, tries=1)
    (place.folder / "deep.yaml").write_text(DEEP)
    way = {"optimizer": OPTIMIZERS[attempt], "learning_rate": 1e6, "schedule": "one-cycle"}
    code, printed = place.start(place.train(name, model="deep.yaml", **way)).end()
    assert code == 2, printed
    line = printed.strip().splitlines()[-1]
    batch = r"the loss became (nan|inf) in epoch \d+, batch \d+ \(images images"
    assert re.search(f"{batch}|weights are no longer finite after step", line), line
    newest = sorted((place.runs / name / "checkpoints").glob("step-*.ckpt"))[-1]
    state = torch.load(newest, weights_only=True)
    assert all(tensor.isfinite().all() for tensor in state["network"])
    # Going on from it comes to the same batch: nothing of what was before is forgotten.
    code, again = place.start(place.go_on(name)).end()
    assert (code, again.strip().splitlines()[-1]) == (2, line)
    tally.add(case, went_on=1, identical=1)


@pytest.mark.tries(few=1, all=6)
def test_memory_that_runs_out_suggests_a_batch_that_fits(place, tally, attempt):
    case, name = "memory runs out", f"memory-{attempt}"
    tally.add(case, tries=1)
    (place.folder / "wide.yaml").write_text(WIDE)
    limits = {resource.RLIMIT_AS: (100 + 20 * attempt) * 2**20}
    way = {"model": "wide.yaml", "epochs": 2}
    code, printed = place.start(place.train(name, batch_size=1200, **way), limits=limits).end()
    assert code == 2, printed
    found = re.search(r"memory ran out at a batch of 1200 images; (\d+) fit: train anew", printed)
    assert found, printed
    # And so it does, under the same limit, and as if there were none.
    fits, free = f"{name}-fits", f"{name}-free"
    words = place.train(fits, batch_size=int(found[1]), **way)
    code, printed = place.start(words, limits=limits).end()
    assert code == 0, printed
    tally.add(case, went_on=1)
    place.finish(place.train(free, batch_size=int(found[1]), **way))
    place.check_equal(fits, place.runs / free, epochs=2)
    tally.add(case, identical=1)
