"""The training loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from firstlight.core.dataset import Images
from firstlight.core.errors import NotFiniteError, RunError, TrainingError
from firstlight.core.events import EventLog
from firstlight.core.run_folder import RunFolder
from firstlight.core.settings import TrainSettings
from firstlight.core.stored import ImageArray
from firstlight.core.telescope import Telescope
from firstlight.training.augmenting import Augmentation
from firstlight.training.checkpoints import State, check_disk, save_checkpoint
from firstlight.training.class_weights import class_weights
from firstlight.training.early_stopping import EarlyStopping
from firstlight.training.keras_learner import KerasLearner, KerasNetwork, MeanOfBatches
from firstlight.training.learner import Learner, make_learner
from firstlight.training.lowering import Network
from firstlight.training.machine import Machine
from firstlight.training.memory import batch_that_fits, ran_out
from firstlight.training.metrics import Metric
from firstlight.training.observing import view_of
from firstlight.training.schedules import learning_rate
from firstlight.training.stopping import InterruptedRunError, StopSignals
from firstlight.training.streaming import make_batches
from firstlight.training.validating import Validate


@dataclass
class Progress:
    """Where a training stands; everything in it goes into the checkpoint."""

    epoch: int = 0
    position: int = 0
    step: int = 0
    seen: int = 0
    loss: float = 0.0
    seconds: float = 0.0


@dataclass
class Training:
    """A network being trained: settings, weights, optimizer and where it stands.

    Attributes:
        settings: every field filled in (see `firstlight.models.resolving`).
        validate: called after each epoch with `predict`; its numbers go into the epoch's event.
        telescope: through which the training images are seen, or None.
        after_epoch: called with how many epochs are done, from 0 on, while the network holds the
            weights that it answers with; or None.
    """

    network: Network | KerasNetwork
    images: Images
    settings: TrainSettings
    folder: RunFolder
    log: EventLog
    validate: Validate
    machine: Machine
    telescope: Telescope | None = None
    progress: Progress = field(default_factory=Progress)
    checkpoint_seconds: float = 30.0
    after_epoch: Callable[[int], None] | None = None

    def __post_init__(self) -> None:
        settings = self.settings
        self.device = self.machine.device
        self.network.to(self.device)
        self.batches = make_batches(
            self.images.images,
            self.images.targets,
            int(settings.batch_size or 1),
            settings.seed,
            Augmentation.parse(settings.augment),
            self.device,
            view_of(self.images, self.telescope, self.device),
            self.images.side,
        )
        self.epochs = int(settings.epochs or 1)
        self.steps = len(self.batches) * self.epochs
        self.peak = float(settings.learning_rate or 0.0)
        self.rate = self.peak
        classify = self.images.targets.ndim == 1
        made = make_learner(self.network, settings, self.machine, self._outputs(), classify)
        self.learner: Learner | KerasLearner = made[0]
        self.metric: Metric | MeanOfBatches = made[1]
        weights = class_weights(settings.class_weights, self.images.targets)
        self.weights = None if weights is None else torch.from_numpy(weights).to(self.device)
        self.early = EarlyStopping(settings.patience)
        torch.manual_seed(settings.seed)

    def _outputs(self) -> int:
        self.network.eval()
        with torch.no_grad():
            return int(self.network(*self.batches.first()).shape[-1])

    def state(self) -> State:
        """Everything a checkpoint holds."""
        return {
            **self.learner.state(),
            "progress": vars(self.progress).copy(),
            "metric": self.metric.state(),
            "early": self.early.state(),
        }

    def restore(self, state: State) -> None:
        """Go on from a checkpoint's state.

        Raises:
            RunError: it is the state of another network.
        """
        try:
            self.learner.restore(state)
        except ValueError as error:
            raise RunError(
                f"the network of run {self.folder.name} has changed since: bring the old "
                f"{self.settings.model} back, or train anew under another --name."
            ) from error
        self.progress = Progress(**state["progress"])
        self.metric.restore(state["metric"])
        self.early.restore(state["early"])

    def predict(
        self, images: ImageArray, side: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """What the network answers for `(N, H, W, C)` images: probabilities or values."""
        return self.learner.predict(images, side)

    def save(self) -> None:
        """Write a checkpoint of this moment.

        Raises:
            TrainingError: a weight is not finite (the last checkpoint stays).
            WriteError: the file cannot be written.
        """
        for tensor in self.learner.tensors():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise NotFiniteError(
                    f"weights are no longer finite after step {self.progress.step}: {self._lower()}"
                )
        save_checkpoint(self.folder.checkpoints, self.progress.step, self.state())

    def run(self) -> None:
        """Train to the end, or until told to stop.

        Raises:
            InterruptedRunError: a signal came; the state is saved.
            TrainingError: the loss is not finite, or memory ran out.
            WriteError: a checkpoint or an event cannot be written.
        """
        weights = sum(x.numel() * x.element_size() for x in self.learner.tensors())
        check_disk(self.folder.path, 3 * weights)
        with StopSignals() as signals:
            if self.progress.step == 0:
                self._show(0)
                self.save()
            try:
                while self.progress.epoch < self.epochs and not self.early.over:
                    self._epoch(signals)
            except (MemoryError, RuntimeError) as error:
                if ran_out(error):
                    self._explain_memory(error)
                raise
            # It may have come while the last epoch was validated and saved.
            if signals.received is not None:
                self._stop(signals.received)
        self.early.put_back(self.learner)

    def _explain_memory(self, error: Exception) -> None:
        size = self.batches.size
        # The steps that are tried spoil the weights, but nothing is saved any more.
        fits = batch_that_fits(error, size, self._try)
        remedy = f"{fits} fit: train anew with --batch-size {fits}, or with"
        raise TrainingError(
            f"memory ran out at a batch of {size} images; {remedy if fits else 'train anew with'} "
            "smaller images (--size)."
        ) from error

    def _try(self, size: int) -> None:
        # A quarter more: later steps find the memory less in order than the first one does.
        self.batches.size = size + size // 4
        for _ in range(2):
            inputs, targets = self.batches.batch(self.progress.epoch, 0)
            self.learner.step(inputs, targets, None, self.rate)

    def _epoch(self, signals: StopSignals) -> None:
        now = self.progress
        self.batches.start_epoch(now.epoch)
        before = saved = time.monotonic()
        for position in range(now.position, len(self.batches)):
            loss, count = self._step(position)
            now.position, now.step, now.seen = position + 1, now.step + 1, now.seen + count
            now.loss += loss * count
            moment = time.monotonic()
            now.seconds += moment - before
            before = moment
            rate = now.seen / now.seconds
            self.log.add(
                "step",
                step=now.step,
                steps_total=self.steps,
                epoch=now.epoch + 1,
                loss=now.loss / now.seen,
                **{self.metric.name: _finite(self.metric.result())},
                images_per_second=rate,
                seconds_left=(self.steps - now.step) * self.batches.size / rate,
            )
            if signals.received is not None:
                self._stop(signals.received)
            if moment - saved > self.checkpoint_seconds and now.position < len(self.batches):
                self.save()
                before = saved = time.monotonic()
        self._finish_epoch()

    def _step(self, position: int) -> tuple[float, int]:
        """One step; its loss, and how many images it took."""
        now = self.progress
        self.rate = learning_rate(str(self.settings.schedule), self.peak, now.step, self.steps)
        inputs, targets = self.batches.batch(now.epoch, position)
        weights = None if self.weights is None else self.weights[targets]
        value, answers = self.learner.step(inputs, targets, weights, self.rate)
        if not math.isfinite(value):
            self._refuse_loss(position, value)
        self.metric.update(answers, targets)
        return value, len(targets)

    def _refuse_loss(self, position: int, value: float) -> None:
        now = self.progress
        names = self.images.names[self.batches.rows(position).numpy()[:3]]
        raise NotFiniteError(
            f"the loss became {value} in epoch {now.epoch + 1}, batch {position + 1} "
            f"(images {', '.join(map(str, names))}, ...): {self._lower()}"
        )

    def _lower(self) -> str:
        return (
            f"train anew with a lower --learning-rate (it was {self.peak:g}), or look for extreme "
            "values in the images. The last checkpoint whose weights were finite is kept."
        )

    def _stop(self, number: int) -> None:
        self.save()
        step = self.progress.step
        self.log.add("state", state="stopped", message=f"stopped by a signal at step {step}")
        raise InterruptedRunError(
            f"stopped at step {step} of {self.steps} and saved: go on with "
            f"--resume {self.folder.name}.",
            number,
        )

    def _finish_epoch(self) -> None:
        now = self.progress
        values = {
            "loss": now.loss / now.seen,
            self.metric.name: self.metric.result(),
        }
        validation = self.validate(self.predict)
        # As in the training loss beside it, and as in Keras's evaluate.
        validation["loss"] += self.learner.penalty()
        if not math.isfinite(validation["loss"]):
            raise NotFiniteError(
                f"the validation loss became {validation['loss']} in epoch {now.epoch + 1}: "
                f"{self._lower()}"
            )
        values |= {f"validation_{name}": value for name, value in validation.items()}
        self._show(now.epoch + 1)
        # The event first: killed in between, the epoch runs again and is logged again, but never
        # is one missing.
        self.log.add(
            "epoch",
            epoch=now.epoch + 1,
            epochs=self.epochs,
            **{name: _finite(value) for name, value in values.items()},
            learning_rate=self.rate,
            images_per_second=now.seen / now.seconds,
            seconds=now.seconds,
        )
        self.progress = Progress(epoch=now.epoch + 1, step=now.step)
        self.metric.restore({})
        if self.early.saw(validation["loss"], now.epoch + 1, self.learner):
            self.log.add("state", state="early", message=self.early.sentence())
        self.save()

    def _show(self, epochs: int) -> None:
        """Let `after_epoch` look at the network; before the checkpoint, so that none is missed."""
        if self.after_epoch is not None:
            with self.learner.averaged():
                self.after_epoch(epochs)


def _finite(value: float) -> float | None:
    """What JSON can hold of a number."""
    return value if math.isfinite(value) else None
