"""The first losses of each recipe on MNIST: as recorded, and as Keras's own training has them."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from firstlight.core.settings import DataSettings, TrainSettings
from firstlight.data import load_dataset
from firstlight.models import RECIPES, build_model, import_keras, prepare_model, resolve_settings
from firstlight.training import Augmentation, Machine, lower
from firstlight.training.batches import Batches
from firstlight.training.learner import Learner
from firstlight.training.losses import make_loss
from firstlight.training.optimizers import make_optimizer
from firstlight.training.schedules import learning_rate

keras = import_keras()
MACHINE = Machine(torch.device("cpu"), "float32", 1)
IMAGES, STEPS = 32, 4
# Of the recipe's own learning rate. With all of it, Adam's first steps turn differences in the
# last digits into several per cent of the loss within four steps, from thread to thread.
SHARE = 0.02

# Recorded in float32 on one thread of an AMD Zen 3 processor, with PyTorch 2.13 and Keras 3.15.
GOLDEN = {
    "compact": [3.15457, 2.39222, 2.44167, 2.52952],
    "simple": [2.28417, 2.24254, 2.30837, 2.30676],
    "intermediate": [2.31162, 2.29836, 2.32812, 2.29187],
    "vgg": [2.54154, 2.59648, 2.87309, 2.36273],
    "vgg-gap": [2.5031, 2.61508, 2.60822, 2.32109],
    "maps": [2.53042, 2.55235, 2.36159, 2.60538],
    "residual": [2.52261, 2.44641, 2.63245, 2.45753],
}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("mnist", DataSettings(), 0).train


@pytest.fixture(params=RECIPES)
def case(request, digits):
    """A recipe's own training in small: few images in a batch, few steps, short ones."""
    settings = resolve_settings(TrainSettings(model=request.param), "classify")
    keras.utils.set_random_seed(0)
    model = build_model(request.param, (28, 28, 1), 10, "classify")
    model = prepare_model(model, "rescale", digits.images)
    change = Augmentation.parse(settings.augment)
    batches = Batches(digits.images, digits.targets, IMAGES, 0, change, MACHINE.device)
    batches.start_epoch(0)
    peak = SHARE * float(settings.learning_rate)
    return SimpleNamespace(
        name=request.param,
        settings=settings,
        model=model,
        batches=[batches.batch(0, position) for position in range(STEPS)],
        rates=[learning_rate(settings.schedule, peak, step, STEPS) for step in range(STEPS)],
    )


def trained_losses(case):
    torch.set_num_threads(1)
    network = lower(case.model)
    loss = make_loss(str(case.settings.loss), network.head, 10, classify=True)
    optimizer = make_optimizer(case.settings.optimizer, network)
    learner = Learner(network, loss, optimizer, MACHINE)
    return [
        learner.step(images, targets, None, rate)[0]
        for (images, targets), rate in zip(case.batches, case.rates, strict=True)
    ]


def test_recorded_losses(case):
    assert trained_losses(case) == pytest.approx(GOLDEN[case.name], rel=1e-3)


def test_losses_of_keras(case):
    ours = trained_losses(case)
    case.model.compile(case.settings.optimizer, case.settings.loss)
    for ((images,), targets), rate, loss in zip(case.batches, case.rates, ours, strict=True):
        case.model.optimizer.learning_rate = rate
        wanted = np.eye(10, dtype="float32")[targets.numpy()]
        theirs = case.model.train_on_batch(images.numpy(), wanted)
        assert loss == pytest.approx(float(theirs), rel=1e-3)
