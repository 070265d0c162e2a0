"""Light networks of timm are counted completely, if timm can be imported."""

from __future__ import annotations

import importlib
import importlib.util
import sys

import pytest
import torch

from runners.measure.counting import count_macs, explain_macs
from runners.measure.counting.explain import OTHER
from tests.flops import counted

pytestmark = pytest.mark.slow

# One per family; each has operators that those before it lack.
NAMES = (
    "vit_tiny_patch16_224",
    "mobilevit_xxs",
    "mobilenetv3_small_100",
    "levit_128s",
    "edgenext_xx_small",
    "efficientformerv2_s0",
    "efficientvit_b0",
    "xcit_nano_12_p16_224",
    "mvitv2_tiny",
)


@pytest.fixture(scope="module")
def timm():
    """timm, even with a torchvision whose compiled part does not fit this torch."""
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    library = None
    try:
        importlib.import_module("torchvision")
    except ImportError:
        pass
    except RuntimeError:  # its operators are missing: declare those that its import needs
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    try:
        yield importlib.import_module("timm")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm cannot be imported: {error}")
    del library


@pytest.fixture
def build(timm):
    """Build a network by name, with its image size, without gradients."""

    def build(name):
        network = timm.create_model(name, pretrained=False).eval().requires_grad_(False)
        return network, network.default_cfg["input_size"]

    return build


@pytest.mark.parametrize("name", NAMES)
def test_every_operator_has_a_rule(build, name):
    network, size = build(name)
    assert count_macs(network, *size).total == counted(network, torch.zeros(1, *size))


@pytest.mark.parametrize("name", NAMES)
def test_differences_to_other_counters_add_up(build, name):
    network, size = build(name)
    for explanation in explain_macs(network, *size):
        assert (explanation.error, explanation.remainder) == (None, 0)
        assert OTHER not in explanation.by_kind


@pytest.mark.parametrize("name", NAMES)
def test_on_the_meta_device(build, name):
    network, size = build(name)
    with torch.device("meta"):
        shapes, _ = build(name)
    assert count_macs(shapes, *size) == count_macs(network, *size)


def test_the_published_macs_of_vit_tiny_omit_attention(build):
    network, size = build("vit_tiny_patch16_224")
    whole = count_macs(network, *size)
    assert whole.total == 1_253_683_200
    attention = 12 * 2 * 197 * 197 * 192
    assert whole.by_operator["scaled_dot_product_attention"] == attention
    *_, torch_flops = explain_macs(network, *size)
    assert torch_flops.theirs == whole.total - attention == 1_074_851_328
