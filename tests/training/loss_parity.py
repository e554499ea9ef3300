"""Holding a loss against Keras's own object."""

import numpy as np
import torch

from firstlight.models.backend import import_keras

keras = import_keras()
losses = keras.losses


K = 4


def logits_like(shape, head, scale=2.0, seed=0):
    """Random logits; positive numbers where nothing activates them."""
    numbers = np.random.default_rng(seed).normal(size=shape) * scale
    return torch.from_numpy((np.abs(numbers) if head == "linear" else numbers).astype("float32"))


def targets_like(kind, shape, seed=1):
    """Targets of a kind for answers of `shape`."""
    random = np.random.default_rng(seed)
    classes = random.integers(0, shape[-1], shape[:-1])
    made = {
        "classes": classes,
        "rows": np.eye(shape[-1], dtype="float32")[classes],
        "shares": random.dirichlet(np.ones(shape[-1]), shape[:-1]).astype("float32"),
        "flags": random.integers(0, 2, shape),
        "signs": 2.0 * random.integers(0, 2, shape) - 1,
        "values": random.normal(size=shape).astype("float32") * 2,
        "counts": random.poisson(3.0, shape),
    }
    return torch.from_numpy(np.asarray(made[kind]))


def activated(logits, head):
    if head == "linear":
        return logits
    return torch.sigmoid(logits) if head == "sigmoid" else torch.softmax(logits, -1)


def number_and_gradient(loss, logits):
    point = logits.clone().requires_grad_()
    value = loss(point)
    value.backward()
    return value.detach(), point.grad


FUNCTIONS = {
    name: getattr(losses, "".join(word.capitalize() for word in name.split("_")))()
    for name in """mean_squared_error mean_absolute_error mean_absolute_percentage_error log_cosh
    mean_squared_logarithmic_error cosine_similarity huber poisson hinge squared_hinge dice
    categorical_hinge categorical_crossentropy binary_crossentropy binary_focal_crossentropy
    sparse_categorical_crossentropy categorical_focal_crossentropy tversky""".split()
} | {"kl_divergence": losses.KLDivergence()}
