"""The result of a count: by module, by operator, other operators; the network is unchanged."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from runners.measure.counting import UncountedOperator, count_macs, count_ptflops
from runners.records.record import Costs
from tests.runners.measure.counting.sample_networks import IMAGE, Attention, Calls


def test_other_operators_are_listed_in_elements():
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, 2, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1)
    )
    counted = count_macs(network, *IMAGE)
    assert counted.other_ops == {"batch_norm": 64, "relu": 64, "mean": 4}
    assert counted.by_operator == {"conv": counted.total}
    assert {type(n) for n in counted.other_ops.values()} == {int}
    for norm in (nn.GroupNorm(1, 3), nn.LayerNorm(8)):
        (elements,) = count_macs(norm, *IMAGE).other_ops.values()
        assert elements == 3 * 64


def test_modules_add_up():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.Conv2d(4, 5, 1)))
    by_module = count_macs(network, *IMAGE).by_module
    assert by_module == {"": 64 * 32, "0": 64 * 12, "1": 64 * 20, "1.0": 64 * 20}


def test_modules_without_macs_are_listed_as_0():
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Identity())
    counted = count_macs(network, *IMAGE)
    assert counted.by_module == {"": 768, "0": 768, "1": 0, "2": 0}
    assert {type(n) for n in counted.by_module.values()} == {int}


class Recurrent(nn.Module):
    """A recurrence, a norm with buffers, attention and a table of positions, on one device."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)
        self.lstm, self.attention = nn.LSTM(8, 8, batch_first=True), Attention()
        self.register_buffer("positions", torch.arange(36))
        self.widen = nn.ConvTranspose2d(8, 64, 2)

    def forward(self, x):
        x = self.norm(self.conv(x))
        tokens, _ = self.lstm(x.flatten(2).mT[:, self.positions])
        return self.attention(self.widen(tokens.mT.unflatten(2, (6, 6))))


def test_a_network_on_the_meta_device():
    expected = count_macs(Recurrent(), *IMAGE)
    with torch.device("meta"):
        network = Recurrent()
    assert count_macs(network, *IMAGE) == expected
    assert all(t.is_meta for t in (*network.parameters(), *network.buffers()))
    assert count_ptflops(network, *IMAGE) == count_ptflops(Recurrent(), *IMAGE)


def test_modes_weights_and_hooks_are_unchanged():
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.Dropout())
    network[1].eval()
    modes = [module.training for module in network.modules()]
    state = {key: value.clone() for key, value in network.state_dict().items()}
    count_macs(network, *IMAGE)
    count_ptflops(network, *IMAGE)
    with pytest.raises(UncountedOperator):
        count_macs(nn.Sequential(network, Calls(torch.fft.fft2)), *IMAGE)
    assert [module.training for module in network.modules()] == modes == [True, True, False, True]
    assert all(torch.equal(state[key], value) for key, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_other_dtypes(dtype):
    assert count_macs(nn.Conv2d(3, 3, 1).to(dtype), *IMAGE).total == 64 * 9


def test_a_failure_of_ptflops_is_none():
    assert count_ptflops(Calls(lambda x: 1 / 0), *IMAGE) is None
    assert count_ptflops(nn.Conv2d(3, 3, 1, bias=False), *IMAGE) == 64 * 9


def test_nothing_is_printed(capfd):
    count_ptflops(Attention(), 64, 14, 14)
    count_macs(Attention(), 64, 14, 14)
    assert capfd.readouterr() == ("", "")


def test_a_count_fits_the_fields_of_a_record():
    counted = count_macs(Attention(), 64, 14, 14)
    for field, value in (("macs", counted.total), ("macs_by_operator", counted.by_operator)):
        assert Costs.model_fields[field].annotation in (type(value), dict[str, int])
    assert {type(n) for n in (counted.total, *counted.by_operator.values())} == {int}
