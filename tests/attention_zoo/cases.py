"""Every registered mixer, with the options that its twin in tests/naive asks to see."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch
from torch import nn

import attention_zoo

NAMES = sorted(attention_zoo.entries())
SIZES = ((1, 1), (1, 9), (5, 1), (2, 2), (7, 13), (20, 17))
DIM, HEADS = 12, 3


def twin(name):
    """The slow, obvious equal of a mixer: `naive(mixer, x)`; `VARIANTS` are options to test."""
    return import_module(f"tests.naive.{name}")


def label(name, options):
    return "-".join([name, *(f"{key}={value}" for key, value in options.items())])


CASES = [(name, options) for name in NAMES for options in twin(name).VARIANTS]
every_case = pytest.mark.parametrize(
    ("name", "options"), CASES, ids=[label(name, options) for name, options in CASES]
)
every_name = pytest.mark.parametrize("name", NAMES)
every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def made(name, options=None, *, dim=DIM, heads=HEADS, seed=0, dtype=torch.float32):
    """A mixer in eval mode in which nothing is left at a value that would hide a mistake."""
    torch.manual_seed(seed)
    mixer = attention_zoo.build(name, dim=dim, num_heads=heads, **(options or {}))
    return unsettled(mixer).to(dtype).eval()


def unsettled(module):
    """Move zero biases, unit gains, zero means and unit variances to somewhere telling."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
        for norm in module.modules():
            if isinstance(norm, nn.BatchNorm2d):
                norm.running_mean.normal_(std=0.3)
                norm.running_var.uniform_(0.5, 1.5)
    return module


def drawn(size, *, batch=2, dim=DIM, seed=1, dtype=torch.float32):
    """A standard-normal map."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, dim, *size, generator=generator, dtype=torch.float64).to(dtype)


def assert_close(found, expected, tolerance):
    """The largest difference, relative to the largest entry where that is above 1."""
    assert found.shape == expected.shape
    scale = max(1.0, expected.abs().max().item())
    assert (found - expected).abs().max().item() <= tolerance * scale
