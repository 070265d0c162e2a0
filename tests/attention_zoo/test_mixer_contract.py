"""What every mixer promises to the block that hosts it."""

from __future__ import annotations

import copy
import io
from functools import cache
from itertools import product

import pytest
import torch
from torch.func import functional_call

import attention_zoo
from tests.attention_zoo.cases import (
    DIM,
    HEADS,
    SIZES,
    assert_close,
    drawn,
    every_case,
    made,
    unsettled,
)

EVEN_ODD = pytest.mark.parametrize("size", [(6, 6), (7, 13)], ids=["6x6", "7x13"])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
@every_case
def test_shape_and_dtype_are_kept(name, options, dtype):
    mixer = made(name, options, dtype=dtype)
    for size in SIZES:
        y = mixer(drawn(size, dtype=dtype))
        assert y.shape == (2, DIM, *size)
        assert y.dtype == dtype


@EVEN_ODD
@every_case
def test_memory_format_changes_nothing(name, options, size):
    mixer = made(name, options, dtype=torch.float64)
    x = drawn(size, dtype=torch.float64)
    expected = mixer(x)
    assert_close(mixer(x.contiguous(memory_format=torch.channels_last)), expected, 1e-12)
    assert_close(mixer(x.transpose(2, 3).contiguous().transpose(2, 3)), expected, 1e-12)
    mixer.to(memory_format=torch.channels_last)
    assert_close(mixer(x.contiguous(memory_format=torch.channels_last)), expected, 1e-12)


@EVEN_ODD
@every_case
def test_images_of_a_batch_never_mix(name, options, size):
    mixer = made(name, options, dtype=torch.float64)
    x = drawn(size, batch=3, dtype=torch.float64)
    alone = torch.cat([mixer(image[None]) for image in x])
    assert_close(mixer(x), alone, 1e-12)


@every_case
def test_the_input_is_left_alone(name, options):
    x = drawn((7, 13))
    before = x.clone()
    made(name, options)(x)
    assert torch.equal(x, before)


@every_case
def test_state_round_trips(name, options):
    mixer, other = made(name, options, seed=1), made(name, options, seed=2)
    file = io.BytesIO()
    torch.save(mixer.state_dict(), file)
    file.seek(0)
    other.load_state_dict(torch.load(file, weights_only=True))
    x = drawn((7, 13))
    assert torch.equal(mixer(x), other(x))


@every_case
def test_a_seed_fixes_weights_and_output(name, options):
    mixer, again = made(name, options, seed=3), made(name, options, seed=3)
    for mine, its in zip(mixer.parameters(), again.parameters(), strict=True):
        assert torch.equal(mine, its)
    x = drawn((7, 13))
    assert torch.equal(mixer(x), again(x))
    assert torch.equal(mixer(x), mixer(x))


@every_case
def test_every_parameter_is_used(name, options):
    mixer = made(name, options)
    output = mixer(drawn((9, 10)))
    if not output.requires_grad:
        assert not list(mixer.parameters())
        return
    (output * drawn((9, 10), seed=2)).sum().backward()
    assert [key for key, value in mixer.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("size", [(1, 1), (3, 4)], ids=["1x1", "3x4"])
@every_case
def test_gradients_are_those_of_finite_differences(name, options, size):
    mixer = made(name, options, dim=4, heads=2, seed=5, dtype=torch.float64)
    x = drawn(size, dim=4, seed=6, dtype=torch.float64)
    if not mixer(x.requires_grad_()).requires_grad:
        assert torch.equal(mixer(x), mixer(x + 1))  # constant, so the gradient is zero indeed
        return
    names = [key for key, _ in mixer.named_parameters()]
    values = [value.detach().requires_grad_() for value in mixer.parameters()]

    def function(x, *values):
        return functional_call(mixer, dict(zip(names, values, strict=True)), (x,))

    assert torch.autograd.gradcheck(function, (x, *values), fast_mode=True)


@pytest.mark.parametrize("scale", [0.0, 1.0, 1e4])
@every_case
def test_outputs_and_gradients_are_finite(name, options, scale):
    mixer = attention_zoo.build(name, dim=DIM, num_heads=HEADS, **options).eval()
    for each, size in product((mixer, unsettled(copy.deepcopy(mixer))), SIZES):
        x = (scale * drawn(size)).requires_grad_()
        y = each(x)
        assert y.isfinite().all()
        if y.requires_grad:
            gradients = torch.autograd.grad(y.sum(), [x, *each.parameters()])
            assert all(gradient.isfinite().all() for gradient in gradients)


@every_case
def test_bfloat16_autocast_is_finite_and_near(name, options):
    mixer = made(name, options)
    for size in SIZES:
        x = drawn(size)
        with (
            torch.backends.mkldnn.flags(enabled=onednn_is_right(), allow_tf32=None),
            torch.autocast("cpu", dtype=torch.bfloat16),
        ):
            y = mixer(x)
        assert y.isfinite().all()
        assert_mostly_close(y, mixer(x))


@cache
def onednn_is_right():
    """Whether oneDNN convolves in bfloat16; with AMX it does not for kernels of 8 x 8, stride 8."""
    x, weight = drawn((24, 24)), drawn((8, 8), batch=DIM)
    low = torch.nn.functional.conv2d(x.bfloat16(), weight.bfloat16(), stride=8).float()
    exact = torch.nn.functional.conv2d(x, weight, stride=8)
    return (low - exact).abs().median().item() <= 0.02 * exact.abs().max().item()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16], ids=["bfloat16", "float16"])
@every_case
def test_a_half_precision_mixer_keeps_its_type(name, options, dtype):
    mixer = made(name, options)
    x = drawn((7, 13))
    expected = mixer(x)
    y = mixer.to(dtype)(x.to(dtype))
    assert y.dtype == dtype
    assert y.isfinite().all()
    assert_mostly_close(y, expected)


def assert_mostly_close(found, expected):
    """By the median: a pixel whose positive scores are all nearly zero has no stable weights."""
    assert (found.float() - expected).abs().median() <= 0.02 * expected.abs().max()
