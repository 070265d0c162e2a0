"""Differences between our MAC count and other counters add up, kind by kind."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import attention_zoo
import lolvit
from runners.measure.counting import (
    UncountedOperator,
    count_ptflops,
    explain_macs,
    explanation_rows,
    operators,
)
from runners.measure.counting.explain import COUNTERS, OTHER, kind_of
from runners.measure.counting.macs import SUM_OF_PRODUCTS
from tests.runners.measure.counting.sample_networks import IMAGE, Attention, Calls

FVCORE, PYTORCH, ATEN, TORCH = COUNTERS
SLOW = pytest.mark.slow
SMALL = {"lolvit_nano", "ghostnet_0.5", "mobilevit_xxs"}


def differences(network, *size):
    """Ours and theirs by counter and kind, after checking that they add up to the totals."""
    explanations = explain_macs(network, *(size or IMAGE))
    assert [explanation.counter for explanation in explanations] == list(COUNTERS)
    for explanation in explanations:
        pairs = explanation.by_kind.values()
        assert explanation.error is None
        assert explanation.remainder == 0, explanation
        assert sum(ours for ours, _ in pairs) == explanation.ours
        assert sum(theirs for _, theirs in pairs) == explanation.theirs
        assert {type(n) for pair in pairs for n in pair} <= {int}
        assert OTHER not in explanation.by_kind
    return {explanation.counter: explanation.by_kind for explanation in explanations}


@pytest.mark.parametrize("name", sorted(attention_zoo.entries()))
def test_differences_add_up_for_a_mixer(name):
    differences(attention_zoo.build(name, dim=24, num_heads=3), 24, 14, 14)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SMALL else SLOW) for name in lolvit.VARIANTS]
)
def test_differences_add_up_for_a_network(name):
    network = lolvit.build(lolvit.variant(name, resolution=64), seed=0)
    ours = sum(ours for ours, _ in differences(network, 3, 64, 64)[FVCORE].values())
    assert ours == network.macs(64, 64)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["lolvit_nano", "mobilevit_xxs"])
def test_differences_add_up_at_full_resolution(name):
    architecture = lolvit.variant(name)
    side = architecture.resolution
    differences(lolvit.build(architecture, seed=0), 3, side, side)


def test_fused_attention_is_missing_from_all_others():
    products = 2 * 196 * 196 * 64
    # The dispatcher fuses a bias only into products of contiguous tokens, as after attention.
    biases = {FVCORE: 0, PYTORCH: 4 * 196 * 64, ATEN: 196 * 64, TORCH: 0}
    for counter, kinds in differences(Attention(), 64, 14, 14).items():
        assert kinds["attention product"] == (products, 0)
        ours = 8_128_512 - products
        assert kinds["matrix product"] == (ours, ours + biases[counter])


def broadcast(x):
    return torch.ones(2, 8).matmul(x)


def decomposed(x):
    return F.scaled_dot_product_attention(x, x, x[..., :4])


MATRIX, ATTENTION = "matrix product", "attention product"
SHARED = nn.Linear(8, 8, bias=False)
CASES = {
    "norm": (
        Calls(lambda x, norm: norm(x), nn.BatchNorm2d(3)),
        {(FVCORE, "normalisation"): 384, (PYTORCH, "normalisation"): 384},
    ),
    # Its hook, and again the patched function that it calls.
    "activation module": (nn.Sequential(nn.ReLU()), {(PYTORCH, "activation"): 384}),
    "activation function": (Calls(lambda x: F.relu(x)), {(PYTORCH, "activation"): 192}),
    "@": (Calls(lambda x: x @ x.mT), {(PYTORCH, MATRIX): -1536}),
    "matmul": (Calls(lambda x: torch.matmul(x, x.mT)), {}),
    "broadcast": (Calls(broadcast), {(FVCORE, MATRIX): -256, (PYTORCH, MATRIX): -256}),
    "functional layers": (
        Calls(lambda x: F.linear(F.conv2d(x, torch.ones(3, 3, 1, 1)), torch.ones(8, 8))),
        {(PYTORCH, "convolution"): -576, (PYTORCH, MATRIX): -1536},
    ),
    "baddbmm": (
        Calls(lambda x: torch.baddbmm(x[0], x[0], x[0])),
        {(FVCORE, MATRIX): -1536, (ATEN, MATRIX): -1536, (PYTORCH, MATRIX): 192},
    ),
    "addcmul": (
        Calls(lambda x: torch.addcmul(x * x.mT, x, x + 1)),
        {(name, SUM_OF_PRODUCTS): -384 for name in COUNTERS},
    ),
    "sum of products": (
        Calls(lambda x: torch.mul(x, x.mT).sum(1)),
        {(name, SUM_OF_PRODUCTS): -192 for name in COUNTERS} | {(PYTORCH, "element-wise"): 192},
    ),
    "decomposed attention": (
        Calls(decomposed),
        {
            **{(name, MATRIX): -2304 for name in (FVCORE, PYTORCH)},
        },
    ),
    "einsum": (
        Calls(lambda x: torch.einsum("bchw,cwo->bcho", x, torch.ones(3, 8, 2))),
        {(PYTORCH, MATRIX): -384},
    ),
    "element-wise": (Calls(lambda x: torch.add(x, x) + x), {(PYTORCH, "element-wise"): 192}),
    "shared layer": (
        nn.Sequential(nn.Sequential(SHARED), nn.Sequential(SHARED)),
        {(PYTORCH, MATRIX): 2 * 1536},
    ),
    "lstm": (
        Calls(lambda x, layer: layer(x[0])[0], nn.LSTM(8, 4, bidirectional=True)),
        {
            **{(name, "recurrent gates"): -3 * 8 * 2 * 16 * 12 for name in (FVCORE, ATEN, TORCH)},
            (PYTORCH, "recurrent gates"): 3 * 8 * 2 * (2 * 16 + 10 * 4),
        },
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_differences_by_counter_and_kind(name):
    network, expected = CASES[name]
    assert {
        (counter, kind): theirs - ours
        for counter, kinds in differences(network).items()
        for kind, (ours, theirs) in kinds.items()
        if theirs != ours
    } == expected


def test_multi_head_attention_counts_as_attention():
    def attend(x, layer):
        tokens = x[0, 0][:, None]
        return layer(tokens, tokens, tokens)[0]

    kinds = differences(Calls(attend, nn.MultiheadAttention(8, 2)))[PYTORCH]
    assert kinds[ATTENTION][1] > kinds[ATTENTION][0]
    assert kinds[MATRIX][1] < kinds[MATRIX][0]


def raise_error(x, *_):
    raise ValueError("no such\nforward")


class FailsTheSecondTime(nn.Module):
    """Runs once, so that there is a count of ours."""

    runs = 0

    def forward(self, x):
        self.runs += 1
        if self.runs > 1:
            raise_error(x)
        return x @ x


def test_a_counter_that_fails_does_not_stop_the_others():
    explanations = explain_macs(FailsTheSecondTime(), *IMAGE)
    assert [explanation.counter for explanation in explanations] == list(COUNTERS)
    for explanation in explanations:
        assert (explanation.ours, explanation.theirs, explanation.remainder) == (1536, None, None)
        assert explanation.by_kind == {} and "\n" not in explanation.error
        (row,) = explanation_rows(explanation)
        assert row[:3] == ("total", "1,536", "failed")
    assert explanations[-1].error == "ValueError: no such"
    fvcore, *others = explain_macs(Calls(lambda x: x @ torch.ones(8)), *IMAGE)
    assert fvcore.error == "IndexError: list index out of range"
    assert [explanation.remainder for explanation in others] == [0, 0, 0]


def test_a_network_that_cannot_be_counted_is_not_explained():
    with pytest.raises(UncountedOperator):
        explain_macs(Calls(lambda x: torch.fft.fft2(x)), *IMAGE)


PATCHED = [
    *((F, name) for name in ("linear", "relu", "gelu", "softmax", "interpolate", "max_pool2d")),
    *((torch, name) for name in ("matmul", "bmm", "addmm", "baddbmm", "mul", "add")),
    *((torch.Tensor, name) for name in ("matmul", "mm", "bmm", "addmm", "mul", "add")),
]


def interrupt(x):
    if not torch.jit.is_tracing():
        raise KeyboardInterrupt
    return x


@pytest.mark.parametrize("forward", [torch.sigmoid, raise_error, interrupt])
@pytest.mark.parametrize("count", [explain_macs, count_ptflops])
def test_network_and_torch_are_left_as_they_were(forward, count):
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), Calls(forward))
    network[0].eval()
    before = [vars(owner).get(name) for owner, name in PATCHED]
    attributes = [set(vars(module)) for module in network.modules()]
    modes = [module.training for module in network.modules()]
    try:
        count(network, *IMAGE)
    except (ValueError, KeyboardInterrupt):
        assert forward is not torch.sigmoid
    after = [vars(owner).get(name) for owner, name in PATCHED]
    assert all(a is b for a, b in zip(before, after, strict=True))
    assert [set(vars(module)) for module in network.modules()] == attributes
    assert [module.training for module in network.modules()] == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
    assert all(weight.requires_grad for weight in network.parameters())


def test_counters_do_not_influence_each_other(monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.GELU(), nn.Upsample(4))
    together = explain_macs(network, *IMAGE)
    assert explain_macs(network, *IMAGE) == together
    for explanation in reversed(together):
        counter = {explanation.counter: COUNTERS[explanation.counter]}
        monkeypatch.setattr("runners.measure.counting.explain.COUNTERS", counter)
        assert explain_macs(network, *IMAGE) == [explanation]


def test_a_network_on_the_meta_device():
    with torch.device("meta"):
        network = Attention()
    assert explain_macs(network, 64, 14, 14) == explain_macs(Attention(), 64, 14, 14)


def test_nothing_is_printed_or_warned(capfd, recwarn, caplog):
    explain_macs(Attention(), 64, 14, 14)
    explain_macs(FailsTheSecondTime(), *IMAGE)
    assert capfd.readouterr() == ("", "")
    assert (list(recwarn), caplog.records) == ([], [])


def test_rows_of_a_table():
    *_, torch_flops = explain_macs(Attention(), 64, 14, 14)
    matrix, attention, total, remainder = explanation_rows(torch_flops)
    assert matrix == (MATRIX, "3,211,264", "3,211,264", "0", "")
    assert attention == (ATTENTION, "4,917,248", "0", "-4,917,248", "")
    assert total[:4] == ("total", "8,128,512", "3,211,264", "-4,917,248")
    assert "no rule" in total[4]
    assert remainder == ("remainder", "", "", "0", "")


def test_every_operator_with_a_rule_has_a_kind():
    names = {name for name, _ in operators.MACS.values()} | {SUM_OF_PRODUCTS}
    assert [name for name in names if kind_of(name) == OTHER] == []
