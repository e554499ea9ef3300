"""Published networks: what Keras's own applications answer, before and after a training step."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from firstlight.models.backend import import_keras
from firstlight.training.lowering import lower

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
    # With the statistics of a fresh model, every image would get the same answer.
    for layer in model.layers:
        if hasattr(layer, "momentum"):
            layer.momentum = 0.0
    model(images, training=True)
    network = lower(model)
    assert network.in_keras == []
    assert_same_answers(network, model, images)

    network.train()
    logits = network(torch.from_numpy(images))
    F.cross_entropy(logits, torch.arange(8) % 5).backward()
    with torch.no_grad():
        for weight in network.parameters():
            if weight.grad is not None:
                weight.sub_(weight.grad, alpha=1e-4)
    network.write_back()
    assert_same_answers(network, model, images)


def assert_same_answers(network, model, images):
    network.eval()
    with torch.no_grad():
        ours = network.answers(network(torch.from_numpy(images))).numpy()
    theirs = keras.ops.convert_to_numpy(model(images, training=False))
    assert np.ptp(theirs, axis=0).max() > 1e-3 * np.abs(theirs).max()
    assert np.abs(ours - theirs).max() < 1e-4 * np.abs(theirs).max()
