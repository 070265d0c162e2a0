"""Each mixer equals its slow, obvious twin, gradients included."""

from __future__ import annotations

import copy

import pytest
import torch

from tests.attention_zoo.cases import drawn, every_case, every_size, made, twin

modes = pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])


@modes
@every_size
@every_case
def test_mixer_equals_its_twin(name, options, size, training):
    mixer = made(name, options, dtype=torch.float64).train(training)
    pairs = zip(outcome(mixer, mixer, size), outcome(twin(name).naive, mixer, size), strict=True)
    for found, expected in pairs:
        assert worst(found, expected) <= 1e-9


@pytest.mark.slow
@modes
@every_size
@every_case
def test_mixer_equals_its_twin_in_float32(name, options, size, training):
    """To 1e-5; where the sum is ill-conditioned, as nearly as the twin itself in float32."""
    mixer = made(name, options).train(training)
    exact = outcome(twin(name).naive, copy.deepcopy(mixer).double(), size)
    rounded = outcome(twin(name).naive, mixer, size)
    found = outcome(mixer, mixer, size)
    assert all(value.dtype == torch.float32 for value in found)
    for kind, (mine, its, truth) in enumerate(zip(found, rounded, exact, strict=True)):
        tolerance = 1e-5
        if kind == GRADIENTS and size[0] * size[1] > MANY_PIXELS:
            tolerance = 1e-3
        assert worst(mine, truth) <= tolerance + 10 * worst(its, truth)


# One float32 score of a million may round across ReLU's kink, and its gradient jumps.
MANY_PIXELS = 200
GRADIENTS = 1


def outcome(function, mixer, size):
    """The output; and the gradients of a weighted sum of it, by the input and all parameters."""
    dtype = next(mixer.parameters(), torch.zeros(0)).dtype
    x = drawn(size, batch=3, dtype=dtype).requires_grad_()
    output = function(x) if function is mixer else function(mixer, x)
    inputs = [x, *mixer.parameters()]
    if not output.requires_grad:
        return output, torch.zeros(sum(value.numel() for value in inputs))
    loss = (output * drawn(size, batch=3, seed=2, dtype=dtype)).sum()
    gradients = torch.autograd.grad(loss, inputs, materialize_grads=True)
    return output.detach(), torch.cat([gradient.flatten() for gradient in gradients])


def worst(found, expected):
    """The largest difference, relative to the largest entry where that is above 1."""
    assert found.shape == expected.shape
    return (found - expected).abs().max().item() / max(1.0, expected.abs().max().item())
