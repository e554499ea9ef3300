"""The loss of a compiled Keras model: its name, function or object, with every option."""

from __future__ import annotations

from typing import Any

import torch

from firstlight.core.errors import NotHonouredError
from firstlight.training.losses import formulas
from firstlight.training.losses.loss import FormulaLoss, KerasLoss, Loss, with_epsilon

REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight")


def loss_from_keras(loss: Any, head: str) -> Loss:
    """The loss that `model.compile(loss=...)` was given, as a function of logits.

    Args:
        loss: a name, a function or an object of `keras.losses`, with its options. A function or
            class of the user's own is called as it is, on Keras's torch backend only.
        head: the activation that was cut off the network: `softmax`, `sigmoid`, `linear`.

    Returns:
        A loss with Keras's own number on the set backend. The backends differ in
        cross-entropies: `from_logits=True` behind a softmax or sigmoid is taken at its word by
        torch and JAX (activated twice), while TensorFlow takes the logits from before the
        activation; so it does for every cross-entropy behind either of the two.

    Raises:
        NotHonouredError: the loss has no equal here, or is not reduced to one number.

    Example:
        >>> from firstlight.models.backend import import_keras
        >>> keras = import_keras()
        >>> loss = loss_from_keras(keras.losses.Huber(delta=0.5), "linear")
        >>> loss(torch.tensor([[2.0]]), torch.tensor([[1.0]]))
        tensor(0.3750)
    """
    import keras

    backend = keras.config.backend()
    loss = _resolved(loss)
    if getattr(loss, "reduction", "mean") not in REDUCTIONS:
        raise NotHonouredError(
            f"the loss {loss.name} has reduction={loss.reduction!r}, but training makes one number "
            'small: use reduction="sum_over_batch_size".'
        )
    function, options = _parts(loss)
    formula = getattr(formulas, function, None)
    if formula is None:
        return _as_it_is(loss, head, backend)
    if backend == "tensorflow" and function == "binary_focal_crossentropy" and head == "softmax":
        raise NotHonouredError(
            "Keras on TensorFlow takes half of binary_focal_crossentropy behind a softmax from "
            "its probabilities and half from a sigmoid: use categorical_focal_crossentropy."
        )
    options |= with_epsilon(formula, keras.config.epsilon())
    return FormulaLoss(
        formula,
        head,
        options,
        getattr(loss, "reduction", "sum_over_batch_size"),
        getattr(torch, getattr(loss, "dtype", keras.config.floatx())),
        as_tensorflow=backend == "tensorflow",
    )


def _resolved(loss: Any) -> Any:
    """The function or object of a name or of a saved configuration."""
    import keras

    if isinstance(loss, str) and loss.lower() in ("crossentropy", "ce"):
        raise NotHonouredError(
            f"the loss {loss!r} leaves open which cross-entropy is meant: use "
            "sparse_categorical_crossentropy for class numbers, categorical_crossentropy for rows "
            "of probabilities, binary_crossentropy for a single answer."
        )
    if loss is None:
        raise NotHonouredError(
            "the model is compiled without a loss, so there is nothing to train for: give one in "
            'model.compile(loss="...").'
        )
    try:
        return keras.losses.get(loss)
    except (ValueError, TypeError) as error:
        raise NotHonouredError(f"Keras knows no loss {loss!r}: see keras.io/api/losses.") from error


def _parts(loss: Any) -> tuple[str, dict[str, Any]]:
    """The name of Keras's function and its options; "" for a loss that is not Keras's own."""
    import keras

    function, options, kind = loss, {}, type(loss).__name__
    if kind == "LossFunctionWrapper" or type(loss) is getattr(keras.losses, kind, None):
        # Not get_config, which leaves out Huber's delta and the axis of two others. The wrapper is
        # what a compiled model makes of a function.
        function, options = loss.fn, dict(loss._fn_kwargs)
    name = getattr(function, "__name__", "")
    known = function is not None and function is getattr(keras.losses, name, None)
    return (name, options) if known else ("", {})


def _as_it_is(loss: Any, head: str, backend: str) -> KerasLoss:
    import keras
    from keras.src.losses.losses import LossFunctionWrapper

    name = getattr(getattr(loss, "fn", loss), "__name__", type(loss).__name__)
    if backend != "torch":
        raise NotHonouredError(
            f"the loss {name} is none that firstlight knows, and it could be called as it is on "
            f"Keras's torch backend only, but the backend is {backend}: set KERAS_BACKEND=torch, "
            "or use another loss of keras.losses."
        )
    if not isinstance(loss, keras.losses.Loss):
        # As compile does: targets and answers are brought to one type and rank.
        loss = LossFunctionWrapper(loss, name=name)
    return KerasLoss(loss, head)
