"""A contraction is one number however it is written; scale and shift are never MACs."""

from __future__ import annotations

import functools

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from runners.measure.counting import count_macs
from tests.runners.measure.counting.sample_networks import IMAGE, Calls, macs_of, ones

PIXELS, TAPS = 64, 9


def neighbours(x):
    return F.unfold(x, 3, padding=1).view(1, 3, TAPS, 8, 8)


WEIGHTS = torch.rand(1, TAPS, 8, 8)


def terms(x):
    u = neighbours(x)[0]
    return [u[:, i] * WEIGHTS[0, i] for i in range(TAPS)]


def in_place(x):
    u, y = neighbours(x), torch.zeros(1, 3, 8, 8)
    for i in range(TAPS):
        y.addcmul_(u[:, :, i], WEIGHTS[:, i : i + 1])
    return y


def chain(x, first):
    u = neighbours(x)
    y = first(u[:, :, 0], WEIGHTS[:, 0:1])
    for i in range(1, TAPS):
        y = torch.addcmul(y, u[:, :, i], WEIGHTS[:, i : i + 1])
    return y


# The aggregation of an involution or of local attention: 9 weights for each pixel.
AGGREGATIONS = {
    "mul and sum": lambda x: (neighbours(x) * WEIGHTS[:, None]).sum(2),
    "mul in place and sum": lambda x: neighbours(x).mul_(WEIGHTS[:, None]).sum(2),
    "mul, view and sum": lambda x: (neighbours(x) * WEIGHTS[:, None]).flatten(3).sum(2),
    "einsum": lambda x: torch.einsum("bckhw,bkhw->bchw", neighbours(x), WEIGHTS),
    "matmul": lambda x: (
        neighbours(x).permute(0, 3, 4, 1, 2) @ WEIGHTS.permute(0, 2, 3, 1).unsqueeze(-1)
    ),
    "vecdot": lambda x: torch.linalg.vecdot(
        neighbours(x), WEIGHTS[:, None].expand(1, 3, TAPS, 8, 8), dim=2
    ),
    "addcmul from a product": lambda x: chain(x, torch.mul),
    "mul, copy and sum": lambda x: (
        (neighbours(x) * WEIGHTS[:, None]).permute(0, 1, 3, 4, 2).contiguous().sum(-1)
    ),
    "mul, view and cast": lambda x: (neighbours(x) * WEIGHTS[:, None]).double().sum(2),
    "stack and sum": lambda x: torch.stack(terms(x)).sum(0),
    "sum of Python": lambda x: sum(terms(x)),
    "plus": lambda x: functools.reduce(torch.add, terms(x)),
    "plus in place": lambda x: functools.reduce(torch.Tensor.add_, terms(x), torch.zeros(3, 8, 8)),
    "addcmul in place": lambda x: in_place(x),
    "baddbmm": lambda x: torch.baddbmm(
        torch.zeros(64, 3, 1),
        neighbours(x).permute(0, 3, 4, 1, 2).reshape(64, 3, 9),
        WEIGHTS.permute(0, 2, 3, 1).reshape(64, 9, 1),
    ),
    "addcmul from zeros": lambda x: chain(x, lambda u, w: torch.addcmul(torch.zeros(8, 8), u, w)),
    "addcmul from a shift": lambda x: chain(x, lambda u, w: torch.addcmul(ones(8, 8), u, w)),
}


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_one_aggregation_has_one_count(name):
    assert macs_of(AGGREGATIONS[name]) == 3 * TAPS * PIXELS


@pytest.mark.parametrize("groups", [1, 3])
def test_a_dynamic_depthwise_convolution_and_its_unfolded_form(groups):
    kernels = torch.rand(3 // groups, 1, 3, 3).repeat(groups, 1, 1, 1)
    unfolded = macs_of(lambda x: torch.einsum("bckhw,ck->bchw", neighbours(x), kernels.flatten(1)))
    assert unfolded == macs_of(lambda x: F.conv2d(x, kernels, padding=1, groups=3))


# None of these adds up products of two tensors that both vary.
ELEMENTWISE = {
    "affine": lambda x: x * ones(3, 8, 8) + ones(3, 8, 8),
    "affine as addcmul": lambda x: torch.addcmul(ones(3, 1, 1), ones(3, 1, 1), x * x),
    "quotients": lambda x: torch.addcdiv(ones(3, 1, 1), x, ones(3, 8, 8)),
    "squares": lambda x: (x * x).sum((2, 3)),
    "scale, then sum": lambda x: (x * ones(3, 1, 1)).sum((2, 3)),
    "scaled map used again": lambda x: (p := x * (x + 1).sigmoid()).sum((2, 3)) + p.mean(),
    "used before": lambda x: (p := x * (x + 1).sigmoid()).mean() + p.sum((2, 3)),
    "rotation": lambda x: x * WEIGHTS[:, :3] + x.flip(1) * WEIGHTS[:, 3:6],
    "scaled residuals": lambda x: functools.reduce(
        lambda y, w: y + w * F.relu(y), (ones(3, 8, 8),) * 4, x
    ),
    "gate": lambda x: x * (x + 1).sigmoid() + x.relu() * (1 - x),
    "pooled gate": lambda x: (x * (x + 1).sigmoid()).mean((2, 3)),
    "integers": lambda x: (torch.ones(4, 4, dtype=torch.long) * torch.arange(4)).sum() + x,
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_scale_and_shift_are_never_macs(name):
    assert macs_of(ELEMENTWISE[name]) == 0


def test_multiplications_are_shown_beside_the_macs():
    counted = count_macs(Calls(ELEMENTWISE["gate"]), *IMAGE)
    assert (counted.total, counted.multiplications) == (0, 2 * 3 * PIXELS)
    counted = count_macs(Calls(AGGREGATIONS["mul and sum"]), *IMAGE)
    assert (counted.total, counted.multiplications) == (3 * TAPS * PIXELS, 0)


class GlobalResponseNorm(nn.Module):
    """Of ConvNeXt V2: a norm, a scale and a shift."""

    def forward(self, x):
        g = x.norm(p=2, dim=(2, 3), keepdim=True)
        n = g / (g.mean(1, keepdim=True) + 1e-6)
        return x + torch.addcmul(ones(3, 1, 1), ones(3, 1, 1), x * n)


def test_a_response_norm_is_a_norm():
    assert count_macs(GlobalResponseNorm(), *IMAGE).total == 0


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.data())
def test_any_sum_of_products_costs_what_its_einsum_costs(data):
    sizes = data.draw(st.lists(st.integers(2, 4), min_size=1, max_size=4))
    left, right = ([data.draw(st.sampled_from((1, n))) for n in sizes] for _ in range(2))
    dims = data.draw(st.sets(st.integers(0, len(sizes) - 1), min_size=1))
    a, b = torch.rand(left), torch.rand(right)
    indices = "abcd"[: len(sizes)]
    kept = "".join(index for dim, index in enumerate(indices) if dim not in dims)
    if a.numel() == 1 or b.numel() == 1:
        return  # a scalar
    by_hand = macs_of(lambda x: ((a + x.sum()) * b).sum(tuple(dims)))
    assert by_hand == macs_of(
        lambda x: torch.einsum(f"{indices},{indices}->{kept}", a + x.sum(), b)
    )


def test_a_complex_product_is_four_real_ones():
    assert macs_of(lambda x: x.to(torch.complex64) @ ones(8, 2).to(torch.complex64)) == (
        4 * 3 * 8 * 8 * 2
    )
