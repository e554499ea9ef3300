"""The training room: a Keras model and images in, the same Keras model trained out.

Keras defines, PyTorch trains: `lower` makes a torch network of the model, `Training` runs it
through the images, `write_back` carries the weights home.
"""

from firstlight.training.augmenting import Augmentation
from firstlight.training.checkpoints import load_newest
from firstlight.training.dead_units import relu_units
from firstlight.training.keras_learner import KerasNetwork, network_of
from firstlight.training.loop import Training
from firstlight.training.lowering import Network, lower, not_lowered
from firstlight.training.machine import Machine, choose_machine
from firstlight.training.observing import as_seen
from firstlight.training.opened import OpenNetwork
from firstlight.training.predicting import predict
from firstlight.training.range_testing import range_test, training_step
from firstlight.training.validating import Validator, constant_score

__all__ = [
    "Augmentation",
    "KerasNetwork",
    "Machine",
    "Network",
    "OpenNetwork",
    "Training",
    "Validator",
    "as_seen",
    "choose_machine",
    "constant_score",
    "load_newest",
    "lower",
    "network_of",
    "not_lowered",
    "predict",
    "range_test",
    "relu_units",
    "training_step",
]
