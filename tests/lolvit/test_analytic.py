"""The formula against the built network: equal as integers, whatever the choice."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_zoo import entries
from lolvit import VARIANTS, build, variant
from lolvit.analytic import analytic_costs
from lolvit.config import DOWNSAMPLINGS, FULL_DEPTHS, FUSIONS, KERNELS, SQUEEZES, LolvitConfig
from lolvit.mixer_config import MixerConfig
from lolvit.variants import strides_for

NAMED = [name for name in VARIANTS if not name.startswith("mobilevit")]
FACTORS = st.sampled_from((0.25, 0.5, 0.75, 1.0, 1.5))


def built(config):
    with torch.device("meta"):
        network = build(config)
    side = config.resolution
    return network.macs(side, side), sum(p.numel() for p in network.parameters())


@st.composite
def configs(draw):
    resolution = draw(st.sampled_from((20, 28, 33, 64, 97)))
    return LolvitConfig(
        resolution=resolution,
        in_channels=draw(st.sampled_from((1, 3))),
        num_classes=10,
        strides=strides_for(resolution),
        width=draw(st.floats(0.1, 1.2)),
        stage_widths=tuple(draw(FACTORS) for _ in range(5)),
        expansions=tuple(draw(FACTORS) for _ in range(5)),
        kernels=tuple(draw(st.sampled_from(KERNELS)) for _ in range(5)),
        squeeze=draw(st.sampled_from(SQUEEZES)),
        depths=tuple(draw(st.integers(1, most)) for most in FULL_DEPTHS),
        downsampling=draw(st.sampled_from(DOWNSAMPLINGS)),
        fusion_blocks=tuple(draw(st.integers(0, 2)) for _ in range(3)),
        fusion_after=tuple(draw(st.integers(0, 6)) for _ in range(3)),
        fusion=draw(st.sampled_from(FUSIONS)),
        mixers=tuple(MixerConfig(draw(st.sampled_from(sorted(entries())))) for _ in range(3)),
        heads=tuple(draw(st.sampled_from((1, 2, 4))) for _ in range(3)),
    )


@settings(deadline=None, max_examples=20)
@given(configs())
def test_random_architectures(config):
    costs = analytic_costs(config)
    assert (costs.macs, costs.params) == built(config)


@pytest.mark.slow
@settings(deadline=None, max_examples=100)
@given(configs())
def test_many_random_architectures(config):
    costs = analytic_costs(config)
    assert (costs.macs, costs.params) == built(config)


@pytest.mark.parametrize("resolution", (28, 96, 224))
@pytest.mark.parametrize("name", NAMED)
def test_named_networks(name, resolution):
    config = variant(name, resolution=resolution)
    found = analytic_costs(config)
    assert (found.macs, found.params) == built(config)


def test_fusion_after_the_last_bottleneck_is_the_end():
    assert variant("lolvit_nano", fusion_after=(1, 1, 1)) == variant("lolvit_nano")
    assert variant("lolvit_xs", fusion_after=(2, 6, 4)).fusion_after == (0, 0, 4)


def test_formulas_need_torch_only_for_mixers():
    code = (
        "import sys; from lolvit import variant; from lolvit.analytic import analytic_costs;"
        "analytic_costs(variant('ghostnet_1.0')); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
