"""A trained model made ready to be looked into."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.core.dataset import Task
from firstlight.core.errors import ModelError
from firstlight.training import OpenNetwork
from firstlight.training.tensors import channels_last

if TYPE_CHECKING:
    import keras

Side = NDArray[np.floating] | None


@dataclass(frozen=True, eq=False)
class OpenModel:
    """A trained model, open to be looked into; made by `open_model`.

    One at a time may use it: shuffling its weights for a sanity check changes them for a moment.

    Attributes:
        model: the Keras model.
        network: the same as a torch network whose every layer can be asked.
        task: what it was trained for. Where it tells classes apart, what is explained are logits;
            where it measures, the numbers themselves.
    """

    model: keras.Model
    network: OpenNetwork
    task: Task

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, in the order in which they run."""
        return tuple(self.network.calls)

    def layer(self, name: str) -> Any:
        """The Keras layer of a name in `layers`.

        Raises:
            ModelError: there is none of that name.
        """
        if name not in self.network.calls:
            raise ModelError(
                f"the network has no layer called {name}: it has {', '.join(self.layers)}."
            )
        return self.network.calls[name].layer

    def inputs(self, images: NDArray[Any], side: Side = None) -> list[Tensor]:
        """Images `(N, H, W, C)`, and the numbers `(S,)` beside all of them, as tensors.

        Raises:
            ModelError: the network takes other images, or other numbers beside them.
        """
        arrays = [images] if side is None else [images, np.tile(side, (len(images), 1))]
        shapes = [tuple(one.shape[1:]) for one in self.model.inputs]
        given = [array.shape[1:] for array in arrays]
        if len(shapes) != len(given) or not all(map(_fits, shapes, given)):
            raise ModelError(
                f"the network takes {_listed(shapes)} for each image, but {_listed(given)} came: "
                "bring the image to that size, and give the numbers beside it if there are any."
            )
        return [torch.from_numpy(np.ascontiguousarray(array, np.float32)) for array in arrays]

    def run(self, image: NDArray[Any], side: Side = None) -> dict[int, Tensor]:
        """Every tensor on the way from one image `(H, W, C)` to the answer, without gradients."""
        with torch.no_grad():
            return self.network.run(*self.inputs(image[None], side))

    def scores(self, image: NDArray[Any], side: Side = None) -> NDArray[np.float32]:
        """`(K,)` the logits before a softmax or sigmoid, or the numbers that are measured."""
        found: NDArray[np.float32] = self.score_tensor(self.run(image, side))[0].numpy()
        return found

    def answers(self, image: NDArray[Any], side: Side = None) -> NDArray[np.float32]:
        """`(K,)` what the network answers: probabilities or measured numbers."""
        logits = self.run(image, side)[self.network.logits]
        found: NDArray[np.float32] = self.network.answers(logits)[0].numpy()
        return found

    def score_tensor(self, values: dict[int, Tensor]) -> Tensor:
        """`(N, K)` what `scores` says, as a tensor.

        Args:
            values: from the network's `run`.

        Raises:
            ModelError: the network answers with something else than a row of numbers.
        """
        logits = values[self.network.logits]
        if self.task == "measure":
            logits = self.network.answers(logits)
        if logits.dim() != 2:
            shape = " x ".join(map(str, channels_last(logits).shape[1:]))
            raise ModelError(
                f"a row of numbers is expected as the answer to an image, but the network answers "
                f"with {shape}: end it with Flatten and Dense."
            )
        return logits

    def score(self, values: dict[int, Tensor], output: int) -> Tensor:
        """`(N,)` the logit of a class, or a measured number.

        One sigmoid tells two classes apart: what speaks for the second speaks against the first.

        Raises:
            ModelError: there is no such output.
        """
        logits = self.score_tensor(values)
        single = self.task == "classify" and logits.shape[1] == 1
        count = 2 if single else logits.shape[1]
        if not 0 <= output < count:
            raise ModelError(
                f"the network has outputs 0 to {count - 1}, but {output} came: choose one of them."
            )
        if single:
            return logits[:, 0] if output == 1 else -logits[:, 0]
        return logits[:, output]

    @contextmanager
    def shuffled(self, seed: int) -> Iterator[None]:
        """A `with` block in which the weights within each layer's arrays stand in another order.

        Statistics of normalisation layers stay: they belong to the images.
        """
        kernels = [one for one in self.network.buffers() if one.dim() >= 2]
        tensors = [*self.network.parameters(), *kernels]
        kept = [tensor.detach().clone() for tensor in tensors]
        generator = torch.Generator().manual_seed(seed)
        try:
            with torch.no_grad():
                for tensor in tensors:
                    order = torch.randperm(tensor.numel(), generator=generator)
                    tensor.copy_(tensor.flatten()[order].reshape(tensor.shape))
            yield
        finally:
            with torch.no_grad():
                for tensor, old in zip(tensors, kept, strict=True):
                    tensor.copy_(old)


def open_model(model: keras.Model, task: Task = "classify") -> OpenModel:
    """A trained model, made ready to be looked into.

    Args:
        model: a built Keras model that takes an image (and numbers beside it) and answers with a
            row of numbers; nested models are laid out flat.
        task: what it was trained for.

    Raises:
        ModelError: the model is not built, or a layer of it needs Keras's torch backend.

    Example:
        >>> from firstlight.models import build_model
        >>> open_model(build_model("simple", (28, 28, 1), 10, "classify")).layers
        ('conv2d', 'flatten', 'dense')
    """
    network = OpenNetwork(model)
    network.eval()
    return OpenModel(model, network, task)


def _fits(shape: tuple[int | None, ...], given: tuple[int, ...]) -> bool:
    pairs = zip(shape, given, strict=False)
    return len(shape) == len(given) and all(a in (None, b) for a, b in pairs)


def _listed(shapes: list[Any]) -> str:
    return " and ".join(" x ".join(map(str, shape)) for shape in shapes)
