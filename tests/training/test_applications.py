"""Published networks: what Keras's own applications answer, before and after a training step.

A few that stand for all of them; `benchmarks/applications.py` compares every one.
"""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from firstlight.models.backend import import_keras
from firstlight.training.lowering import lower
from firstlight.training.optimizers import make_optimizer

keras = import_keras()
SHAPE = (64, 64, 3)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["MobileNetV2", "MobileNetV3Small", "EfficientNetB0", "ResNet50V2", "ConvNeXtTiny"]
)
def test_application_answers_and_trains_as_keras(name):
    keras.utils.set_random_seed(0)
    build = getattr(keras.applications, name)
    # Logits: probabilities of an untrained network are often 0 and 1, which hides everything.
    model = build(weights=None, input_shape=SHAPE, classes=5, classifier_activation=None)
    generator = np.random.default_rng(0)
    images = generator.uniform(-1, 1, (8, *SHAPE)).astype("float32")
    targets = np.arange(8) % 5
    prepare(model, images, generator)
    network = lower(model)
    assert network.in_keras == []
    assert_same_answers(network, model, images)
    start = model.get_weights()

    network.train()
    loss = F.cross_entropy(network(torch.from_numpy(images)), torch.from_numpy(targets))
    loss.backward()
    slopes = sum(w.tensor.grad.square().sum().item() for w in network.weights())
    # Lowers the loss by a thousandth. Networks that nobody has trained are steep: rounding alone
    # moves their gradients by a hundredth.
    rate = 1e-3 * loss.item() / slopes
    make_optimizer("sgd", network).step(rate)
    network.write_back()
    assert_same_answers(network, model, images)
    ours = model.get_weights()

    model.set_weights(start)
    losses = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(rate), losses)
    assert float(model.train_on_batch(images, targets)) == pytest.approx(loss.item(), rel=1e-4)
    assert_same_answers(network, model, images)
    for one, other in zip(ours, model.get_weights(), strict=True):
        assert np.abs(one - other).max() <= 1e-4 * np.abs(other).max()


def prepare(model, images, generator):
    """No variable zero, the statistics of these images, no dropout.

    With the statistics of a fresh model, every image would get the same answer.
    """
    for variable in model.trainable_variables:
        if not keras.ops.any(variable.value):
            variable.assign(generator.normal(0, 0.1, variable.shape))
    normalisations = [layer for layer in model.layers if hasattr(layer, "moving_mean")]
    momenta = [layer.momentum for layer in normalisations]
    for layer in model.layers:
        for rate in ("rate", "drop_path_rate"):
            if hasattr(layer, rate):
                setattr(layer, rate, 0.0)
    for layer in normalisations:
        layer.momentum = 0.0
    model(images, training=True)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum


def assert_same_answers(network, model, images):
    network.eval()
    with torch.no_grad():
        ours = network.answers(network(torch.from_numpy(images))).numpy()
    theirs = keras.ops.convert_to_numpy(model(images, training=False))
    assert np.ptp(theirs, axis=0).max() > 1e-3 * np.abs(theirs).max()
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
