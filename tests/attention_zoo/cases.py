"""Every registered mixer, with the options that its naive twin in tests/naive asks to test."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import pytest
import torch
from torch import nn

import attention_zoo

NAMES = sorted(attention_zoo.entries())
# One test of its own fails for a mixer without a twin; all others run with its default options.
WITH_TWIN = [name for name in NAMES if find_spec(f"tests.naive.{name}") is not None]
SIZES = ((1, 1), (1, 9), (5, 1), (2, 2), (7, 13), (20, 17))
DIM, HEADS = 12, 3
DOUBLE = torch.float64


def twin(name):
    """The slow, obvious equal of a mixer: `naive(mixer, x)`; `VARIANTS` are options to test."""
    return import_module(f"tests.naive.{name}")


def variants(name):
    """Options to test the mixer with, the defaults first."""
    return getattr(twin(name), "VARIANTS", ({},)) if name in WITH_TWIN else ({},)


def label(name, options):
    return "-".join([name, *(f"{key}={value}" for key, value in options.items())])


def parametrize_cases(names):
    cases = [(name, options) for name in names for options in variants(name)]
    ids = [label(name, options) for name, options in cases]
    return pytest.mark.parametrize(("name", "options"), cases, ids=ids)


CASES = [(name, options) for name in NAMES for options in variants(name)]
every_case = parametrize_cases(NAMES)
every_case_with_twin = parametrize_cases(WITH_TWIN)
every_name = pytest.mark.parametrize("name", NAMES)
every_size = pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def made(name, options=None, *, dim=DIM, heads=HEADS, seed=0, dtype=torch.float32):
    """A mixer in eval mode without a parameter at a value that would hide a mistake."""
    torch.manual_seed(seed)
    mixer = attention_zoo.build(name, dim=dim, num_heads=heads, **(options or {}))
    return unsettled(mixer).to(dtype).eval()


def unsettled(module):
    """Move zero biases, unit gains, zero means and unit variances away from those values."""
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


def assert_close(actual, expected, tolerance):
    """The largest difference, relative to the largest entry where that is above 1."""
    assert actual.shape == expected.shape
    scale = max(1.0, expected.abs().max().item())
    assert (actual - expected).abs().max().item() <= tolerance * scale


def copied(target, source, **parts):
    """Load target's parameters from those of source; `parts` have other names there."""
    state = {key: value for key, value in source.state_dict().items() if key in target.state_dict()}
    target.load_state_dict({**state, **parts})
    return target


def seen_from(mixer, size, pixel):
    """Where the output changes with one pixel of the input."""
    x = drawn(size, dtype=DOUBLE)
    other = x.clone()
    other[:, :, pixel[0], pixel[1]] += 1
    return (mixer(x) - mixer(other)).abs().amax((0, 1)) > 1e-9
