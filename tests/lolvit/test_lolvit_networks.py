"""Built networks: seeds, memory formats, folding, and the parts they are made of."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import lolvit
from attention_zoo.layers.conv_norm import ConvNorm, fold
from lolvit import plan
from lolvit.config import FUSIONS
from lolvit.fusion import GlobalLocalFusion
from lolvit.ghost import GhostBottleneck, GhostModule
from lolvit.mixer_config import MixerConfig
from lolvit.plan import GhostRow
from tests.attention_zoo.cases import unsettled

SMALL = ("lolvit_nano", "lolvit_xxs", "ghostnet_0.5", "mobilevit_xxs")


def built(name, resolution=32, **changes):
    torch.manual_seed(0)
    config = lolvit.variant(name, resolution=resolution, num_classes=10, **changes)
    return jittered(lolvit.build(config, seed=0)).eval()


def jittered(network):
    """Norms that are not the identity, so that leaving one out would show."""
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            unsettled(norm)
    return network


def images(batch=2, resolution=32, channels=3):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, channels, resolution, resolution, generator=generator)


def assert_near(found, expected, tolerance):
    assert (found - expected).abs().max() <= tolerance * max(1.0, expected.abs().max().item())


@pytest.mark.parametrize("name", SMALL)
def test_a_seed_fixes_the_weights_and_leaves_the_global_generator_alone(name):
    config = lolvit.variant(name, resolution=32)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first = lolvit.build(config, seed=1).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(3)
    again = lolvit.build(config, seed=1).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    other = lolvit.build(config, seed=2).state_dict()
    assert any(not torch.equal(first[key], other[key]) for key in first)


def test_without_a_seed_the_global_generator_decides():
    config = lolvit.variant("lolvit_nano", resolution=32)
    torch.manual_seed(5)
    first = lolvit.build(config)
    state = torch.get_rng_state()
    second = lolvit.build(config)
    assert not torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(first.classifier.weight, second.classifier.weight)
    torch.manual_seed(5)
    assert torch.equal(lolvit.build(config).classifier.weight, first.classifier.weight)


@pytest.mark.parametrize("thing", ["lolvit_s", None, {"family": "lolvit"}])
def test_only_architectures_can_be_built(thing):
    with pytest.raises(TypeError, match="not an architecture"):
        lolvit.build(thing)


@pytest.mark.parametrize("name", SMALL)
def test_channels_last_changes_nothing(name):
    network = built(name).double()
    x = images().double()
    expected = network(x)
    assert_near(network(x.contiguous(memory_format=torch.channels_last)), expected, 1e-10)
    network.to(memory_format=torch.channels_last)
    assert_near(network(x.contiguous(memory_format=torch.channels_last)), expected, 1e-10)


@pytest.mark.parametrize("name", SMALL)
def test_images_of_a_batch_never_mix(name):
    network = built(name).double()
    x = images(batch=3).double()
    assert_near(network(x), torch.cat([network(image[None]) for image in x]), 1e-10)


@pytest.mark.parametrize("name", SMALL)
def test_folding_changes_nothing(name):
    network = built(name)
    folded = fold(network)
    pairs = [part for part in folded.modules() if isinstance(part, ConvNorm)]
    assert pairs and all(isinstance(part[1], nn.Identity) for part in pairs)
    assert_near(folded(images()), network(images()), 1e-5)
    assert folded.macs(32, 32) == network.macs(32, 32)


@pytest.mark.parametrize("name", ["lolvit_nano", "mobilevit_xxs"])
@pytest.mark.parametrize("resolution", [28, 31, 32, 45])
def test_any_resolution_and_grey_images_run(name, resolution):
    network = built(name, resolution, in_channels=1)
    assert network(images(2, resolution, 1)).shape == (2, 10)


def test_without_fusion_blocks_a_lolvit_is_ghostnet():
    plain = lolvit.build(lolvit.variant("lolvit_s", resolution=32, fusion_blocks=(0, 0, 0)), seed=0)
    ghost = lolvit.build(lolvit.variant("ghostnet_1.0", resolution=32), seed=0)
    assert plain.eval()(images()).equal(ghost.eval()(images()))
    assert not any(isinstance(module, GlobalLocalFusion) for module in ghost.modules())


@pytest.mark.parametrize(
    ("channels", "wanted", "heads"),
    [
        (40, 1, 1),
        (112, 4, 4),
        (160, 4, 4),
        (12, 2, 1),
        (16, 2, 2),
        (16, 4, 2),
        (28, 2, 2),
        (40, 4, 4),
        (36, 4, 4),
        (20, 4, 2),
        (8, 4, 1),
        (4, 4, 1),
        (1, 8, 1),
    ],
)
def test_heads_keep_eight_channels(channels, wanted, heads):
    assert plan.heads_for(channels, wanted) == heads


def test_heads_are_the_most_that_the_rule_allows():
    for channels in range(1, 200):
        for wanted in range(1, 9):
            heads = plan.heads_for(channels, wanted)
            allowed = [h for h in range(2, wanted + 1) if channels % h == 0 and channels // h >= 8]
            assert heads == max(allowed, default=1)


@pytest.mark.parametrize("name", ["lolvit_nano", "lolvit_xs", "lolvit_s"])
def test_heads_and_dims_of_the_mixers_are_those_of_the_plan(name):
    config = lolvit.variant(name, resolution=32)
    network = lolvit.build(config, seed=0)
    stages = network.backbone.stages[2:]
    for stage, wanted, blocks in zip(stages, config.heads, config.fusion_blocks, strict=True):
        fused = [block for block in stage if isinstance(block, GlobalLocalFusion)]
        assert len(fused) == blocks
        for block in fused:
            assert block.mixer.num_heads == plan.heads_for(block.mixer.dim, wanted)


def test_rounded_channels_are_multiples_of_four_and_near():
    for channels in range(1, 200):
        rounded = plan.round_channels(channels)
        assert rounded % 4 == 0
        assert rounded >= 0.9 * channels
        assert rounded == 4 or abs(rounded - channels) <= 4


@pytest.mark.parametrize("out_channels", [1, 2, 5, 8, 13])
@pytest.mark.parametrize("relu", [False, True])
def test_a_ghost_module_is_its_two_halves(out_channels, relu):
    torch.manual_seed(0)
    module = unsettled(GhostModule(7, out_channels, relu=relu)).eval()
    x = torch.randn(2, 7, 5, 6)
    y = module(x)
    half = (out_channels + 1) // 2
    activate = torch.relu if relu else nn.Identity()
    primary = activate(module.primary(x))
    assert y.shape == (2, out_channels, 5, 6)
    assert torch.equal(y[:, :half], primary)
    assert torch.equal(y[:, half:], activate(module.ghost(primary))[:, : out_channels - half])


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("squeeze", [False, True])
@pytest.mark.parametrize(("channels", "out"), [(8, 8), (8, 12), (7, 9)])
def test_a_ghost_bottleneck_has_a_shortcut(stride, squeeze, channels, out):
    torch.manual_seed(0)
    block = unsettled(GhostBottleneck(channels, GhostRow(5, 17, out, squeeze, stride))).eval()
    x = torch.randn(2, channels, 9, 6)
    y = block(x)
    assert y.shape == (2, out, block.out_side(9), block.out_side(6))
    with torch.no_grad():  # silence the main branch: what is left is the shortcut
        for part in (block.project.primary, block.project.ghost):
            part[1].weight.zero_()
            part[1].bias.zero_()
    shortcut = x
    if stride == 2 or channels != out:
        shortcut = block.shortcut_point(block.shortcut_spatial(x))
    assert_near(block(x), shortcut, 1e-6)


JOIN = {
    "add": lambda block, local, mixed: local + mixed,
    "gate": lambda block, local, mixed: local * torch.sigmoid(mixed) + mixed,
    "serial": lambda block, local, mixed: mixed,
    "ghost": lambda block, local, mixed: block.fuse.join(torch.cat((local, mixed), 1)),
    "concat": lambda block, local, mixed: block.fuse.join(torch.cat((local, mixed), 1)),
}


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_fusion_block_is_its_formula(fusion):
    torch.manual_seed(0)
    block = unsettled(GlobalLocalFusion(16, 2, MixerConfig(), fusion)).eval()
    x = torch.randn(2, 16, 9, 7)
    local = torch.relu(block.local(x))
    mixed = block.mixer(block.norm(local))
    expected = block.ffn(x + JOIN[fusion](block, local, mixed))
    assert block(x).shape == x.shape
    assert_near(block(x), expected, 1e-6)
