"""From what a user types to architectures, or to one line that says what is wrong."""

from __future__ import annotations

import pytest

import attention_zoo
import lolvit
from attention_zoo import MixerError
from runners.arms import ImageKind, check, default_host, resolve
from runners.records.errors import UserError

IMAGE = ImageKind(resolution=32, in_channels=3, num_classes=10)
MIXERS = sorted(attention_zoo.entries())


def test_every_mixer_and_every_network_is_an_arm():
    # Its default mixer makes a LOLViT of the host's size an arm of `fwa`; aliases are equal too.
    networks = {lolvit.variant(name).hash: name for name in lolvit.VARIANTS}.values()
    names = [*MIXERS, *(name for name in networks if name != default_host(32))]
    arms = resolve(names, None, IMAGE)
    assert [arm.name for arm in arms] == names
    for arm in arms:
        a = arm.architecture
        assert (a.resolution, a.in_channels, a.num_classes) == (32, 3, 10)


def test_only_the_mixer_differs():
    first, second = (arm.architecture.to_dict() for arm in resolve(["fwa", "none"], None, IMAGE))
    assert {key for key in first if first[key] != second[key]} == {"mixers"}
    assert [mixer["name"] for mixer in first["mixers"]] == ["fwa"] * 3


def test_reconstructions_are_marked():
    marked = {arm.name: arm.reconstructed for arm in resolve([*MIXERS, "lolvit_s"], None, IMAGE)}
    assert marked["fwa"] and marked["lolvit_s"] and not marked["softmax"]
    assert not resolve(["ghostnet_1.0"], None, IMAGE)[0].reconstructed


@pytest.mark.parametrize(
    ("side", "host"), [(28, "lolvit_nano"), (48, "lolvit_nano"), (49, "lolvit_xs")]
)
def test_the_host_follows_the_resolution(side, host):
    assert default_host(side) == host
    (arm,) = resolve(["none"], None, ImageKind(side, 1, 2))
    mixers = (lolvit.MixerConfig("none"),) * 3
    assert arm.architecture == lolvit.variant(
        host, resolution=side, in_channels=1, num_classes=2, mixers=mixers
    )


def test_options():
    (arm,) = resolve(["fwa:window=3,aggregate=dwconv"], None, IMAGE)
    assert arm.name == "fwa:window=3,aggregate=dwconv"
    assert dict(arm.architecture.mixers[0].options) == {"aggregate": "dwconv", "window": 3}


def test_the_same_mixer_with_other_options_is_another_arm():
    arms = resolve(["window:window=4", "window:window=7"], None, IMAGE)
    assert arms[0].architecture.hash != arms[1].architecture.hash


@pytest.mark.parametrize(
    ("names", "host", "kind", "words"),
    [
        ([], None, UserError, ["name at least one mixer", "bench.py list"]),
        (["fwa", "none", "fwa"], None, UserError, ["'fwa' is named twice"]),
        (["sofmax"], None, UserError, ["unknown mixer 'sofmax'", "did you mean 'softmax'?"]),
        (["mobilevit_xxx"], None, UserError, ["did you mean 'mobilevit_xx"]),
        (["zzzz"], None, UserError, ["unknown mixer 'zzzz'; available mixers: ", *MIXERS]),
        ([""], None, UserError, ["unknown mixer ''"]),
        (
            ["none:x"],
            None,
            lolvit.ArchitectureError,
            ["write options of 'none'", "got 'x'"],
        ),
        (["none:x=1"], None, MixerError, ["mixer 'none' has no option 'x'", "no options"]),
        (
            ["fwa:windw=1"],
            None,
            MixerError,
            ["'fwa' has no option 'windw'", "mean 'window'? it"],
        ),
        (["fwa:window=1,window=2"], None, ValueError, ["'window' is given twice"]),
        (["fwa:window=nan"], None, ValueError, ["option 'window' must be finite, got nan"]),
        (["fwa"], "lolvit_xx", UserError, ["'lolvit_xx' cannot host", "mean 'lolvit_xxs'?"]),
        (["fwa"], "ghostnet_1.0", UserError, ["'ghostnet_1.0' cannot host", "take one of: lolvit"]),
        (["fwa"], "mobilevit_xs", UserError, ["'mobilevit_xs' cannot host"]),
    ],
)
def test_mistakes(names, host, kind, words):
    for action in (lambda: check(names, host), lambda: resolve(names, host, IMAGE)):
        with pytest.raises(kind) as caught:
            action()
        text = str(caught.value)
        assert "\n" not in text and all(word in text for word in words), text


@pytest.mark.parametrize("host", [None, "lolvit_s"])
def test_a_resolution_below_the_strides(host):
    with pytest.raises(lolvit.ArchitectureError, match="total stride of 8, got 7"):
        resolve(["none"], host, ImageKind(7, 1, 2))


@pytest.mark.parametrize(
    "names",
    [
        ["fwa", "fwa:window=sqrt"],
        ["none", "fwa:aggregate=mean+dw,window=sqrt", "fwa"],
        ["lolvit_x", "lolvit_xs"],
        ["fwa", "lolvit_nano"],
    ],
)
def test_one_architecture_under_two_names_is_refused(names):
    with pytest.raises(UserError, match=r"is the same architecture as .*--repeat") as caught:
        resolve(names, None, IMAGE)
    assert "\n" not in str(caught.value)


def test_a_repetition_is_an_arm_of_the_same_architecture():
    arms = resolve(["fwa", "none"], None, IMAGE, repeats=["fwa", "fwa"])
    names = ["fwa", "none", "fwa (repeat)", "fwa (repeat 2)"]
    assert [arm.name for arm in arms] == names
    assert arms[0].architecture == arms[2].architecture == arms[3].architecture
    with pytest.raises(UserError, match="--repeat linear: no arm has this name; arms: fwa, none"):
        resolve(["fwa", "none"], None, IMAGE, repeats=["linear"])
