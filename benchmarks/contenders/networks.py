"""The notebook's three networks in PyTorch, started as Keras starts them, and their test.

PyTorch's own starting weights differ; with Keras's, every contender can be expected to reach the
same accuracy. So do Adam's epsilon (1e-7) and batch normalisation's epsilon and momentum.
"""

import torch
from contenders.job import Job
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

ADAM_EPSILON = 1e-7
Loaders = tuple[DataLoader[tuple[torch.Tensor, ...]], DataLoader[tuple[torch.Tensor, ...]]]


def make_network(name: str) -> nn.Sequential:
    """`simple`, `intermediate` or `vgg`, for digits of 28x28 pixels; answers are logits."""
    layers = {"simple": _simple, "intermediate": _intermediate, "vgg": _vgg}[name]()
    start = nn.init.xavier_normal_ if name == "vgg" else nn.init.xavier_uniform_
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            start(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            # GlorotNormal of a vector of C numbers.
            nn.init.normal_(layer.bias, std=layer.num_features**-0.5)
    return nn.Sequential(*layers)


def _simple() -> list[nn.Module]:
    return [nn.Conv2d(1, 8, 16), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 13 * 13, 10)]


def _intermediate() -> list[nn.Module]:
    convolution = [nn.Conv2d(1, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    return [*convolution, nn.Flatten(), nn.Linear(16 * 12 * 12, 10)]


def _vgg() -> list[nn.Module]:
    layers: list[nn.Module] = []
    channels = 1
    for filters in (32, 64, 128, 256):
        for _ in range(2):
            layers.append(nn.Conv2d(channels, filters, 3, padding=1, bias=False))
            channels = filters
        layers += [nn.BatchNorm2d(filters, eps=1e-3), nn.ReLU()]
        if filters < 256:
            layers.append(nn.MaxPool2d(2))
    layers.append(nn.Flatten())
    size = 256 * 3 * 3
    for _ in range(3):
        layers += [nn.Linear(size, 1024, bias=False), nn.BatchNorm1d(1024, eps=1e-3), nn.ReLU()]
        size = 1024
    return [*layers, nn.Linear(size, 10, bias=False)]


def make_loaders(job: Job) -> Loaders:
    """Training and test images as loaders over tensors in memory, pixels from 0 to 1."""
    train_images, train_labels, test_images, test_labels = job.arrays()
    train, test = (
        TensorDataset(torch.tensor(images)[:, None] / 255, torch.tensor(labels))
        for images, labels in ((train_images, train_labels), (test_images, test_labels))
    )
    return (
        DataLoader(train, batch_size=job.batch_size, shuffle=True),
        DataLoader(test, batch_size=job.batch_size),
    )


def accuracy_of(model: nn.Module, loader: DataLoader[tuple[torch.Tensor, ...]]) -> float:
    """The share of images in `loader` that `model` gets right."""
    model.eval()
    correct = count = 0
    with torch.no_grad():
        for images, labels in loader:
            correct += int((model(images).argmax(1) == labels).sum())
            count += len(labels)
    return correct / count


def parameters_of(model: nn.Module) -> int:
    """How many numbers Keras would count: running statistics are among them."""
    buffers = sum(buffer.numel() for buffer in model.buffers() if buffer.is_floating_point())
    return buffers + sum(parameter.numel() for parameter in model.parameters())
