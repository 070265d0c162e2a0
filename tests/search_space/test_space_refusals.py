"""Every error in a space is one line that says what is wrong, where, and what is allowed."""

from __future__ import annotations

import math

import pytest
from spaces import base_of

from lolvit import MobileVitConfig
from search_space import Choice, Integer, Real, Space, SpaceError, from_dict, load


def assert_refused(make, *parts):
    with pytest.raises(SpaceError) as caught:
        make()
    message = str(caught.value)
    assert "\n" not in message
    assert message.strip() == message
    for part in parts:
        assert part in message, message


INVALID_DIMENSIONS = [
    ({"widht": [1.0]}, "'widht'", "did you mean 'width'", "depth.N", "<mixer>.<option>"),
    ({"depth": [1]}, "depth.1 to depth.5"),
    ({"depth.6": [1]}, "1 to 5", "'6'"),
    ({"blocks.2": [1]}, "3 to 5", "'2'"),
    ({"fusion.3": ["add"]}, "same in all stages"),
    ({"mixer.4.5": ["fwa"]}, "'4.5'"),
    ({"window.window.2": [4], "mixer": ["window"]}, "3 to 5", "'2'"),
    ({"fwa.windw": [4]}, "'windw'", "did you mean 'window'"),
    ({"linear.window": [4], "mixer": ["linear"]}, "has no options"),
    ({"fwa": [4]}, "'fwa' is a mixer"),
    ({"width": []}, "'width'", "empty"),
    ({"width": [0.5, 0.25, 0.5]}, "duplicate choice 0.5"),
    ({"width": [1, 1.0]}, "duplicate choice 1.0"),
    ({"mixer": ["fwa", "fwa:window=sqrt"]}, "are the same"),
    ({"width": 0.5}, "write a list", "0.5"),
    ({"width": "0.5"}, "write a list"),
    ({"width": [[0.5]]}, "numbers, strings or booleans"),
    ({"width": ["wide"]}, "'width'", "'wide'", "are numbers"),
    ({"width": [9.5]}, "'width'", "9.5", "at most 8"),
    ({"width": [math.nan]}, "finite"),
    ({"width": [math.inf]}, "finite"),
    ({"width": [10**400]}, "'width'"),
    ({"width": [True]}, "True"),
    ({"depth.4": [True]}, "whole numbers", "True"),
    ({"depth.4": [2.0]}, "whole numbers", "2.0"),
    ({"depth.4": [9]}, "'depth.4' cannot be 9"),
    ({"depth.4": {"low": 1, "high": 9}}, "'depth.4' cannot be 7"),
    ({"kernel": [4]}, "'kernel' cannot be 4", "(0, 3, 5, 7)"),
    ({"kernel": {"low": 3, "high": 7}}, "cannot be 4"),
    ({"fusion": ["gost"]}, "'gost'", "ghost"),
    ({"mixer": ["fwaa"]}, "'mixer'", "'fwaa'", "did you mean 'fwa'"),
    ({"mixer": [4]}, "4"),
    ({"mixer": ["fwa:window"]}, "option=value"),
    ({"mixer": ["fwa:windw=4"]}, "windw", "did you mean 'window'"),
    ({"mixer": ["window:window=wide"]}, "'wide'", "must be int"),
    ({"mixer": ["hilo:alpha=nan"]}, "nan"),
    ({"mixer": ["hilo:alpha=inf"]}, "finite"),
    ({"softmax.relative_bias": [1], "mixer": ["softmax"]}, "must be bool, got 1"),
    ({"window.window": [True], "mixer": ["window"]}, "must be int, got True"),
    ({"window.window": [4]}, "'window'", "in no 'mixer' dimension"),
    ({"mixer": ["linear"], "fwa.window": [4]}, "'fwa'", "in no 'mixer' dimension"),
    ({"mixer": ["fwa:window=4", "linear"], "fwa.window": [4, 2]}, "fwa:window=4", "remove one"),
    ({"mixer": ["fwa"], "mixer.3": ["fwa"], "mixer.4": ["fwa"], "mixer.5": ["fwa"]}, "'mixer'"),
    ({"after.4": [0, 1]}, "'after.4'", "more than one bottleneck"),
    ({"blocks.3": [0], "blocks.4": [0], "blocks.5": [0], "fusion": ["add"]}, "fusion blocks"),
    ({"resolution": [4]}, "'resolution' cannot be 4", "total stride"),
    ({"width": {"low": 0.5, "high": 0.25}}, "low 0.5 is above high 0.25"),
    ({"width": {"low": 0.1, "high": 0.5, "step": 0}}, "step must be above 0"),
    ({"width": {"low": 0.1, "high": 0.5, "step": -0.1}}, "step must be above 0"),
    ({"width": {"low": 0.1, "high": 0.5, "step": 1e-9}}, "remove it"),
    ({"width": {"low": 0.1, "high": 0.5, "step": 0.1, "log": True}}, "log"),
    ({"width": {"low": 0, "high": 0.5, "log": True}}, "log scale"),
    ({"width": {"low": 0.1, "high": 0.5, "log": "yes"}}, "true or false"),
    ({"width": {"low": 0.1}}, "has no 'high'"),
    ({"width": {"low": 0.1, "high": math.inf}}, "high must be a finite number"),
    ({"width": {"low": True, "high": 2}}, "low must be", "True"),
    ({"width": {"low": 0.1, "high": 1, "stpe": 0.1}}, "'stpe'", "did you mean 'step'"),
    ({"width": {"choices": [1], "low": 0.1}}, "'low'"),
    ({"width": {"choices": 1}}, "must be a list"),
    ({"depth.4": {"low": 1, "high": 2.5}}, "whole number", "2.5"),
    ({"fusion": {"low": 1, "high": 2}}, "takes no numbers"),
    ({"width": {"choices": [1], "when": {"squeze": ["all"]}}}, "'squeze'"),
    (
        {"squeeze": ["all"], "width": {"choices": [1], "when": {"squeze": ["all"]}}},
        "did you mean 'squeeze'",
    ),
    ({"squeeze": ["all"], "width": {"choices": [1], "when": {"squeeze": "none"}}}, "'none'"),
    (
        {"squeeze": ["all"], "width": {"choices": [1], "when": {"squeeze": []}}},
        "must list at least one value",
    ),
    ({"width": {"choices": [1], "when": ["squeeze"]}}, "`when` must map"),
    (
        {"fusion": ["add"], "blocks.4": {"choices": [1], "when": {"fusion": "add"}}},
        "cycle: fusion -> blocks.4 -> fusion",
    ),
    ({4: [1]}, "not a string"),
]


@pytest.mark.parametrize("case", INVALID_DIMENSIONS, ids=lambda case: str(case[0])[:60])
def test_invalid_dimension(case):
    dimensions, *parts = case
    base = {"variant": "lolvit_nano", "resolution": 32}
    assert_refused(lambda: from_dict({"base": base, "dimensions": dimensions}), *parts)


@pytest.mark.parametrize(
    "case",
    [
        (None, "must be a mapping"),
        ([], "must be a mapping"),
        ({"dimension": {}}, "'dimension'", "did you mean 'dimensions'"),
        ({"preset": "tyni"}, "'tyni'", "did you mean 'tiny'", "paper"),
        ({"preset": []}, "unknown preset"),
        ({"preset": "tiny", "dimensions": {"widht": None}}, "did you mean 'width'"),
        ({"preset": "tiny", "dimensions": {"blocks.4": ["x"]}}, "'blocks.4' cannot be 'x'"),
        ({"preset": "tiny", "dimensions": {"mixer": ["fwaa"]}}, "unknown mixer 'fwaa'"),
        ({"preset": "paper", "dimensions": {"fwa.window": None}}, "unknown dimension 'fwa.window'"),
        ({"dimensions": {"width": None}}, "'width'"),
        ({"dimensions": []}, "`dimensions` must be a mapping"),
        ({"base": "lolvit_xs"}, "`base` must be a mapping"),
        ({"base": {"variant": "lolvit_xy"}}, "did you mean"),
        ({"base": {"variant": ["lolvit_xs"]}}, "unknown variant"),
        ({"base": {"variant": "mobilevit_xs"}}, "'mobilevit_xs' is not a LOLViT"),
        ({"base": {"widht": 1}}, "did you mean 'width'"),
        ({"base": {"width": "wide"}}, "`base`", "width"),
        ({"base": {"mixers": "fwaa"}}, "`base`", "'fwaa'"),
        ({"base": {"mixers": ["fwa"]}}, "3 entries"),
        ({"base": {"mixers": [{"nam": "fwa"}] * 3}}, "`base`"),
        ({"base": {"resolution": "big"}}, "resolution"),
        ({"constraints": "macs <= 3"}, "must be a list"),
        ({"constraints": ["mac <= 3"]}, "did you mean 'macs'"),
        ({"constraints": ["flops <= 3"]}, "unknown constraint quantity 'flops'; available: macs"),
        ({"constraints": ["macs < 3"]}, "quantity <= number"),
        ({"constraints": [3]}, "quantity <= number"),
        ({"constraints": ["macs <= many"]}, "'many' is not a number"),
        ({"constraints": ["macs <= nan"]}, "not a number"),
        ({"constraints": ["macs <= inf"]}, "above 0"),
        ({"constraints": ["macs <= 0"]}, "above 0"),
        ({"constraints": ["macs >= -1"]}, "above 0"),
        ({"constraints": ["macs <= 3", "macs <= 4"]}, "keep one"),
        ({"constraints": ["macs <= 3", "macs >= 4"]}, "exclude every"),
    ],
    ids=lambda case: str(case[0])[:60],
)
def test_invalid_space(case):
    data, *parts = case
    assert_refused(lambda: from_dict(data), *parts)


def test_invalid_spaces_made_in_python():
    base = base_of()
    assert_refused(lambda: Space(MobileVitConfig(), ()), "LolvitConfig")
    assert_refused(lambda: Space(base, ("width",)), "'width'")
    assert_refused(lambda: Space(base, (Choice("width", (9.5,)),)), "9.5")
    assert_refused(
        lambda: Space(base, (Choice("width", (1,)), Choice("width", (2,)))), "duplicate dimension"
    )
    assert_refused(lambda: Choice("width", 0.5), "must be a list")
    assert_refused(lambda: Choice("width", (1,), when=[1]), "`when`")
    assert_refused(lambda: Integer("depth.4", 1, 2.0), "whole number")
    assert_refused(lambda: Real("width", 0.1, math.nan), "finite")
    assert_refused(lambda: Space(base, (), ("macs <= 0",)), "above 0")
    assert_refused(lambda: Space(base, (Real("width", 0.1, 1),)).grid(), "needs a step")
    assert_refused(lambda: Space(base, ()).for_images(3, 0, 32), "num_classes")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("dimensions:\n  width: [0.5\n", ":3"),
        ("dimensions:\n  width: [0.5]\n  width: [0.4]\n", ":3: duplicate key 'width'"),
        ("x: &x {a: 1}\ny: {<<: *x, b: 1,\n b: 2}\n", ":3: duplicate key 'b'"),
        ("{dimensions: " * 3000, "is nested too deeply"),
        ("a: *b\n", ":1"),
        ("a: !!python/object:os.system x\n", ":1"),
        ("just words", "must be a mapping"),
        ("", "must be a mapping"),
        ("a: \x07", "is not valid YAML"),
        ("? {1: 2}\n: 3\n", ":1"),
        ("? [1, 2]\n: 3\n", "(1, 2)"),
    ],
)
def test_invalid_yaml(tmp_path, text, part):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    assert_refused(lambda: load(path), str(path), part)


def test_unreadable_file(tmp_path):
    assert_refused(lambda: load("tyni"), "did you mean 'tiny'", "no such file")
    assert_refused(lambda: load(tmp_path / "none.yaml"), "none.yaml", "No such file")
    assert_refused(lambda: load(tmp_path), "directory")
    (tmp_path / "picture.yaml").write_bytes(b"\xff\xfe\x00\xd8")
    assert_refused(lambda: load(tmp_path / "picture.yaml"), "picture.yaml")
