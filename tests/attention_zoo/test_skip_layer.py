"""Skip-layer attention reads the keys and values of earlier layers of its stage."""

from __future__ import annotations

import pytest
import torch

import lolvit
from tests.attention_zoo.cases import (
    DOUBLE,
    assert_close,
    drawn,
    made,
    unsettled,
)
from tests.naive import skip_layer as naive_skip_layer


def network(text):
    """A small LOLViT with 1, 2 and 3 fusion blocks in its stages."""
    config = lolvit.variant(
        "lolvit_nano",
        resolution=28,
        num_classes=10,
        fusion_blocks=(1, 2, 3),
        mixers=(lolvit.MixerConfig.parse(text),) * 3,
    )
    return lolvit.build(config, seed=0)


@pytest.mark.parametrize("n_h", [0, 1, 3])
def test_skip_layer_without_memory_is_softmax(n_h):
    mixer = made("skip_layer", {"n_h": n_h}, dtype=DOUBLE)
    plain = made("softmax", dtype=DOUBLE)
    plain.load_state_dict(mixer.state_dict())
    x = drawn((7, 13), dtype=DOUBLE)
    assert_close(mixer(x), plain(x), 1e-12)
    assert_close(mixer(x, []), plain(x), 1e-12)
    older = [(torch.ones(2, 3, 91, 4).double(), torch.ones(2, 3, 91, 4).double())]
    assert torch.equal(mixer(x, older), mixer(x)) == (n_h == 0)


@pytest.mark.parametrize("options", [{"n_h": 1}, {"n_h": 2, "n_l": 2}, {"n_h": 9}], ids=str)
def test_layers_of_a_stage_look_back_as_their_twins_do(options):
    layers = [made("skip_layer", options, seed=seed, dtype=DOUBLE) for seed in range(4)]
    maps = [drawn((5, 6), seed=seed, dtype=DOUBLE) for seed in range(4)]
    memory = []
    found = [layer(x, memory) for layer, x in zip(layers, maps, strict=True)]
    for mine, its in zip(found, naive_skip_layer.stack(layers, maps), strict=True):
        assert_close(mine, its, 1e-9)


def test_gradients_flow_into_the_earlier_layer():
    first, second = (made("skip_layer", {"n_h": 1}, seed=seed) for seed in range(2))
    x = drawn((5, 6)).requires_grad_()
    memory = []
    first(x, memory)
    second(drawn((5, 6), seed=3), memory).square().sum().backward()
    keys_and_values = first.query_key_value.weight.grad[first.dim :].reshape(2, 3, 4, 12)
    assert (keys_and_values[:, 0].abs().amax((1, 2)) > 0).all()
    assert (keys_and_values[:, 1:] == 0).all()
    assert x.grad.abs().max() > 0


def test_the_memory_lasts_for_one_forward_of_one_stage():
    """Other batches between two equal forwards change nothing, and stages do not share."""
    built = unsettled(network("skip_layer")).eval()
    x = torch.randn(3, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    lengths = []
    for module in built.modules():
        if type(module).__name__ == "SkipLayerAttention":
            module.register_forward_hook(lambda _, inputs, __: lengths.append(len(inputs[1])))
    first = built(x)
    assert lengths == [1, 1, 2, 1, 2, 3]
    assert built(x[:1]).shape == (1, 10)
    assert torch.equal(built(x), first)
    assert_close(torch.cat([built(image[None]) for image in x]), first, 1e-5)


def test_a_stage_of_skip_layers_differs_from_one_of_softmax():
    skip, plain = network("skip_layer").eval(), network("softmax").eval()
    plain.load_state_dict(skip.state_dict())
    x = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(skip(x), plain(x))
    without = network("skip_layer:n_h=0").eval()
    without.load_state_dict(skip.state_dict())
    assert_close(without(x), plain(x), 1e-6)
