"""What runs is counted, on the input that is timed, and what depends on the input says so."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from runners.measure.counting import count_macs, count_target
from tests.runners.measure.counting.sample_networks import IMAGE
from tests.runners.measure.odd_targets import Odd


class Unused(nn.Module):
    """A branch runs and is dropped."""

    def __init__(self):
        super().__init__()
        self.small, self.big = nn.Conv2d(3, 8, 1), nn.Conv2d(3, 64, 1)

    def forward(self, x):
        self.kept = self.big(x)
        return self.small(x)


class Gated(nn.Module):
    """Python reads the result of a gate."""

    def __init__(self):
        super().__init__()
        self.gate, self.conv = nn.Linear(192, 2), nn.Conv2d(3, 8, 1)

    def forward(self, x):
        return self.conv(x) if float(self.gate(x.flatten(1)).norm()) > 0 else x


class Checkpointed(Unused):
    def forward(self, x):
        return checkpoint(self.small, x, use_reentrant=True)


class Outputs(Unused):
    """Names, numbers and nothing beside the tensors."""

    def forward(self, x):
        return {"out": self.small(x), "none": None, "numbers": [1, 2.5], "empty": ()}


@pytest.mark.parametrize(
    ("network", "macs"),
    [
        (Unused, 64 * 3 * 72),
        (Gated, 64 * 3 * 8 + 2 * 192),
        (Checkpointed, 64 * 3 * 8),
        (Outputs, 64 * 3 * 8),
    ],
)
def test_what_runs_is_counted(network, macs):
    assert count_macs(network(), *IMAGE).total == macs


@pytest.mark.parametrize(
    ("layer", "heads"), [(kind, heads) for kind in ("attention", "layer") for heads in (3, 4)]
)
@pytest.mark.parametrize("batch_first", [True, False])
def test_the_layers_of_torch_are_counted(layer, heads, batch_first):
    """In eval mode torch fuses some of them into one operator."""
    tokens, width = 16, 24
    attention = tokens * 4 * width**2 + 2 * tokens**2 * width

    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            if layer == "attention":
                self.part = nn.MultiheadAttention(width, heads, batch_first=batch_first)
            else:
                self.part = nn.TransformerEncoderLayer(width, heads, 48, batch_first=batch_first)

        def forward(self, x):
            t = x.flatten(2).mT if batch_first else x.flatten(2).permute(2, 0, 1)
            return self.part(t, t, t)[0] if layer == "attention" else self.part(t)

    expected = attention + (0 if layer == "attention" else tokens * 2 * width * 48)
    assert count_macs(Network(), width, 4, 4).total == expected
    assert torch.backends.mha.get_fastpath_enabled()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_runs_in_its_own_type(dtype):
    assert count_macs(Unused().to(dtype), *IMAGE).total == 64 * 3 * 72


def test_the_input_that_is_timed_is_counted():
    """Its pixels vary, those of a black image would not."""
    counted = count_target(Odd("BranchesOnSpread"), allow_uncounted=False)
    assert (counted.macs.total, counted.macs_range) == (64 * (9 * 4 + 9 * 16), ())


def test_macs_that_depend_on_the_input_have_a_range():
    counted = count_target(Odd("BranchesOnSign"), allow_uncounted=False)
    fewest, most = counted.macs_range
    assert (fewest, most) == (64 * 9 * 4, 64 * (9 * 4 + 9 * 16))
    assert counted.macs.total in (fewest, most)
