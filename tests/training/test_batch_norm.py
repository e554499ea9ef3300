"""Batch normalisation beside NumPy in float64."""

import numpy as np
import pytest
import torch

from firstlight.training.batch_norm import MANY, normalise_batch

EPSILON = 1e-3


def digits(images=64, size=32, channels=3, seed=0):
    """Pixels as a first layer makes them of drawn digits: many of them are equal."""
    generator = np.random.default_rng(seed)
    x = generator.normal(0.1, 0.05, (images, channels, size, size)).astype("float32")
    x[:, :, : size * 4 // 5] = np.array([0.1237, -0.0731, 0.0419], "float32")[:, None, None]
    return torch.from_numpy(x).contiguous(memory_format=torch.channels_last)


def exact(x, scale, shift, upstream):
    """Values, mean, variance and gradients in float64, by the formulas of Ioffe & Szegedy 2015."""
    x, scale, shift, upstream = (
        part.detach().double().numpy() for part in (x, scale, shift, upstream)
    )
    axes = (0, 2, 3)
    mean, variance = x.mean(axes), x.var(axes)
    wide = (slice(None), None, None)
    deviation = np.sqrt(variance + EPSILON)[wide]
    normal = (x - mean[wide]) / deviation
    by_shift, by_scale = upstream.sum(axes), (upstream * normal).sum(axes)
    count = x.size / x.shape[1]
    rest = upstream - by_shift[wide] / count - normal * by_scale[wide] / count
    by_x = scale[wide] / deviation * rest
    return normal * scale[wide] + shift[wide], mean, variance, by_x, by_scale, by_shift


@pytest.mark.parametrize("images", [2, 64])
def test_statistics_and_gradients_are_exact(images):
    x = digits(images).requires_grad_()
    assert (x.numel() // 3 >= MANY) == (images == 64)
    accuracy = 5e-6 if images == 64 else 5e-5
    generator = torch.Generator().manual_seed(1)
    scale = torch.randn(3, generator=generator).requires_grad_()
    shift = torch.randn(3, generator=generator).requires_grad_()
    upstream = torch.randn(x.shape, generator=generator)
    upstream = upstream.contiguous(memory_format=torch.channels_last)
    out, mean, variance = normalise_batch(x, scale, shift, EPSILON)
    out.backward(upstream)
    found = (out, mean, variance, x.grad, scale.grad, shift.grad)
    for ours, truth in zip(found, exact(x, scale, shift, upstream), strict=True):
        difference = np.linalg.norm(ours.detach().double().numpy() - truth)
        assert difference < accuracy * np.linalg.norm(truth)
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_neither_scale_nor_shift():
    x = digits().requires_grad_()
    upstream = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    out, _, _ = normalise_batch(x, None, None, EPSILON)
    out.backward(upstream)
    truth, _, _, by_x, _, _ = exact(x, torch.ones(3), torch.zeros(3), upstream)
    assert np.abs(out.detach().numpy() - truth).max() < 1e-5
    assert np.abs(x.grad.numpy() - by_x).max() < 1e-6 * np.abs(by_x).max()


def test_other_ranks_and_other_layouts():
    x = torch.randn(500, 16, generator=torch.Generator().manual_seed(2))
    rows, _, _ = normalise_batch(x, None, None, EPSILON)
    packed = x.reshape(500, 16, 1, 1).expand(500, 16, 4, 4).contiguous()
    pixels, _, _ = normalise_batch(packed, None, None, EPSILON)
    np.testing.assert_allclose(pixels[:, :, 2, 3], rows, atol=1e-5)
