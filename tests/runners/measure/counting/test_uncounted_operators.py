"""An operator without a rule is an error or is listed: never silently zero, never approximate."""

from __future__ import annotations

import contextlib
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from runners.measure.counting import UncountedOperator, count_macs
from tests.runners.measure.counting.sample_networks import IMAGE, Calls, macs_of, ones


@torch.library.custom_op("own::product", mutates_args=())
def own_product(x: torch.Tensor) -> torch.Tensor:
    """A product that no counter can look into."""
    return x @ x


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
    "outer": (lambda x: torch.outer(x[0, 0, 0], ones(5)), 0),
    "tensordot": (lambda x: torch.tensordot(x, ones(8, 5), 1), 3 * 8 * 8 * 5),
    "linalg.multi_dot": (lambda x: torch.linalg.multi_dot([x[0, 0], ones(8, 5)]), 8 * 8 * 5),
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


# No operator of these classes needs a name on a list.
WITHOUT_MACS = {
    "activations": lambda x: F.glu(F.mish(F.log_softmax(F.celu(F.rrelu(F.logsigmoid(x))), 1)), -1),
    "prelu": lambda x: F.prelu(x, ones(3)),
    "shuffles": lambda x: F.channel_shuffle(F.pixel_unshuffle(x, 2), 3),
    "comparisons": lambda x: (x > 0).any() | torch.isnan(x).all() | (x == x).sum().bool(),
    "sorting": lambda x: (x.topk(3), x.sort(), x.kthvalue(2), x.unique(), x.median(), x.nonzero()),
    "indexing": lambda x: (
        x[x > 0],
        x.take(torch.tensor([1])),
        x[:, [0, 1]],
        x.index_copy(1, torch.tensor([0]), x[:, :1]),
    ),
    "index_put": lambda x: x.clone().index_put_((torch.tensor([0]),), torch.tensor(1.0)),
    "scattering": lambda x: x.scatter_reduce(
        1, torch.zeros(1, 3, 8, 8, dtype=torch.long), x, "mean"
    ),
    "embeddings": lambda x: F.embedding_bag(torch.tensor([[1, 2]]), ones(5, 4)),
    "pooling": lambda x: (F.max_pool1d(x[0], 2), F.avg_pool1d(x[0], 2), F.lp_pool2d(x, 2, 2)),
    "random pooling": lambda x: F.fractional_max_pool2d(x, 2, output_size=3),
    "interpolation": lambda x: [
        F.interpolate(x, scale_factor=2, mode=mode)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    ],
    "one dimension": lambda x: F.interpolate(x[0], scale_factor=2, mode="linear"),
    "sampling": lambda x: F.grid_sample(x, ones(1, 4, 4, 2)),
    "norms": lambda x: (F.instance_norm(x), F.rms_norm(x, (8,)), F.local_response_norm(x, 2)),
    "reductions": lambda x: (x.cumprod(1), x.std(), x.logsumexp(1), x.quantile(0.5), x.prod()),
    "padding": lambda x: [
        F.pad(x, (1, 1, 1, 1), mode=mode) for mode in ("reflect", "replicate", "circular")
    ],
    "constants": lambda x: x + torch.linspace(0, 1, 8) + torch.randn_like(x) + torch.eye(8),
    "special functions": lambda x: torch.special.i0(torch.erf(torch.atan2(x, x + 1))),
    "losses": lambda x: F.mse_loss(x, x) + F.huber_loss(x, x) + F.kl_div(x, x),
    "complex": lambda x: torch.complex(x, x).abs(),
}


@pytest.mark.parametrize("name", WITHOUT_MACS)
def test_classes_of_operators_without_macs(name):
    counted = count_macs(Calls(WITHOUT_MACS[name]), *IMAGE)
    assert (counted.total, counted.uncounted) == (0, ())


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


WITHOUT_RULE = {
    "aten::_cdist_forward": lambda x: torch.cdist(x, x),
    "aten::_fft_c2c": torch.fft.fft2,
    "aten::_linalg_svd": torch.svd,
    "aten::linalg_inv_ex": lambda x: torch.linalg.inv(x + 9 * torch.eye(8)),
    "aten::_trilinear": lambda x: F.bilinear(x, x, ones(2, 8, 8)),
    "own::product": own_product,
    "aten::_sparse_addmm": lambda x: torch.sparse.mm(x[0, 0].to_sparse(), x[0, 1]),
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
    with pytest.raises(
        UncountedOperator, match="aten::_cdist_forward in module the network itself"
    ):
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
    if bool(x.sum() < 1e9):
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


def test_fvcore_rules_are_not_used():
    """They count norms as MACs."""
    network = nn.Sequential(nn.BatchNorm2d(3), nn.ReLU())
    assert count_macs(network, *IMAGE).total == 0


def test_allowed_uncounted_operators_are_listed():
    network = nn.Sequential(
        nn.Conv2d(3, 3, 1), *(Calls(function) for function in (torch.fft.fft2, torch.cos))
    )
    counted = count_macs(network, *IMAGE, allow_uncounted=True)
    assert counted.uncounted == ("aten::_fft_c2c",)
    assert counted.total == counted.by_module["0"] == 64 * 9
    assert counted.other_ops == {"cos": 3 * 64}
    two = Calls(lambda x: torch.cdist(torch.fft.ifft(x).real, x))
    counted = count_macs(two, *IMAGE, allow_uncounted=True)
    assert counted.uncounted == ("aten::_cdist_forward", "aten::_fft_r2c")
    assert (counted.total, counted.by_operator) == (0, {})


def test_uncounted_is_empty_if_every_operator_has_a_rule():
    for allowed in (False, True):
        counted = count_macs(nn.Conv2d(3, 3, 1), *IMAGE, allow_uncounted=allowed)
        assert counted.uncounted == ()
