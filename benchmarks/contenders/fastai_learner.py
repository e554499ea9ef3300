"""fastai: a Learner over PyTorch's loaders, as its page about coming from PyTorch writes it.

That page imports `fastai.vision.all`, which needs a torchvision that fits the installed torch;
`fastai.basics` brings the same Learner without it. fastai's Adam has defaults of its own
(squares' momentum .99, epsilon 1e-5, weight decay .01) and gets everybody's here. Its
validation after every epoch is left out, as everybody tests once at the end.

Source: https://docs.fast.ai/examples/migrating_pytorch.html
"""

from functools import partial

import torch
from contenders.job import Clock, Job, answer
from contenders.networks import (
    ADAM_EPSILON,
    accuracy_of,
    make_loaders,
    make_network,
    parameters_of,
)
from fastai.basics import (
    Adam,
    Callback,
    CancelValidException,
    DataLoaders,
    Learner,
    accuracy,
    set_seed,
)
from torch import nn


class Watch(Callback):
    """Tells the clock, and skips the validation."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def before_train(self) -> None:
        self.clock.start_epoch()

    def after_batch(self) -> None:
        self.clock.batch(len(self.learn.xb[0]))

    def after_train(self) -> None:
        self.clock.end_epoch()

    def before_validate(self) -> None:
        raise CancelValidException


def main(job: Job) -> None:
    set_seed(job.seed)
    torch.manual_seed(job.seed)
    train_loader, test_loader = make_loaders(job)
    clock = Clock()
    learner = Learner(
        DataLoaders(train_loader, test_loader),
        make_network(job.network),
        loss_func=nn.functional.cross_entropy,
        opt_func=partial(Adam, sqr_mom=0.999, eps=ADAM_EPSILON, wd=0.0),
        metrics=accuracy,
        cbs=Watch(clock),
    )
    with learner.no_logging():
        learner.fit(job.epochs, job.learning_rate)
    model = learner.model
    answer(clock, accuracy_of(model, test_loader), parameters_of(model), "fastai", "torch")


if __name__ == "__main__":
    main(Job.from_command_line())
