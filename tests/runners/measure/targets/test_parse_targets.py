"""The text form of targets: equal texts are equal targets; every mistake is one line."""

from __future__ import annotations

import importlib
import itertools
import pickle
import subprocess
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from attention_zoo import MixerError
from lolvit import ArchitectureError, variant
from runners.measure.targets import (
    FactoryTarget,
    InputShape,
    MixerTarget,
    NetworkTarget,
    Target,
    TargetError,
    TimmTarget,
    parse_target,
)
from runners.records.errors import UserError

TIMM = """
import collections, torch
__version__ = "9.9"
created = []
def list_models():
    return ["vit_big", "conv_small", "unconfigured"]
def get_pretrained_cfg(name):
    cfg = collections.namedtuple("Cfg", "input_size")
    return None if name == "unconfigured" else cfg((3, 96, 96))
def create_model(name, pretrained, img_size=96, in_chans=3):
    if name == "conv_small" and img_size != 96:
        raise TypeError("conv_small got an unexpected keyword argument 'img_size'")
    created.append((name, pretrained, img_size, in_chans))
    return torch.nn.Conv2d(in_chans, 2, 1)
"""
"""The part of timm that a target needs."""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A working directory whose modules can be imported during the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    yield tmp_path
    sys.modules.pop("timm", None)


@pytest.fixture
def timm(folder, monkeypatch):
    monkeypatch.syspath_prepend(folder)
    (folder / "timm.py").write_text(TIMM)
    importlib.invalidate_caches()
    return folder / "timm.py"


@pytest.mark.parametrize(
    ("text", "name", "shape", "options", "heads"),
    [
        ("fwa@56", "fwa@56x56x64", InputShape(64, 56, 56), {}, 4),
        ("fwa@28", "fwa@28x28x64", InputShape(64, 28, 28), {}, 4),
        ("fwa@28x28", "fwa@28x28x64", InputShape(64, 28, 28), {}, 4),
        ("fwa@28x28x96", "fwa@28x28x96", InputShape(96, 28, 28), {}, 4),
        (
            "fwa:window=7@28x28x96",
            "fwa:window=7@28x28x96",
            InputShape(96, 28, 28),
            {"window": 7},
            4,
        ),
        ("fwa:window=7@56", "fwa:window=7@56x56x64", InputShape(64, 56, 56), {"window": 7}, 4),
        ("hilo:alpha=0.2@8", "hilo:alpha=0.2@8x8x64", InputShape(64, 8, 8), {"alpha": 0.2}, 4),
        # Heads of at least 8 channels.
        ("linear@8x8x16", "linear@8x8x16", InputShape(16, 8, 8), {}, 2),
        ("linear@8x8x12", "linear@8x8x12", InputShape(12, 8, 8), {}, 1),
    ],
)
def test_mixers(text, name, shape, options, heads):
    target = parse_target(text)
    assert isinstance(target, MixerTarget)
    assert (target.name, target.shape, target.heads) == (name, shape, heads)
    assert target.identity()["mixer"]["options"] == options
    assert parse_target(text, heads=1).heads == 1
    assert parse_target(name) == target


@pytest.mark.parametrize(
    ("text", "architecture"),
    [
        ("lolvit_xs", variant("lolvit_xs")),
        ("lolvit_xs@192", variant("lolvit_xs", resolution=192)),
        ("lolvit_xs@32x32x1", variant("lolvit_xs", resolution=32, in_channels=1)),
        ("ghostnet_1.0@64x64", variant("ghostnet_1.0", resolution=64)),
        ("mobilevit_xxs@192", variant("mobilevit_xxs", resolution=192)),
        ("lolvit_x", variant("lolvit_xs")),
    ],
)
def test_networks(text, architecture):
    target = parse_target(text)
    assert isinstance(target, NetworkTarget)
    assert target.architecture == architecture and target.name == text
    assert target.hash == architecture.hash
    assert target.shape == (
        architecture.in_channels,
        architecture.resolution,
        architecture.resolution,
    )
    assert target.reconstructed == text.startswith("lolvit")


@pytest.mark.parametrize(
    ("text", "module", "function", "shape"),
    [
        ("torch.nn:Identity", "torch.nn", "Identity", InputShape(3, 224, 224)),
        ("torch.nn:Identity@32", "torch.nn", "Identity", InputShape(3, 32, 32)),
        ("torch:nn.Identity@8x8x4", "torch", "nn.Identity", InputShape(4, 8, 8)),
    ],
)
def test_factories(text, module, function, shape):
    target = parse_target(text)
    assert target == FactoryTarget(text, module, function, shape)
    assert isinstance(target.build(), torch.nn.Identity)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("fwaa", "did you mean 'fwa'"),
        ("fwaa@8x8x16", "did you mean 'fwa'"),
        ("fwaa:window=7", "did you mean 'fwa'"),
        ("lolvit_ys", "did you mean 'lolvit_"),
        ("softmx:make", "there is no module 'softmx'; did you mean 'softmax'"),
        ("quixotic", "package.module:function"),
        ("no.such.package:make", "no module 'no.such.package'"),
        ("torch.nn.nothing:make", "no module 'torch.nn.nothing'"),
        ("", "unknown target ''"),
        ("torch.nn", "unknown target"),
        ("torch.nn:", "unknown target"),
        (":make", "unknown target"),
        ("linear@0", "at least 1"),
        ("linear@8x8x0", "at least 1"),
        ("lolvit_xs@0x0", "at least 1"),
        ("linear@28x14", "28x14 is not"),
        ("lolvit_xs@32x48x3", "32x48 is not"),
        ("torch.nn:Identity@3x5", "square"),
        ("linear@", "a size must follow @"),
        ("@", "a size must follow @"),
        *((f"linear@{size}", "write the size as") for size in ("a", "-3", "3.5", "8X8", "²", " 8")),
        *((f"linear@{size}", "write the size as") for size in ("8x", "x8", "1x1x1x1", "8,8")),
    ],
)
def test_mistakes(text, message):
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("fwa:windw=3", MixerError, "no option 'windw'"),
        ("fwa:window", ArchitectureError, "option=value"),
        ("fwa:window=1,window=2", ArchitectureError, "twice"),
        ("lolvit_xs@7", ArchitectureError, "at least"),
    ],
)
def test_mistakes_in_options_and_sizes(text, error, message):
    with pytest.raises(error, match=message):
        parse_target(text)


@given(st.text("linearfw:@x=,._ 0128é", max_size=14))
def test_any_text_is_a_target_or_a_mistake(text):
    try:
        assert isinstance(parse_target(text), Target)
    except (UserError, MixerError, ArchitectureError) as error:
        assert str(error)


@given(*(st.integers(1, 200) for _ in range(3)))
def test_sizes(height, width, channels):
    text = f"linear@{height}x{width}x{channels}"
    if height != width:
        with pytest.raises(TargetError, match="square"):
            parse_target(text)
    else:
        target = parse_target(text)
        assert target.shape == InputShape(channels, height, width)
        assert target.name == text and channels % target.heads == 0


EQUAL = [
    ("fwa@56", "fwa@56x56", "fwa@56x56x64"),
    ("lolvit_xs", "lolvit_xs@224", "lolvit_xs@224x224x3", "lolvit_x"),
    ("fwa:window=7,aggregate=conv@8", "fwa:aggregate=conv,window=7@8x8x64"),
    ("torch.nn:Identity", "torch.nn:Identity@224x224"),
]
DIFFERENT = [
    *("linear@56", "fwa@28", "fwa@56x56x32", "fwa:window=7@56", "fwa:window=8@56", "softmax@56"),
    *("lolvit_xs@192", "lolvit_xs@224x224x1", "lolvit_s", "mobilevit_xs", "ghostnet_1.0"),
    *("torch.nn:ReLU", "torch:nn.Identity", "torch.nn:Identity@32", "torch.nn:Identity@224x224x1"),
]


@pytest.mark.parametrize("texts", EQUAL)
def test_equal_targets_have_equal_hashes(texts):
    targets = [parse_target(text) for text in texts]
    assert len({target.hash for target in targets}) == 1
    assert all(target.identity() == targets[0].identity() for target in targets)


def test_different_targets_have_different_hashes():
    targets = [parse_target(text) for text in (*(texts[0] for texts in EQUAL), *DIFFERENT)]
    targets += [parse_target("fwa@56", heads=2), parse_target("fwa@56", heads=1)]
    for one, other in itertools.combinations(targets, 2):
        assert one.hash != other.hash and one.identity() != other.identity()


@pytest.mark.parametrize("text", [*(texts[-1] for texts in EQUAL), *DIFFERENT])
def test_targets_pickle_and_make_fixed_inputs(text):
    target = parse_target(text)
    assert pickle.loads(pickle.dumps(target)) == target
    x = target.make_input(2)
    assert x.shape == (2, *target.shape) and torch.equal(x, parse_target(text).make_input(2))
    assert (x != 0).all() and 0.9 < x.std() < 1.1


@pytest.mark.parametrize("text", ["linear@4x4x8", "lolvit_nano@16x16x1", "torch.nn:Identity@4"])
def test_equal_targets_build_equal_modules(text):
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, other = parse_target(text).build().state_dict(), parse_target(text).build().state_dict()
    assert list(one) == list(other) and all(torch.equal(one[key], other[key]) for key in one)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("text", ["fwa:window=3@6x6x16", "linear@4x4x8", "lolvit_nano@16"])
def test_formulas(text):
    target = parse_target(text)
    module = target.build()
    assert target.macs_by_formula(module, target.shape) == module.macs(*target.shape[1:]) > 0
    larger = InputShape(target.shape.channels, 32, 32)
    assert target.macs_by_formula(module, larger) > target.macs_by_formula(module, target.shape)


def test_parsing_imports_no_torch():
    code = (
        "import sys; from runners.measure.targets import parse_target\n"
        "for text in ('fwa@8', 'lolvit_xs@64', 'json:loads'): parse_target(text).hash\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run((sys.executable, "-c", code), check=True, timeout=120)


def test_a_package_that_raises_on_import(folder):
    """Locating a module imports its parents; what those raise is reported by the target."""
    (folder / "broken").mkdir()
    (folder / "broken/__init__.py").write_text("1 / 0")
    importlib.invalidate_caches()
    target = parse_target("broken.part:make")
    with pytest.raises(TargetError, match="ZeroDivisionError: division by zero"):
        target.load()


def test_timm_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(TargetError, match=r"timm cannot be imported.*pip install timm"):
        parse_target("timm:vit_big")


@pytest.mark.parametrize(
    "error",
    [
        "RuntimeError('operator torchvision::nms does not exist')",
        "ImportError('libcudart is not there')",
        # Raised by the second attempt to import a torchvision for another torch.
        "AttributeError('torchvision has no attribute extension\\nmore')",
    ],
)
def test_timm_does_not_load(timm, error):
    timm.write_text(f"raise {error}")
    for _ in range(2):
        with pytest.raises(TargetError, match=r"timm cannot.*\(.*(torch|lib).*\).*torch") as caught:
            parse_target("timm:vit_big")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "shape", "created"),
    [
        ("timm:vit_big", InputShape(3, 96, 96), ("vit_big", False, 96, 3)),
        ("timm:vit_big.tag_in1k", InputShape(3, 96, 96), ("vit_big.tag_in1k", False, 96, 3)),
        ("timm:vit_big@128", InputShape(3, 128, 128), ("vit_big", False, 128, 3)),
        ("timm:vit_big@96x96x1", InputShape(1, 96, 96), ("vit_big", False, 96, 1)),
        # Convolutional networks have no option for the image size.
        ("timm:conv_small@64x64x4", InputShape(4, 64, 64), ("conv_small", False, 96, 4)),
        ("timm:unconfigured", InputShape(3, 224, 224), ("unconfigured", False, 96, 3)),
    ],
)
def test_timm_model(timm, text, shape, created):
    target = parse_target(text)
    assert isinstance(target, TimmTarget)
    assert target.shape == shape and target.name == text
    assert target.identity()["timm"] == "9.9"
    one, other = target.build().weight, target.build().weight
    assert torch.equal(one, other) and one.shape[1] == shape.channels
    assert sys.modules["timm"].created[-1] == created
    assert pickle.loads(pickle.dumps(target)) == target
    assert target.hash == parse_target(text).hash


def test_an_unknown_timm_model(timm):
    with pytest.raises(TargetError, match=r"timm 9\.9 has no model 'vit_bg'; did you mean 'vit_b"):
        parse_target("timm:vit_bg")
    with pytest.raises(TargetError, match=r"has no model '';"):
        parse_target("timm:")
