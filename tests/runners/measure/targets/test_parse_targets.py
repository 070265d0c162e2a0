"""What users type names one target, the same one each time, or is a mistake in one line."""

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
made = []
def list_models():
    return ["vit_big", "conv_small", "unconfigured"]
def get_pretrained_cfg(name):
    cfg = collections.namedtuple("Cfg", "input_size")
    return None if name == "unconfigured" else cfg((3, 96, 96))
def create_model(name, pretrained, img_size=96, in_chans=3):
    if name == "conv_small" and img_size != 96:
        raise TypeError("conv_small got an unexpected keyword argument 'img_size'")
    made.append((name, pretrained, img_size, in_chans))
    return torch.nn.Conv2d(in_chans, 2, 1)
"""
"""As much of timm as a target needs."""


@pytest.fixture
def own_folder(monkeypatch, tmp_path):
    """The current folder, whose modules are found; nothing of it stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    yield tmp_path
    sys.modules.pop("timm", None)


@pytest.fixture
def timm(own_folder, monkeypatch):
    monkeypatch.syspath_prepend(own_folder)
    (own_folder / "timm.py").write_text(TIMM)
    importlib.invalidate_caches()
    return own_folder / "timm.py"


@pytest.mark.parametrize(
    ("text", "name", "shape", "options", "heads"),
    [
        ("fwa", "fwa@56x56x64", InputShape(64, 56, 56), {}, 4),
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
        ("fwa:window=7", "fwa:window=7@56x56x64", InputShape(64, 56, 56), {"window": 7}, 4),
        ("hilo:alpha=0.2@8", "hilo:alpha=0.2@8x8x64", InputShape(64, 8, 8), {"alpha": 0.2}, 4),
        # Heads of at least 8 channels.
        ("linear@8x8x16", "linear@8x8x16", InputShape(16, 8, 8), {}, 2),
        ("linear@8x8x12", "linear@8x8x12", InputShape(12, 8, 8), {}, 1),
    ],
)
def test_mixers(text, name, shape, options, heads):
    found = parse_target(text)
    assert isinstance(found, MixerTarget)
    assert (found.name, found.shape, found.heads) == (name, shape, heads)
    assert found.identity()["mixer"]["options"] == options
    assert parse_target(text, heads=1).heads == 1
    assert parse_target(name) == found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("lolvit_xs", variant("lolvit_xs")),
        ("lolvit_xs@192", variant("lolvit_xs", resolution=192)),
        ("lolvit_xs@32x32x1", variant("lolvit_xs", resolution=32, in_channels=1)),
        ("ghostnet_1.0@64x64", variant("ghostnet_1.0", resolution=64)),
        ("mobilevit_xxs@192", variant("mobilevit_xxs", resolution=192)),
        ("lolvit_x", variant("lolvit_xs")),
    ],
)
def test_networks(text, wanted):
    found = parse_target(text)
    assert isinstance(found, NetworkTarget)
    assert found.architecture == wanted and found.name == text
    assert found.hash == wanted.hash
    assert found.shape == (wanted.in_channels, wanted.resolution, wanted.resolution)
    assert found.reconstructed == text.startswith("lolvit")


@pytest.mark.parametrize(
    ("text", "module", "function", "shape"),
    [
        ("torch.nn:Identity", "torch.nn", "Identity", InputShape(3, 224, 224)),
        ("torch.nn:Identity@32", "torch.nn", "Identity", InputShape(3, 32, 32)),
        ("torch:nn.Identity@8x8x4", "torch", "nn.Identity", InputShape(4, 8, 8)),
    ],
)
def test_factories(text, module, function, shape):
    found = parse_target(text)
    assert found == FactoryTarget(text, module, function, shape)
    assert isinstance(found.build(), torch.nn.Identity)


@pytest.mark.parametrize(
    ("text", "said"),
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
def test_mistakes(text, said):
    with pytest.raises(TargetError) as caught:
        parse_target(text)
    assert said in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ("fwa:windw=3", MixerError, "no option 'windw'"),
        ("fwa:window", ArchitectureError, "option=value"),
        ("fwa:window=1,window=2", ArchitectureError, "twice"),
        ("lolvit_xs@7", ArchitectureError, "at least"),
    ],
)
def test_mistakes_that_others_find(text, kind, said):
    with pytest.raises(kind, match=said):
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
        found = parse_target(text)
        assert found.shape == InputShape(channels, height, width)
        assert found.name == text and channels % found.heads == 0


SAME = [
    ("fwa", "fwa@56", "fwa@56x56", "fwa@56x56x64"),
    ("lolvit_xs", "lolvit_xs@224", "lolvit_xs@224x224x3", "lolvit_x"),
    ("fwa:window=7,aggregate=conv@8", "fwa:aggregate=conv,window=7@8x8x64"),
    ("torch.nn:Identity", "torch.nn:Identity@224x224"),
]
OTHERS = [
    *("linear", "fwa@28", "fwa@56x56x32", "fwa:window=7", "fwa:window=8", "softmax"),
    *("lolvit_xs@192", "lolvit_xs@224x224x1", "lolvit_s", "mobilevit_xs", "ghostnet_1.0"),
    *("torch.nn:ReLU", "torch:nn.Identity", "torch.nn:Identity@32", "torch.nn:Identity@224x224x1"),
]


@pytest.mark.parametrize("texts", SAME)
def test_equal_targets_have_equal_hashes(texts):
    found = [parse_target(text) for text in texts]
    assert len({target.hash for target in found}) == 1
    assert all(target.identity() == found[0].identity() for target in found)


def test_different_targets_have_different_hashes():
    targets = [parse_target(text) for text in (*(texts[0] for texts in SAME), *OTHERS)]
    targets += [parse_target("fwa", heads=2), parse_target("fwa", heads=1)]
    for one, other in itertools.combinations(targets, 2):
        assert one.hash != other.hash and one.identity() != other.identity()


@pytest.mark.parametrize("text", [*(texts[-1] for texts in SAME), *OTHERS])
def test_targets_travel(text):
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


def test_naming_needs_no_torch():
    code = (
        "import sys; from runners.measure.targets import parse_target\n"
        "for text in ('fwa', 'lolvit_xs@64', 'json:loads'): parse_target(text).hash\n"
        "try: parse_target('timm:x')\nexcept Exception: pass\n"
        "assert 'torch' not in sys.modules or 'timm' in sys.modules"
    )
    subprocess.run((sys.executable, "-c", code), check=True, timeout=120)


def test_a_package_that_breaks_on_import_is_there(own_folder):
    """Looking for a module imports its parents; what those raise is told with the target."""
    (own_folder / "broken").mkdir()
    (own_folder / "broken/__init__.py").write_text("1 / 0")
    importlib.invalidate_caches()
    target = parse_target("broken.part:make")
    with pytest.raises(TargetError, match="ZeroDivisionError: division by zero"):
        target.load()


def test_timm_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(TargetError, match=r"timm cannot be imported.*pip install timm"):
        parse_target("timm:vit_big")


@pytest.mark.parametrize(
    "error",
    [
        "RuntimeError('operator torchvision::nms does not exist')",
        "ImportError('libcudart is not there')",
        # What the second attempt to import a torchvision for another torch says.
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
    ("text", "shape", "made"),
    [
        ("timm:vit_big", InputShape(3, 96, 96), ("vit_big", False, 96, 3)),
        ("timm:vit_big.tag_in1k", InputShape(3, 96, 96), ("vit_big.tag_in1k", False, 96, 3)),
        ("timm:vit_big@128", InputShape(3, 128, 128), ("vit_big", False, 128, 3)),
        ("timm:vit_big@96x96x1", InputShape(1, 96, 96), ("vit_big", False, 96, 1)),
        # Convolutional networks know no image size.
        ("timm:conv_small@64x64x4", InputShape(4, 64, 64), ("conv_small", False, 96, 4)),
        ("timm:unconfigured", InputShape(3, 224, 224), ("unconfigured", False, 96, 3)),
    ],
)
def test_timm(timm, text, shape, made):
    found = parse_target(text)
    assert isinstance(found, TimmTarget)
    assert found.shape == shape and found.name == text
    assert found.identity()["timm"] == "9.9"
    one, other = found.build().weight, found.build().weight
    assert torch.equal(one, other) and one.shape[1] == shape.channels
    assert sys.modules["timm"].made[-1] == made
    assert pickle.loads(pickle.dumps(found)) == found and found.hash == parse_target(text).hash


def test_timm_has_no_such_model(timm):
    with pytest.raises(TargetError, match=r"timm 9\.9 has no model 'vit_bg'; did you mean 'vit_b"):
        parse_target("timm:vit_bg")
    with pytest.raises(TargetError, match=r"has no model '';"):
        parse_target("timm:")
