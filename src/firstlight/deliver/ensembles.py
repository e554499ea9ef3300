"""Several networks as one Keras model that answers as they do together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from firstlight.models import import_keras

if TYPE_CHECKING:
    import keras


def averaged(models: Sequence[keras.Model], with_spread: bool = False) -> keras.Model:
    """A Keras model whose answer is the mean of several models' answers.

    Args:
        models: of the same inputs and outputs. One of them alone is returned as it is.
        with_spread: the answers are `(N, 2 T)`, values and logarithms of standard deviations; then
            those of the even mixture of the models: its variance is the mean of the variances and
            the variance of the values (Lakshminarayanan, Pritzel & Blundell 2017,
            arXiv:1612.01474, section 2.4).

    Example:
        >>> from firstlight.models import build_model
        >>> models = [build_model("simple", (20, 20, 1), 3, "classify") for _ in range(2)]
        >>> averaged(models).output_shape
        (None, 3)
    """
    if len(models) == 1:
        return models[0]
    keras = import_keras()
    ops = keras.ops
    inputs = [keras.Input(tensor.shape[1:], name=tensor.name) for tensor in models[0].inputs]
    answers = []
    for number, model in enumerate(models, 1):
        # Networks of one run have one name, and parts of a model have to differ in theirs.
        model.name = f"network_{number}"
        answers.append(model(in_form(model, inputs)))
    mean = keras.layers.Average(name="mean")(answers)
    if with_spread:
        count = answers[0].shape[1] // 2
        values = mean[:, :count]
        variances = [
            ops.exp(2.0 * answer[:, count:]) + ops.square(answer[:, :count] - values)
            for answer in answers
        ]
        variance = keras.layers.Average(name="variance")(variances)
        mean = ops.concatenate([values, 0.5 * ops.log(variance)], axis=1)
    return keras.Model(inputs, mean, name="ensemble")


def in_form(model: keras.Model, inputs: list[Any]) -> Any:
    """Inputs as Keras wants them for a model: a single one alone, or in a list.

    Example:
        >>> from firstlight.models import build_model
        >>> in_form(build_model("simple", (20, 20, 1), 3, "classify"), ["image"])
        'image'
    """
    # A Sequential model takes one, and has no `input`.
    return inputs if isinstance(getattr(model, "input", None), list) else inputs[0]
