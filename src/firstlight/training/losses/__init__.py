"""Keras's losses on logits, for firstlight's own training and for compiled Keras models."""

from firstlight.training.losses.from_keras import loss_from_keras
from firstlight.training.losses.loss import FormulaLoss, KerasLoss, Loss
from firstlight.training.losses.named import make_loss

__all__ = ["FormulaLoss", "KerasLoss", "Loss", "loss_from_keras", "make_loss"]
