"""Deformable attention: softmax without offsets, gradients of offsets, key positions."""

from __future__ import annotations

import pytest
import torch

from tests.attention_zoo.cases import (
    DOUBLE,
    assert_close,
    drawn,
    made,
)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (6, 6), (7, 13)], ids=str)
@pytest.mark.parametrize("groups", [1, 3])
def test_deformable_without_offsets_and_bias_is_softmax(size, groups):
    options = {"stride": 1, "groups": groups, "kernel": 3}
    mixer = made("deformable", options, dtype=DOUBLE)
    plain = made("softmax", dtype=DOUBLE)
    with torch.no_grad():
        mixer.offset.weight.zero_()
        mixer.bias_table.zero_()
        for kind in ("weight", "bias"):
            query, rest = getattr(mixer.query, kind), getattr(mixer.key_value, kind)
            getattr(plain.query_key_value, kind).copy_(torch.cat((query, rest)))
    plain.project.load_state_dict(mixer.project.state_dict())
    x = drawn(size, dtype=DOUBLE)
    assert_close(mixer(x), plain(x), 1e-10)


@pytest.mark.parametrize("reference", ["centered", "dat", "dat++"])
@pytest.mark.parametrize("read", ["keys", "bias"])
def test_offsets_learn_from_either_read(reference, read):
    mixer = made("deformable", {"reference": reference}, dtype=DOUBLE)
    x = drawn((8, 9), dtype=DOUBLE)
    with torch.no_grad():
        if read == "keys":
            mixer.bias_table.zero_()
        else:  # keys that do not depend on the map, values that do: only the bias can tell
            mixer.key_value.weight[: mixer.dim].zero_()
            x = x.mean((2, 3), keepdim=True) + torch.zeros_like(x)
            x[:, :, ::2] += 1e-3
    weights = drawn((8, 9), seed=2, dtype=DOUBLE)
    (gradient,) = torch.autograd.grad((mixer(x) * weights).sum(), mixer.offset.weight)
    assert gradient.abs().max() > 1e-9


def test_keys_stay_on_the_map_unless_published_otherwise():
    x = drawn((6, 9), dtype=DOUBLE)
    for reference, most in (("centered", 1), ("dat++", 1), ("dat", 1 + 2 / 3)):
        mixer = made("deformable", {"reference": reference}, dtype=DOUBLE)
        with torch.no_grad():
            mixer.offset.weight.mul_(1e3)
        farthest = mixer._positions(mixer.query(x)).abs().max()
        assert 0.9 < farthest <= most
