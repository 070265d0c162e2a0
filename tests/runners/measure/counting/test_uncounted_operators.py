"""An operator without a rule is an error or is listed: never silently zero, never approximate."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from fvcore.nn.jit_analysis import _IGNORED_OPS
from torch import nn

from runners.measure.counting import UncountedOperator, count_macs, operators
from tests.runners.measure.counting.sample_networks import IMAGE, Calls, macs_of, ones

# An exact count or a refusal is correct; any other number is not.
EXACT_OR_REFUSED = {
    "einsum of three": (
        lambda x: torch.einsum("bchw,wo,op->bchp", x, ones(8, 5), ones(5, 4)),
        3 * 8 * (8 * 5 + 5 * 4),
    ),
    "mv": (lambda x: x[0, 0].mv(ones(8)), 64),
    "dot": (lambda x: x[0, 0, 0].dot(ones(8)), 8),
    "inner": (lambda x: torch.inner(x, ones(8)), 3 * 64),
    "addmv": (lambda x: torch.addmv(ones(8), x[0, 0], ones(8)), 64),
    "addbmm": (lambda x: torch.addbmm(ones(8, 2), x[0], ones(3, 8, 2)), 3 * 8 * 8 * 2),
    "outer": (lambda x: torch.outer(x[0, 0, 0], ones(5)), 8 * 5),
    "tensordot": (lambda x: torch.tensordot(x, ones(8, 5), 1), 3 * 8 * 8 * 5),
    "linalg.multi_dot": (lambda x: torch.linalg.multi_dot([x[0, 0], ones(8, 5)]), 8 * 8 * 5),
    "chain_matmul": (lambda x: torch.chain_matmul(x[0, 0], ones(8, 5)), 8 * 8 * 5),
    "linalg.matrix_power": (lambda x: torch.linalg.matrix_power(x, 2), 3 * 8 * 8 * 8),
    "conv3d": (lambda x: F.conv3d(x[None], ones(1, 1, 3, 3, 3)), 27 * 1 * 36),
    "bilinear": (lambda x: F.bilinear(x, x, ones(2, 8, 8)), 3 * 8 * 2 * (64 + 8)),
    "unfold and product": (
        lambda x: ones(4, 27) @ F.unfold(x, 3, padding=1),
        4 * 27 * 64,
    ),
    "functional lstm step": (
        lambda x: torch.lstm_cell(x[0, 0], (ones(8, 4), ones(8, 4)), ones(16, 8), ones(16, 4)),
        8 * 16 * (8 + 4),
    ),
}


@pytest.mark.parametrize("name", EXACT_OR_REFUSED)
def test_exact_or_refused(name):
    function, macs = EXACT_OR_REFUSED[name]
    try:
        assert macs_of(function) == macs
    except UncountedOperator as error:
        assert "aten::" in str(error)


LAYERS = {
    "lstm": (nn.LSTM(8, 4), 8 * 16 * (8 + 4)),
    "bidirectional lstm": (nn.LSTM(8, 4, bidirectional=True), 2 * 8 * 16 * (8 + 4)),
    "two lstms": (nn.LSTM(8, 4, 2), 8 * 16 * (8 + 4) + 8 * 16 * (4 + 4)),
    "lstm without biases": (nn.LSTM(8, 4, bias=False), 8 * 16 * (8 + 4)),
    "lstm with projection": (nn.LSTM(8, 4, proj_size=2), 8 * (16 * (8 + 2) + 4 * 2)),
    "gru": (nn.GRU(8, 4), 8 * 12 * (8 + 4)),
    "rnn": (nn.RNN(8, 4), 8 * 4 * (8 + 4)),
    "lstm cell": (nn.LSTMCell(8, 4), 8 * 16 * (8 + 4)),
    "multi-head attention": (nn.MultiheadAttention(8, 2), 4 * 8 * 64 + 2 * 64 * 8),
    "transformer layer": (
        nn.TransformerEncoderLayer(8, 2, 16),
        4 * 8 * 64 + 2 * 64 * 8 + 2 * 8 * 8 * 16,
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_are_exact_or_refused(name):
    layer, macs = LAYERS[name]

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = layer

        def forward(self, x):
            tokens = x[0, 0] if name == "lstm cell" else x[0, 0][:, None]
            return layer(*[tokens] * (3 if name.startswith("multi") else 1))

    try:
        assert count_macs(Network(), *IMAGE).total == macs
    except UncountedOperator as error:
        assert "module layer" in str(error)


class HiddenProduct(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x @ torch.ones(8, 8)


WITHOUT_RULE = {
    "aten::cdist": lambda x: torch.cdist(x, x),
    "aten::fft_fft2": torch.fft.fft2,
    "aten::fft_rfft": torch.fft.rfft,
    "aten::svd": torch.svd,
    "aten::einsum": lambda x: torch.einsum("bchw,c,h->bw", x, ones(3), ones(8)),
    "aten::index_put_": lambda x: x.clone().index_put_((torch.tensor([0]),), torch.tensor(1.0)),
    "prim::PythonOp.HiddenProduct": HiddenProduct.apply,
}


@pytest.mark.parametrize("operator", WITHOUT_RULE)
def test_an_operator_without_a_rule_is_named_with_its_module(operator):
    network = nn.Sequential(
        nn.Conv2d(3, 3, 1), nn.Sequential(nn.ReLU(), Calls(WITHOUT_RULE[operator]))
    )
    with pytest.raises(UncountedOperator) as caught:
        count_macs(network, *IMAGE)
    assert operator in str(caught.value)
    assert str(caught.value).endswith("in module 1.1")
    assert "\n" not in str(caught.value)


def test_an_operator_without_a_rule_in_the_network_itself():
    with pytest.raises(UncountedOperator, match="aten::cdist in module the network itself"):
        macs_of(lambda x: torch.cdist(x, x))


def script(function):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(function)


@script
def scripted(x: torch.Tensor) -> torch.Tensor:
    return x @ x


@script
def scripted_loop(x: torch.Tensor, times: int) -> torch.Tensor:
    for _ in range(times):
        x = x @ x
    return x


@script
def scripted_branch(x: torch.Tensor) -> torch.Tensor:
    if bool(x.sum() < 1):
        x = x @ x
    return x


@pytest.mark.parametrize(
    ("function", "macs"),
    [(scripted, 3 * 512), (lambda x: scripted_loop(x, 4), 4 * 3 * 512), (scripted_branch, 3 * 512)],
    ids=["function", "loop", "branch"],
)
def test_scripted_functions_are_exact_or_refused(function, macs):
    with contextlib.suppress(UncountedOperator):
        assert macs_of(function) == macs


def test_scripted_layers_are_exact_or_refused():
    network = nn.Sequential(script(nn.Conv2d(3, 4, 3, padding=1)))
    with contextlib.suppress(RuntimeError):
        assert count_macs(network, *IMAGE).total == 4 * 27 * 64


def test_no_operator_is_on_two_lists():
    lists = (list(operators.MACS), operators.ELEMENTWISE, operators.WITHOUT_ARITHMETIC)
    counts = Counter(itertools.chain(*lists))
    assert [name for name, count in counts.items() if count > 1] == []
    assert all(name.startswith("aten::") for name in counts)


def test_the_lists_of_fvcore_are_not_used():
    own = {*operators.MACS, *operators.ELEMENTWISE, *operators.WITHOUT_ARITHMETIC}
    assert "aten::nonzero" in _IGNORED_OPS - own  # otherwise this test proves nothing
    with pytest.raises(UncountedOperator, match="aten::nonzero "):
        macs_of(torch.nonzero)
    # fvcore's handle would count norms as MACs and its list would ignore the activation.
    network = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU())
    assert count_macs(network, *IMAGE).total == 0


def test_allowed_uncounted_operators_are_listed():
    network = nn.Sequential(
        nn.Conv2d(3, 3, 1), *(Calls(function) for function in (torch.fft.fft2, torch.cos))
    )
    counted = count_macs(network, *IMAGE, allow_uncounted=True)
    assert counted.uncounted == ("aten::fft_fft2",)
    assert counted.total == counted.by_module["0"] == 64 * 9
    assert counted.other_ops == {"cos": 3 * 64}
    three = Calls(lambda x: torch.fft.rfft(torch.einsum("bchw,c,h->bw", x, ones(3), ones(8))))
    counted = count_macs(three, *IMAGE, allow_uncounted=True)
    assert counted.uncounted == ("aten::einsum", "aten::fft_rfft")
    assert (counted.total, counted.by_operator, counted.other_ops) == (0, {}, {})


def test_uncounted_is_empty_if_every_operator_has_a_rule():
    for allowed in (False, True):
        counted = count_macs(nn.Conv2d(3, 3, 1), *IMAGE, allow_uncounted=allowed)
        assert counted.uncounted == ()
