"""Training by Keras itself, for networks with layers that only Keras's TensorFlow or JAX can run.

Slower than the engine, but the same run: the same batches, checkpoints, events and report.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from firstlight.core.errors import SettingError
from firstlight.core.losses import WITH_SPREAD
from firstlight.core.settings import TrainSettings
from firstlight.core.stored import ImageArray
from firstlight.training.lowering import Network, lower, not_lowered, require_single
from firstlight.training.machine import Machine
from firstlight.training.predicting import predict

# Metrics that are means over images: those of an epoch follow from those of its batches.
METRICS = {
    "accuracy": "accuracy",
    "top_5": "sparse_top_k_categorical_accuracy",
    "mae": "mae",
    "mse": "mse",
    "rmse": "mse",
    "mape": "mape",
}


# The losses of Keras that take `(N,)` class numbers; the others take a column for each class.
OF_CLASS_NUMBERS = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")


def network_of(model: Any, inputs: int = 1) -> Network | KerasNetwork:
    """The lowered network of a built Keras model, or the model itself where that cannot be.

    On Keras's torch backend everything can be lowered: a layer that the engine does not know runs
    inside the network. On TensorFlow and JAX such a model is left to Keras as a whole.

    Args:
        model: built.
        inputs: how many it has to have.

    Raises:
        ModelError: the model is not built, or has other inputs or several outputs.

    Example:
        >>> from firstlight.models import build_model
        >>> network = network_of(build_model("simple", (20, 20, 1), 3, "classify"))
        >>> network(torch.zeros(5, 20, 20, 1)).shape
        torch.Size([5, 3])
    """
    import keras

    kept = [] if keras.backend.backend() == "torch" else not_lowered(model)
    network = KerasNetwork(model, kept) if kept else lower(model)
    network.require_single(inputs)
    return network


class KerasNetwork(nn.Module):
    """A Keras model that stands where a lowered network would.

    Attributes:
        model: the Keras model, which trains in place.
        in_keras: one line for each layer that has no lowering, and why.
        head: `linear`: the answers are the model's own, activation included.
    """

    head = "linear"

    def __init__(self, model: Any, in_keras: list[str]) -> None:
        super().__init__()
        self.model = model
        self.in_keras = in_keras

    def forward(self, *inputs: Tensor) -> Tensor:
        """What the model answers for `(N, H, W, C)` images, and numbers beside them."""
        return torch.from_numpy(np.asarray(self.model.predict_on_batch(_arrays(inputs))))

    def answers(self, answers: Tensor) -> Tensor:
        """What `forward` gave."""
        return answers

    def write_back(self) -> None:
        """Nothing: the Keras model itself was trained."""

    def require_single(self, inputs: int = 1) -> None:
        """Refuse a model with other inputs or several outputs; see `Network.require_single`."""
        require_single(self.model.name, len(self.model.inputs), len(self.model.outputs), inputs)


class KerasLearner:
    """One step of training by Keras's `train_on_batch`; see `learner.Learner`.

    Args:
        network: holds the model, which is compiled anew.
        settings: every field filled in.
        machine: for predictions.
        classify: whether the targets are `(N,)` class numbers.
    """

    def __init__(
        self, network: KerasNetwork, settings: TrainSettings, machine: Machine, classify: bool
    ) -> None:
        import keras

        for option, value in (
            ("--loss gaussian", settings.loss == WITH_SPREAD),
            ("--average", settings.average),
            ("--label-smoothing", settings.label_smoothing),
        ):
            if value:
                raise SettingError(
                    f"{option} is not possible where Keras itself trains the network: leave it "
                    "out (or give another, where a preset brings it)."
                )
        self.network = network
        self.model = network.model
        self.machine = machine
        self.metric = MeanOfBatches(str(settings.metric))
        self.classes = 0
        loss = str(settings.loss)
        if classify and loss == "categorical_crossentropy":
            loss = "sparse_categorical_crossentropy"
        elif classify and loss not in OF_CLASS_NUMBERS:
            self.classes = self.model.output_shape[-1]
        wanted = METRICS.get(self.metric.name)
        options = {"momentum": settings.momentum, "weight_decay": settings.weight_decay}
        given = {name: value for name, value in options.items() if value is not None}
        self.model.compile(
            _named(keras.optimizers, str(settings.optimizer))(**given),
            _named(keras.losses, loss)(),
            metrics=[wanted] if wanted else None,
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def step(
        self,
        images: Tensor | tuple[Tensor, ...],
        targets: Tensor,
        weights: Tensor | None,
        rate: float,
    ) -> tuple[float, Tensor]:
        """Move the weights by one step of length `rate`.

        Returns:
            The loss with the regularisers, and the metric of the batch.
        """
        y = targets.cpu().numpy()
        if self.classes:
            y = np.eye(self.classes, dtype=np.float32)[y] if self.classes > 1 else y[:, None]
        sample_weight = None if weights is None else weights.cpu().numpy()
        self.model.optimizer.learning_rate = rate
        self.model.reset_metrics()
        ends = self.model.train_on_batch(
            _arrays(images), y, sample_weight=sample_weight, return_dict=True
        )
        loss = float(ends.pop("loss"))
        return loss, torch.tensor(float(next(iter(ends.values()), float("nan"))))

    def predict(
        self, images: ImageArray, side: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """What the network answers for `(N, H, W, C)` images: probabilities or values."""
        return predict(self.network, images, self.machine, side)

    def penalty(self) -> float:
        """The sum of the weight regularisers."""
        return float(sum(_array(loss) for loss in self.model.losses))

    def averaged(self) -> AbstractContextManager[None]:
        """Nothing changes: there are no averaged weights."""
        return nullcontext()

    def settle(self) -> None:
        """Nothing: there are no averaged weights."""

    def tensors(self) -> list[Tensor]:
        """Weights and moving statistics, as copies."""
        return [torch.from_numpy(np.array(_array(v.value))) for v in self.model.variables]

    def put(self, tensors: list[Tensor]) -> None:
        """Give the network these weights and moving statistics."""
        _assign(self.model.variables, tensors)

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold; the model's variables hold Keras's random states too."""
        optimizer = [torch.from_numpy(np.array(_array(v))) for v in self._moments()]
        return {"network": self.tensors(), "optimizer": optimizer}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state.

        Raises:
            ValueError: it is the state of another network.
        """
        ours = [tuple(variable.shape) for variable in self.model.variables]
        if ours != [tuple(tensor.shape) for tensor in state["network"]]:
            raise ValueError("the state of another network")
        self.put(state["network"])
        _assign(self._moments(), state["optimizer"])

    def _moments(self) -> list[Any]:
        return list(self.model.optimizer.variables)


class MeanOfBatches:
    """A metric of an epoch from those of its batches; see `metrics.Metric`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._total = 0.0
        self._count = 0

    def update(self, value: Tensor, targets: Tensor) -> None:
        """Add a batch's metric, which is over as many images as there are targets."""
        self._total += value.item() * len(targets)
        self._count += len(targets)

    def result(self) -> float:
        """The metric; not a number for one that is no mean over images."""
        mean = self._total / self._count if self._count else float("nan")
        return mean**0.5 if self.name == "rmse" else mean

    def state(self) -> dict[str, Any]:
        """What a checkpoint has to hold."""
        return {"total": self._total, "count": self._count}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's state; `{}` begins anew."""
        self._total, self._count = state.get("total", 0.0), state.get("count", 0)


def _arrays(inputs: Tensor | tuple[Tensor, ...]) -> Any:
    """What Keras takes for one input or several."""
    if isinstance(inputs, Tensor):
        return inputs.cpu().numpy()
    arrays = [one.cpu().numpy() for one in inputs]
    return arrays if len(arrays) > 1 else arrays[0]


def _named(module: ModuleType, name: str) -> Any:
    """The class of a Keras module that has our name for it; not all can be asked for by name."""
    plain = name.replace("_", "")
    return next(
        value
        for key, value in vars(module).items()
        if key.lower() == plain and isinstance(value, type)
    )


def _array(value: Any) -> NDArray[Any]:
    from keras import ops

    return np.asarray(ops.convert_to_numpy(value))


def _assign(variables: list[Any], tensors: list[Tensor]) -> None:
    for variable, tensor in zip(variables, tensors, strict=True):
        variable.assign(tensor.numpy())
