"""The data of a fit, cut into batches by Keras itself: arrays, generators, tf.data, PyDatasets.

Keras's iterator gives NumPy batches on every backend, in time that does not count beside a step
(0.1 ms for 256 digits), so shuffling, class weights and splits are Keras's to the last rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class FitData:
    """Keras's iterators over batches.

    Attributes:
        training: a new order every epoch where it is shuffled.
        validation: always in the same order; None where there is no validation.
    """

    training: Any
    validation: Any


def fit_data(
    x: Any,
    y: Any,
    sample_weight: Any,
    validation_data: Any,
    validation_split: float,
    validation_batch_size: int | None,
    validation_steps: int | None,
    **options: Any,
) -> FitData:
    """The iterators for what `model.fit` was given; `options` are those of Keras's EpochIterator.

    Raises:
        ValueError: Keras's own, where the data do not fit together.
    """
    # Keras has no public way to its batches outside of fit itself.
    from keras.src.trainers.data_adapters.array_slicing import train_validation_split
    from keras.src.trainers.data_adapters.data_adapter_utils import unpack_x_y_sample_weight
    from keras.src.trainers.epoch_iterator import EpochIterator

    if validation_split and validation_data is None:
        (x, y, sample_weight), validation_data = train_validation_split(
            (x, y, sample_weight), validation_split=validation_split
        )
    x, y, sample_weight = _single(x), _single(y), _single(sample_weight)
    training = EpochIterator(x=x, y=y, sample_weight=sample_weight, **options)
    validation = None
    if validation_data is not None:
        parts = map(_single, unpack_x_y_sample_weight(validation_data))
        validation = EpochIterator(
            *parts,
            batch_size=validation_batch_size or options["batch_size"],
            steps_per_epoch=validation_steps,
            steps_per_execution=options["steps_per_execution"],
        )
    return FitData(training, validation)


def _single(arrays: Any) -> Any:
    """Arrays of float64 as float32, which Keras would make of every batch anew."""
    import keras

    def single(array: Any) -> Any:
        wide = isinstance(array, np.ndarray) and array.dtype == np.float64
        return array.astype(np.float32) if wide else array

    return (
        keras.tree.map_structure(single, arrays) if keras.config.floatx() == "float32" else arrays
    )
