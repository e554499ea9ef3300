"""Lightning: a LightningModule and a Trainer, as its documentation's introduction writes them.

What only watches is off, as its own speed comparisons have it: logger, checkpoints, progress bar
and the summary of the model.

Source: https://lightning.ai/docs/pytorch/stable/starter/introduction.html
"""

from typing import Any

import lightning as L
import torch
from contenders.job import Clock, Job, answer
from contenders.networks import (
    ADAM_EPSILON,
    accuracy_of,
    make_loaders,
    make_network,
    parameters_of,
)
from torch import nn


class Classifier(L.LightningModule):
    def __init__(self, model: nn.Module, learning_rate: float) -> None:
        super().__init__()
        self.model, self.learning_rate = model, learning_rate

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        images, labels = batch
        loss = nn.functional.cross_entropy(self.model(images), labels)
        self.log("train_loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate, eps=ADAM_EPSILON)


class Watch(L.Callback):
    """Tells the clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self.clock.start_epoch()

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self.clock.batch(len(batch[0]))

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.clock.end_epoch()


def main(job: Job) -> None:
    L.seed_everything(job.seed)
    train_loader, test_loader = make_loaders(job)
    classifier = Classifier(make_network(job.network), job.learning_rate)
    clock = Clock()
    trainer = L.Trainer(
        max_epochs=job.epochs,
        accelerator="cpu",
        callbacks=[Watch(clock)],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(classifier, train_loader)
    model = classifier.model
    answer(clock, accuracy_of(model, test_loader), parameters_of(model), "lightning", "torch")


if __name__ == "__main__":
    main(Job.from_command_line())
