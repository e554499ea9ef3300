"""`firstlight.fit`: in place of `model.fit`, one line changed."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from firstlight.core.errors import EngineWarning, ModelError, SettingError

if TYPE_CHECKING:
    import keras


def fit(
    model: keras.Model,
    x: Any = None,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 1,
    verbose: str | int = "auto",
    callbacks: Any = None,
    validation_split: float = 0.0,
    validation_data: Any = None,
    shuffle: bool = True,
    class_weight: dict[int, float] | None = None,
    sample_weight: Any = None,
    initial_epoch: int = 0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    validation_batch_size: int | None = None,
    validation_freq: Any = 1,
    *,
    precision: str = "auto",
    threads: int | None = None,
) -> keras.callbacks.History:
    """Train a compiled Keras model as `model.fit` does, several times faster.

    The model's loss, optimizer (with its state and its learning-rate schedule), metrics and the
    callbacks are honoured; weights and optimizer state are in the Keras model afterwards, and
    at every moment at which a callback may look. Any Keras backend: TensorFlow, JAX, torch.
    All arguments but the last two are those of Keras's `Model.fit`
    (https://keras.io/api/models/model_training_apis/).

    Args:
        model: a compiled Sequential or Functional model.
        x: inputs: arrays, or tensors of any backend; a list or dictionary of them for several
            inputs; or a generator, `PyDataset`, `tf.data.Dataset` or torch `DataLoader`.
        y: targets, in the same ways; None where `x` gives them.
        batch_size: images in one step; None: 32.
        epochs: when training ends.
        verbose: `auto` or 1: Keras's progress bar; 2: a line an epoch; 0: nothing.
        callbacks: Keras's, or your own.
        validation_split: the share of the data, from its end, that is kept for validation.
        validation_data: `(x, y)` or `(x, y, sample_weight)`, or a data set as for `x`.
        shuffle: whether every epoch has a new order.
        class_weight: how much an image of a class counts.
        sample_weight: how much each image counts.
        initial_epoch: where to begin.
        steps_per_epoch: steps after which an epoch ends; None: all batches.
        validation_steps: the same for validation.
        validation_batch_size: images asked about at once; None: `batch_size`.
        validation_freq: validate after every so many epochs, or after those listed.
        precision: `float32`, `bfloat16`, or `auto`: bfloat16 where the machine is fast in it.
        threads: processor threads; None: one a core.

    Returns:
        The History, as from `model.fit`.

    Raises:
        SettingError: the model is not compiled.

    Warns:
        EngineWarning: a part of the model, named in the warning, is not known to the engine:
            that layer, or the whole training, is left to Keras. The result is the same.

    Example:
        >>> import numpy as np, firstlight as fl
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        >>> model.compile(optimizer="adam", loss="mse")
        >>> history = fl.fit(model, np.zeros((8, 2)), np.zeros(8), epochs=2, verbose=0)
        >>> history.history["loss"]
        [0.0, 0.0]
    """
    from firstlight.core.settings import TrainSettings
    from firstlight.training import choose_machine
    from firstlight.training.fitting import Fitting, fit_data

    if not getattr(model, "compiled", False):
        raise SettingError(
            "the model is not compiled: call model.compile(optimizer=..., loss=...) first."
        )
    data = fit_data(
        x,
        y,
        sample_weight,
        validation_data,
        validation_split,
        validation_batch_size,
        validation_steps,
        batch_size=batch_size,
        steps_per_epoch=steps_per_epoch,
        shuffle=shuffle,
        class_weight=class_weight,
        steps_per_execution=model.steps_per_execution,
    )
    asked = {
        "callbacks": callbacks,
        "epochs": epochs,
        "initial_epoch": initial_epoch,
        "validation_freq": validation_freq,
        "verbose": verbose,
    }
    try:
        fitting = Fitting(
            model, choose_machine(TrainSettings(precision=precision, threads=threads)), data
        )
    except ModelError as reason:
        _warn(f"{reason} Keras's own fit trains the model: the same result, but slower.")
        return model.fit(
            data.training.data_adapter,
            validation_data=None if data.validation is None else data.validation.data_adapter,
            steps_per_epoch=steps_per_epoch,
            validation_steps=validation_steps,
            **asked,
        )
    for line in fitting.network.in_keras:
        _warn(f"{line}: Keras runs it, which is slower.")
    return fitting.run(**asked)


def _warn(message: str) -> None:
    warnings.warn(message, EngineWarning, stacklevel=3)
