"""A loop by hand in PyTorch, as PyTorch's quickstart writes it.

Source: https://docs.pytorch.org/tutorials/beginner/basics/quickstart_tutorial.html
"""

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


def main(job: Job) -> None:
    torch.manual_seed(job.seed)
    train_loader, test_loader = make_loaders(job)
    model = make_network(job.network)
    loss_of = nn.CrossEntropyLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=job.learning_rate, eps=ADAM_EPSILON)
    clock = Clock()
    for _ in range(job.epochs):
        model.train()
        clock.start_epoch()
        for batch, (images, labels) in enumerate(train_loader):
            loss = loss_of(model(images), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            clock.batch(len(images))
            if batch % 100 == 0:
                print(f"loss: {loss.item():>7f}")
        clock.end_epoch()
    answer(clock, accuracy_of(model, test_loader), parameters_of(model), "torch")


if __name__ == "__main__":
    main(Job.from_command_line())
