"""The loop of `firstlight.fit`: Keras's epochs, data and callbacks around the engine's steps."""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import Tensor

from firstlight.core.errors import NotHonouredError
from firstlight.training.fitting.callbacks import Callbacks
from firstlight.training.fitting.compiled_loss import CompiledLoss
from firstlight.training.fitting.data import FitData
from firstlight.training.fitting.keras_metrics import KerasMetrics
from firstlight.training.keras_schedules import schedule_from_keras
from firstlight.training.learner import Learner
from firstlight.training.lowering import lower
from firstlight.training.machine import Machine
from firstlight.training.optimizers import optimizer_from_keras
from firstlight.training.tensors import as_tensor

# What a model may not do in its own way, since the engine does it in Keras's.
OWN_WAYS = ("train_step", "test_step", "compute_loss", "compute_metrics", "fit", "evaluate")
SECONDS_BETWEEN_METRICS = 0.5


class Fitting:
    """A compiled Keras model in training.

    Args:
        model: compiled.
        machine: where to train it.
        data: what to train it on; a model that is not built yet is built for it.

    Raises:
        ModelError: something of the model, named in the message, has no equal in the engine.
    """

    def __init__(self, model: Any, machine: Machine, data: FitData) -> None:
        _refuse_own_ways(model)
        model._symbolic_build(iterator=data.training)
        data.training.reset()
        self.model = model
        self.data = data
        self.network = lower(model).to(machine.device)
        self.loss = CompiledLoss(model, self.network.heads)
        self.metrics = KerasMetrics(model, self.loss)
        optimizer = optimizer_from_keras(model.optimizer, self.network.weights())
        self.learner = Learner(self.network, self.loss, optimizer, machine)
        self.rate = schedule_from_keras(model.optimizer._learning_rate)

    def run(
        self,
        callbacks: Any,
        epochs: int,
        initial_epoch: int,
        validation_freq: Any,
        verbose: Any,
    ) -> Any:
        """Train, calling every callback at the moments at which Keras would.

        Args:
            callbacks: as in `model.fit`, like all the others.
            epochs: when training ends.
            initial_epoch: where it begins.
            validation_freq: after which epochs to validate.
            verbose: what to show.

        Returns:
            The History.
        """
        hooks = Callbacks(
            callbacks,
            self.model,
            self.write_back,
            self.read,
            verbose=verbose,
            epochs=epochs,
            steps=self.data.training.num_batches,
        )
        logs: dict[str, float] = {}
        self.model.stop_training = False
        try:
            hooks.train_begin()
            for epoch in range(self.model._initial_epoch or initial_epoch, epochs):
                hooks.epoch_begin(epoch)
                logs = self._epoch(hooks)
                if self.data.validation and self.model._should_eval(epoch, validation_freq):
                    self.write_back()
                    values = self._validate(self.data.validation, hooks)
                    logs |= {f"val_{name}": value for name, value in values.items()}
                hooks.epoch_end(epoch, logs)
                if self.model.stop_training:
                    break
        finally:
            # Ctrl+C too leaves the model as far as it came.
            self.write_back()
        self.model.optimizer.finalize_variable_values(self.model.trainable_weights)
        hooks.train_end(logs)
        return self.model.history

    def write_back(self) -> None:
        """Carry weights and optimizer state into the Keras objects."""
        self.network.write_back()
        self.learner.optimizer.write_back()

    def read(self) -> None:
        """Take over weights and optimizer state from the Keras objects."""
        self.network.read()
        self.learner.optimizer.read()

    def _epoch(self, hooks: Callbacks) -> dict[str, float]:
        self.metrics.reset()
        moment = Moment(hooks)
        for begin, end, batches in self.data.training:
            hooks.batch_begin(begin)
            for batch in batches:
                self._step(batch)
            hooks.batch_end(end, self.metrics.logs(fresh=moment.came()))
            if self.model.stop_training:
                break
        return self.metrics.logs()

    def _step(self, batch: Any) -> None:
        x, y, sample_weight = _unpacked(batch)
        inputs = self._inputs(x)
        weights = None if sample_weight is None else self.loss.for_parts(sample_weight)
        value, answers = self.learner.step(
            inputs, self.loss.for_parts(y), weights, self.rate(self.learner.optimizer.taken)
        )
        self.metrics.add(value, y, answers, sample_weight, len(inputs[0]))

    def _validate(self, data: Any, hooks: Callbacks) -> dict[str, float]:
        """Loss and metrics of the validation data, as `model.evaluate` gives them."""
        self.metrics.reset()
        self.network.eval()
        hooks.list.on_test_begin()
        penalty = self.learner.penalty()
        data.reset()
        for begin, end, batches in data:
            hooks.list.on_test_batch_begin(begin)
            for x, y, sample_weight in map(_unpacked, batches):
                inputs = self._inputs(x)
                weights = None if sample_weight is None else self.loss.for_parts(sample_weight)
                with torch.no_grad(), self.learner.machine.arithmetic():
                    answers = self.network(*inputs)
                    value = self.loss(answers, self.loss.for_parts(y), weights).item() + penalty
                    answers = self.network.answers(answers)
                self.metrics.add(value, y, answers, sample_weight, len(inputs[0]))
            hooks.list.on_test_batch_end(end, self.metrics.logs(fresh=hooks.every_batch))
        logs = self.metrics.logs()
        hooks.list.on_test_end(logs)
        return logs

    def _inputs(self, x: Any) -> tuple[Tensor, ...]:
        """A batch's inputs as tensors, in the order and of the rank that the model wants."""
        from keras import tree

        wanted = self.model.inputs
        if isinstance(x, dict) and not isinstance(self.model.input, dict):
            x = [x[tensor.name] for tensor in wanted]
        return tuple(
            _of_rank(as_tensor(array), tensor.shape)
            for array, tensor in zip(tree.flatten(x), wanted, strict=True)
        )


class Moment:
    """When the metrics are worth asking for in the middle of an epoch."""

    def __init__(self, hooks: Callbacks) -> None:
        self._always = hooks.every_batch
        self._shown = hooks.shown
        self._last = float("-inf")

    def came(self) -> bool:
        """After every batch where a callback wants it; twice a second for the progress bar."""
        now = time.monotonic()
        if self._always or (self._shown and now - self._last > SECONDS_BETWEEN_METRICS):
            self._last = now
            return True
        return False


def _unpacked(batch: Any) -> tuple[Any, Any, Any]:
    """Inputs, targets and sample weights of what Keras's data gives for a batch."""
    x, y, weights = (*batch, None, None)[:3] if isinstance(batch, tuple | list) else (batch,) * 3
    if y is None:
        raise NotHonouredError("the data have no targets.")
    return x, y, weights


def _of_rank(x: Tensor, shape: tuple[int | None, ...]) -> Tensor:
    """The tensor with a last axis of one number added or taken away, as Keras does it.

    Raises:
        ValueError: its shape is not the input's.
    """
    if x.dim() == len(shape) - 1 and shape[-1] == 1:
        x = x[..., None]
    elif x.dim() == len(shape) + 1 and x.shape[-1] == 1:
        x = x[..., 0]
    sizes = zip(x.shape[1:], shape[1:], strict=False)
    if x.dim() != len(shape) or any(want not in (None, size) for size, want in sizes):
        raise ValueError(
            f"the model takes inputs of shape {shape[1:]}, but {tuple(x.shape[1:])} came: reshape "
            "the data, or change the model's Input."
        )
    return x


def _refuse_own_ways(model: Any) -> None:
    import keras

    for name in OWN_WAYS:
        if getattr(type(model), name) is not getattr(keras.Model, name):
            raise NotHonouredError(f"{model.name} has a {name} of its own.")
