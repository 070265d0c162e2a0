"""Every mixer has a slow, obvious twin and equals it, gradients included."""

from __future__ import annotations

import copy

import pytest
import torch

import attention_zoo
from tests.attention_zoo.cases import (
    NAMES,
    WITH_TWIN,
    drawn,
    every_case_with_twin,
    every_size,
    made,
    twin,
)

HOW_TO_ADD = """\
{name}: {reason}. Write tests/naive/{name}.py with
  VARIANTS = ({{}}, {{"option": value}}, ...)  # the defaults first, then every option at least once
  def naive(mixer, x):  # (B, C, H, W) -> (B, C, H, W): forward by its definition, slow and obvious,
      ...               # with the parameters of `mixer`; tests/naive/parts.py has its layers
See docs/add-a-mixer.md."""


def test_every_mixer_has_a_twin_for_every_option():
    defects = {name: defect(name) for name in NAMES}
    messages = [HOW_TO_ADD.format(name=n, reason=why) for n, why in defects.items() if why]
    if messages:
        pytest.fail("\n".join(messages), pytrace=False)


def defect(name):
    """What the twin of a mixer lacks, or None."""
    if name not in WITH_TWIN:
        return "the mixer has no naive twin"
    variants = getattr(twin(name), "VARIANTS", ())
    if not callable(getattr(twin(name), "naive", None)) or not variants or variants[0] != {}:
        return "its naive twin needs a function naive(mixer, x) and VARIANTS that start with {}"
    options = {option.name for option in attention_zoo.entry(name).options}
    if untested := options - {key for variant in variants for key in variant}:
        return f"the VARIANTS of its naive twin never set {', '.join(sorted(untested))}"
    if unknown := {key for variant in variants for key in variant} - options:
        return f"the VARIANTS of its naive twin set {', '.join(sorted(unknown))}: no such option"
    return None


modes = pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])


@modes
@every_size
@every_case_with_twin
def test_mixer_equals_its_twin(name, options, size, training):
    mixer = made(name, options, dtype=torch.float64).train(training)
    pairs = zip(outcome(mixer, mixer, size), outcome(twin(name).naive, mixer, size), strict=True)
    for actual, expected in pairs:
        assert worst(actual, expected) <= 1e-9


@pytest.mark.slow
@modes
@every_size
@every_case_with_twin
def test_mixer_equals_its_twin_in_float32(name, options, size, training):
    """To 1e-5; where the sum is ill-conditioned, as nearly as the twin itself in float32."""
    mixer = made(name, options).train(training)
    exact = outcome(twin(name).naive, copy.deepcopy(mixer).double(), size)
    rounded = outcome(twin(name).naive, mixer, size)
    actual = outcome(mixer, mixer, size)
    assert all(value.dtype == torch.float32 for value in actual)
    for kind, (mine, its, truth) in enumerate(zip(actual, rounded, exact, strict=True)):
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


def worst(actual, expected):
    """The largest difference, relative to the largest entry where that is above 1."""
    assert actual.shape == expected.shape
    return (actual - expected).abs().max().item() / max(1.0, expected.abs().max().item())
