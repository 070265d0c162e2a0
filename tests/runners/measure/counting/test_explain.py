"""Every difference between two counters has a kind of operator and a reason."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import attention_zoo
import lolvit
from runners.measure.counting import operators
from runners.measure.counting.counters.kinds import OTHER, kind_of
from runners.measure.counting.explain import COUNTERS, explain, explanation_rows
from runners.measure.counting.macs import UncountedOperator, count_ptflops


class Calls(nn.Module):
    """Layers of an image (1, 3, 8, 8) joined by a function."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


def explained(network, *size):
    """By counter and kind, after checking that nothing is left over."""
    found = explain(network, *(size or (3, 8, 8)))
    assert [each.counter for each in found] == list(COUNTERS)
    for each in found:
        assert each.error is None
        assert each.remainder == 0, each
        assert [d for d in each.differences if d.unexplained] == []
        assert sum(d.ours for d in each.differences) == each.ours
        assert sum(d.theirs for d in each.differences) == each.theirs
        assert {type(n) for d in each.differences for n in (d.ours, d.theirs)} <= {int}
    return {each.counter: {d.kind: d for d in each.differences} for each in found}


@pytest.mark.parametrize("name", sorted(attention_zoo.entries()))
def test_nothing_remains_of_a_mixer(name):
    explained(attention_zoo.build(name, dim=24, num_heads=3), 24, 14, 14)


@pytest.mark.parametrize("name", lolvit.VARIANTS)
def test_nothing_remains_of_a_network(name):
    network = lolvit.build(lolvit.variant(name, resolution=64), seed=0)
    ours = sum(each.ours for each in explained(network, 3, 64, 64)["fvcore"].values())
    assert ours == network.macs(64, 64)


@pytest.mark.parametrize("name", ["lolvit_nano", "mobilevit_xxs"])
def test_nothing_remains_at_full_resolution(name):
    architecture = lolvit.variant(name)
    side = architecture.resolution
    explained(lolvit.build(architecture, seed=0), 3, side, side)


class Attention(nn.Module):
    """4 heads, 14 x 14 tokens of 64 channels, with projections."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(64, 64) for _ in range(4))

    def forward(self, x):
        tokens = x.flatten(2).mT
        heads = (p(tokens).unflatten(2, (4, 16)).transpose(1, 2) for p in (self.q, self.k, self.v))
        return self.out(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


def test_the_attention_of_the_design():
    found = explain(Attention(), 64, 14, 14)
    kinds = explained(Attention(), 64, 14, 14)
    products = 2 * 196 * 196 * 64
    # The dispatcher fuses a bias into products of contiguous tokens alone, as after attention.
    biases = {"ptflops pytorch": 4 * 196 * 64, "ptflops aten": 196 * 64}
    assert {each.ours for each in found} == {8_128_512}
    for each in found:
        assert 3.2e6 <= each.theirs <= 3.3e6
        attention = kinds[each.counter]["attention product"]
        assert (attention.ours, attention.theirs, attention.difference) == (products, 0, -products)
        assert attention.why.startswith("no rule for ")
        assert attention.why.endswith(": counted as 0")
        matrices = kinds[each.counter]["matrix product"]
        assert matrices.difference == biases.get(each.counter, 0)
        expected = "counts the additions of biases" if each.counter in biases else "the same"
        assert matrices.why == expected


LAST = "ptflops pytorch"
CASES = {
    "a norm": (
        Calls(lambda x, norm: norm(x), nn.BatchNorm2d(3)),
        {
            ("fvcore", "normalisation"): (384, "counts norms as multiply-accumulates"),
            (LAST, "normalisation"): (384, "counts norms as multiply-accumulates"),
        },
    ),
    "an activation with a hook, of a patched function": (
        Calls(lambda x, relu: relu(x), nn.ReLU()),
        {
            (LAST, "activation"): (
                384,
                "counts activations as multiply-accumulates (+192); "
                "again in the patched function that a hooked module calls (+192)",
            )
        },
    ),
    "an activation without a hook": (
        Calls(lambda x: F.relu(x)),
        {(LAST, "activation"): (192, "counts activations as multiply-accumulates")},
    ),
    "products written as @": (
        Calls(lambda x: x @ x.mT),
        {(LAST, "matrix product"): (-1536, "`@` is not patched: counted as 0")},
    ),
    "products written as matmul": (Calls(lambda x: torch.matmul(x, x.mT)), {}),
    "products of a broadcast operand": (
        Calls(lambda x: torch.ones(2, 8).matmul(x)),
        {
            ("fvcore", "matrix product"): (-256, "misses the broadcasting of a left operand"),
            (LAST, "matrix product"): (-256, "misreads broadcasting or a vector"),
        },
    ),
    "functional layers": (
        Calls(lambda x: F.linear(F.conv2d(x, torch.ones(3, 3, 1, 1)), torch.ones(8, 8))),
        {
            (LAST, "convolution"): (
                -576,
                "a convolution that is no layer of torch.nn: counted as 0",
            ),
            (LAST, "matrix product"): (-1536, "a linear layer that is no nn.Linear: counted as 0"),
        },
    ),
    "a sum of products": (
        Calls(lambda x: torch.baddbmm(x[0], x[0], x[0])),
        {
            ("fvcore", "matrix product"): (-1536, "no rule for baddbmm: counted as 0"),
            ("ptflops aten", "matrix product"): (-1536, "no rule for baddbmm: counted as 0"),
            (LAST, "matrix product"): (192, "counts the addition of the added matrix"),
        },
    ),
    "weights that differ from pixel to pixel": (
        Calls(lambda x: torch.addcmul(x, x, x)),
        {(name, "weighted sums"): (-192, "no rule for addcmul: counted as 0") for name in COUNTERS},
    ),
    "attention that torch takes apart": (
        Calls(lambda x: F.scaled_dot_product_attention(x, x, x[..., :4])),
        {
            ("fvcore", "attention product"): (
                -2304,
                "no rule for scaled_dot_product_attention: counted as 0",
            ),
            (LAST, "attention product"): (
                -2304,
                "no rule for scaled_dot_product_attention: counted as 0",
            ),
            **{
                (name, kind): (sign * 2304, words)
                for name in ("ptflops aten", "torch FlopCounterMode / 2")
                for kind, sign, words in (
                    ("attention product", -1, "ran as matrix products, booked there"),
                    ("matrix product", 1, "attention product that ran as matrix products"),
                )
            },
        },
    ),
    "einsum": (
        Calls(lambda x: torch.einsum("bchw,cwo->bcho", x, torch.ones(3, 8, 2))),
        {
            (LAST, "matrix product"): (-384, "no rule for einsum: counted as 0"),
        },
    ),
    "element-wise": (
        Calls(lambda x: torch.add(x, x) + x),
        {(LAST, "element-wise"): (192, "counts sums and products of maps as multiply-accumulates")},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_reasons(name):
    network, expected = CASES[name]
    found = {
        (counter, kind): (each.difference, each.why)
        for counter, kinds in explained(network).items()
        for kind, each in kinds.items()
        if each.difference
    }
    assert found == expected


def test_a_counter_that_knows_no_vector():
    fvcore, *others = explain(Calls(lambda x: x @ torch.ones(8)), 3, 8, 8)
    assert fvcore.error == "IndexError: list index out of range"
    for each, words in zip(others, ("`@` is not patched", *["no rule for mv"] * 2), strict=True):
        (difference,) = each.differences
        assert (each.remainder, difference.unexplained) == (0, 0)
        assert difference.why == f"{words}: counted as 0"


def test_a_shared_module_is_summed_twice():
    layer = nn.Linear(8, 8, bias=False)
    network = nn.Sequential(nn.Sequential(layer), nn.Sequential(layer))
    (each,) = explained(network)[LAST].values()
    assert (each.ours, each.theirs) == (2 * 1536, 4 * 1536)
    assert each.why == "a shared module is summed once for each of its parents"


def test_multi_head_attention_is_one_lump():
    def attend(x, layer):
        tokens = x[0, 0][:, None]
        return layer(tokens, tokens, tokens)[0]

    kinds = explained(Calls(attend, nn.MultiheadAttention(8, 2)))[LAST]
    lump, matrices = kinds["attention product"], kinds["matrix product"]
    assert "matrix product of the same module" in lump.why
    assert "booked as attention product" in matrices.why
    assert "in a hooked module and again in a patched function" in matrices.why


def test_an_lstm_hides_from_the_dispatcher():
    layer = nn.LSTM(8, 4, bidirectional=True)
    kinds = explained(Calls(lambda x, layer: layer(x[0])[0], layer))
    macs = 3 * 8 * 2 * 16 * (8 + 4)
    for name in ("ptflops aten", "torch FlopCounterMode / 2"):
        gates = kinds[name]["recurrent gates"]
        assert (gates.difference, gates.why) == (
            -macs,
            "no rule for mkldnn_rnn_layer: counted as 0",
        )
    with torch.backends.mkldnn.flags(enabled=False):
        apart = explained(Calls(lambda x, layer: layer(x[0])[0], layer))
    assert apart["torch FlopCounterMode / 2"]["matrix product"].difference == macs
    assert kinds[LAST]["recurrent gates"].why == "counts biases and the arithmetic of gates"


def refuse(x, *_):
    raise ValueError("no such\nforward")


class FailsLater(nn.Module):
    """Runs under the tracer alone, so that the house has a number."""

    def forward(self, x):
        if not torch.jit.is_tracing():
            refuse(x)
        return x @ x


def test_a_counter_that_raises():
    ours, *others = explain(FailsLater(), 3, 8, 8)
    assert (ours.counter, ours.error, ours.remainder) == ("fvcore", None, 0)
    for each in others:
        assert (each.ours, each.theirs, each.differences, each.remainder) == (1536, None, (), None)
        assert "\n" not in each.error
    assert others[-1].error == "ValueError: no such"
    assert [row[1:4] for row in explanation_rows(others)] == [("total", "1,536", "failed")] * 3


def test_without_a_number_of_the_house_there_is_nothing_to_explain():
    with pytest.raises(UncountedOperator):
        explain(Calls(lambda x: torch.fft.fft2(x)), 3, 8, 8)


WATCHED = [
    *((F, name) for name in ("linear", "relu", "gelu", "softmax", "interpolate", "max_pool2d")),
    *((torch, name) for name in ("matmul", "bmm", "addmm", "baddbmm", "mul", "add")),
    *((torch.Tensor, name) for name in ("matmul", "mm", "bmm", "addmm", "mul", "add")),
]


@pytest.mark.parametrize("forward", [torch.sigmoid, refuse], ids=["runs", "raises"])
def test_nothing_stays_patched(forward):
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), FailsLater(), Calls(forward))
    if forward is torch.sigmoid:
        del network[2]
    before = [vars(owner).get(name) for owner, name in WATCHED]
    attributes = [set(vars(module)) for module in network.modules()]
    network[0].eval()
    modes = [module.training for module in network.modules()]
    for call in (explain, count_ptflops):
        try:
            call(network, 3, 8, 8)
        except ValueError:
            assert forward is refuse
        after = [vars(owner).get(name) for owner, name in WATCHED]
        assert all(a is b for a, b in zip(before, after, strict=True))
        assert [set(vars(module)) for module in network.modules()] == attributes
        assert [module.training for module in network.modules()] == modes
        assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())
        assert all(weight.requires_grad for weight in network.parameters())


def test_an_interrupt_leaves_nothing_patched():
    def interrupt(x):
        if not torch.jit.is_tracing():
            raise KeyboardInterrupt
        return x

    relu = F.relu
    network = nn.Sequential(nn.ReLU(), Calls(interrupt))
    with pytest.raises(KeyboardInterrupt):
        explain(network, 3, 8, 8)
    assert F.relu is relu
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


def test_counters_do_not_see_each_other(monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.GELU(), nn.Upsample(4))
    together = explain(network, 3, 8, 8)
    assert explain(network, 3, 8, 8) == together
    for name in reversed(COUNTERS):
        monkeypatch.setattr("runners.measure.counting.explain.COUNTERS", {name: COUNTERS[name]})
        assert explain(network, 3, 8, 8) == [each for each in together if each.counter == name]


def test_a_network_on_the_meta_device():
    with torch.device("meta"):
        network = Attention()
    assert explain(network, 64, 14, 14) == explain(Attention(), 64, 14, 14)


def test_silence(capfd, recwarn, caplog):
    explain(Attention(), 64, 14, 14)
    explain(FailsLater(), 3, 8, 8)
    assert capfd.readouterr() == ("", "")
    assert (list(recwarn), caplog.records) == ([], [])


def test_rows():
    rows = explanation_rows(explain(Attention(), 64, 14, 14))
    assert {len(row) for row in rows} == {6}
    assert {type(cell) for row in rows for cell in row} == {str}
    assert [row for row in rows if row[0] == "torch FlopCounterMode / 2"] == [
        ("torch FlopCounterMode / 2", *row)
        for row in (
            ("matrix product", "3,211,264", "3,211,264", "0", "the same"),
            (
                "attention product",
                "4,917,248",
                "0",
                "-4,917,248",
                "no rule for _scaled_dot_product_flash_attention_for_cpu: counted as 0",
            ),
            ("total", "8,128,512", "3,211,264", "-4,917,248", ""),
            ("remainder", "", "", "0", "every difference has a kind of operator"),
        )
    ]


def test_every_operator_of_the_house_has_a_kind():
    handled = {"aten::_convolution"}  # booked as conv
    names = {*operators.MACS, *operators.ELEMENTWISE} - handled
    assert [name for name in names if kind_of(name.removeprefix("aten::")) == OTHER] == []
