"""Parameters and multiply-accumulates of the networks, exactly."""

from __future__ import annotations

from math import prod

import pytest
import torch

import attention_zoo
import lolvit
from lolvit.config import FUSIONS
from lolvit.fusion import GlobalLocalFusion
from lolvit.mixer_config import MixerConfig
from tests.flops import counted

PARAMS = {
    "ghostnet_0.5": 2_587_292,
    "ghostnet_1.0": 5_182_508,
    "ghostnet_1.3": 7_358_820,
    "mobilevit_xxs": 1_272_024,
    "mobilevit_xs": 2_317_848,
    "mobilevit_s": 5_578_632,
    "lolvit_s": 5_761_596,
}


SLOW = pytest.mark.slow


def on_meta(config):
    """The network without weights: shapes are all that counting needs."""
    with torch.device("meta"):
        return lolvit.build(config).eval()


def params(module):
    return sum(parameter.numel() for parameter in module.parameters())


def counted_image(module, channels, height, width, device="meta"):
    return counted(module, torch.zeros(1, channels, height, width, device=device))


@pytest.mark.parametrize(("name", "expected"), PARAMS.items())
def test_parameters_at_1000_classes(name, expected):
    assert params(on_meta(lolvit.variant(name))) == expected


@pytest.mark.parametrize(
    ("name", "millions"), [("lolvit_xs", 2.74), ("lolvit_s", 5.76), ("lolvit_m", 8.32)]
)
def test_parameters_of_the_specification_table(name, millions):
    assert round(params(on_meta(lolvit.variant(name))) / 1e6, 2) == millions


def test_the_smallest_lolvit_is_no_larger_than_the_smallest_mobilevit_class():
    assert params(on_meta(lolvit.variant("lolvit_xxs"))) <= 1_300_000


@pytest.mark.parametrize(("name", "macs"), [("ghostnet_1.0", 141), ("ghostnet_0.5", 42)])
def test_ghostnet_costs_what_its_paper_says(name, macs):
    """Table 7 of arXiv 1911.11907: 141 M and 42 M at 224."""
    assert on_meta(lolvit.variant(name)).macs(224, 224) / 1e6 == pytest.approx(macs, rel=0.02)


@pytest.mark.parametrize("channels", [40, 112, 160])
def test_parameters_of_a_fusion_block(channels):
    block = GlobalLocalFusion(channels, 4, MixerConfig(), "ghost")
    assert params(block) == 7 * channels**2 + 58 * channels


@pytest.mark.parametrize(
    "resolution", [pytest.param(28, marks=SLOW), 64, pytest.param(224, marks=SLOW)]
)
@pytest.mark.parametrize("name", lolvit.VARIANTS)
def test_macs_of_every_variant_are_exact(name, resolution):
    config = lolvit.variant(name, resolution=resolution)
    network = on_meta(config)
    claimed = network.macs(resolution, resolution)
    assert isinstance(claimed, int)
    assert claimed == counted_image(network, 3, resolution, resolution)


@pytest.mark.parametrize("size", [(47, 90), (224, 160), (33, 33)], ids=str)
@pytest.mark.parametrize("name", ["lolvit_xs", "mobilevit_xxs"])
def test_macs_of_odd_and_oblong_images_are_exact(name, size):
    network = on_meta(lolvit.variant(name, in_channels=1))
    assert network.macs(*size) == counted_image(network, 1, *size)


@pytest.mark.parametrize(
    ("mixer", "fusion"),
    [
        pytest.param(mixer, fusion, marks=() if fusion == "ghost" or mixer == "fwa" else SLOW)
        for mixer in sorted(attention_zoo.entries())
        for fusion in FUSIONS
    ],
)
def test_macs_of_every_fusion_and_mixer_are_exact_and_it_runs(mixer, fusion):
    config = lolvit.variant(
        "lolvit_nano",
        resolution=28,
        fusion=fusion,
        mixers=(MixerConfig(mixer),) * 3,
        num_classes=10,
    )
    network = lolvit.build(config, seed=0).eval()
    assert network.macs(28, 28) == counted_image(network, 3, 28, 28, "cpu")
    x = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))
    logits = network(x)
    assert logits.shape == (2, 10)
    assert logits.isfinite().all()
    network.train()(x).square().sum().backward()
    for key, parameter in network.named_parameters():
        if mixer != "none":  # without a mixer the norm before it (and with "serial" all) is idle
            assert parameter.grad is not None, key
        assert parameter.grad is None or parameter.grad.isfinite().all(), key


@pytest.mark.parametrize(
    ("resolution", "sides"),
    [
        (28, [14, 7, 4]),
        (32, [16, 8, 4]),
        (48, [24, 12, 6]),
        (64, [16, 8, 4]),
        (96, [24, 12, 6]),
        (224, [28, 14, 7]),
        (256, [32, 16, 8]),
    ],
)
@pytest.mark.parametrize("name", ["lolvit_nano", "lolvit_xs"])
def test_sides_of_the_maps_that_attention_sees(name, resolution, sides):
    network = on_meta(lolvit.variant(name, resolution=resolution))
    seen = []
    for block in network.modules():
        if isinstance(block, GlobalLocalFusion):
            block.mixer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].shape))
    network(torch.zeros(1, 3, resolution, resolution, device="meta"))
    assert all(shape[-2] == shape[-1] for shape in seen)
    assert sorted({shape[-1] for shape in seen}, reverse=True) == sides


@pytest.mark.parametrize("resolution", [224, 256, 96, 40])
@pytest.mark.parametrize("name", ["lolvit_nano", "lolvit_s", "ghostnet_0.5"])
def test_feature_maps_have_the_strides_of_the_config(name, resolution):
    config = lolvit.variant(name, resolution=resolution)
    backbone = on_meta(config).backbone
    maps = backbone(torch.zeros(2, 3, resolution, resolution, device="meta"))
    assert len(maps) == 4
    for index, found in enumerate(maps):
        stride = prod(config.strides[: index + 2])
        assert found.shape == (2, backbone.channels[index + 1], *(2 * (-(-resolution // stride),)))
    assert backbone.out_sides(resolution, resolution) == tuple(maps[-1].shape[-2:])
    if resolution >= 224:
        assert [resolution // found.shape[-1] for found in maps] == [4, 8, 16, 32]
