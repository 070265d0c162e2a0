"""Ablations: which arms a file describes, and which mistakes in it are named."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import pytest

from lolvit.analytic import analytic_costs
from runners.arms import ImageKind
from runners.jobs.ablation import parse_ablation, read_ablation
from runners.records.errors import UserError
from search_space import SpaceError
from tests.bench_runs import ROOT

IMAGE = ImageKind(28, 1, 10)
BASE = {"variant": "lolvit_nano", "mixer": "fwa"}
SHIPPED = ROOT / "configs/fwa-ablation.yaml"


def arms(factors, match="", **changes):
    return parse_ablation({"base": BASE, "factors": factors, **changes}).arms(IMAGE, match)


def test_one_factor_at_a_time():
    base, *others = arms({"fwa.window": [2, "global"], "fusion": ["add"], "mixer": ["none"]})
    assert base.name == "base"
    assert [arm.name for arm in others] == [
        "fwa.window=2",
        "fwa.window=global",
        "fusion=add",
        "mixer=none",
    ]
    assert others[2].architecture == replace(base.architecture, fusion="add")
    assert [str(mixer) for mixer in others[0].architecture.mixers] == ["fwa:window=2"] * 3
    assert [arm.reconstructed for arm in (base, *others)] == [True, True, True, True, False]
    assert {(arm.architecture.resolution, arm.architecture.num_classes) for arm in others} == {
        (28, 10)
    }


def test_a_factorial_combines_all_values():
    values = {"fwa.window": [2, 4], "fusion": ["add"], "recipe.mixup": [0.2]}
    made = arms(values, design="factorial")
    assert len(made) == prod(len(value) + 1 for value in values.values())
    assert made[-1].name == "fwa.window=4, fusion=add, recipe.mixup=0.2"
    assert made[-1].recipe_changes == {"mixup": 0.2}
    identities = {(arm.architecture.hash, str(arm.recipe_changes)) for arm in made}
    assert len(identities) == len(made)


@pytest.mark.parametrize(
    ("value", "blocks"), [("none", (0, 0, 0)), ("5", (0, 0, 1)), ("4-5", (0, 1, 1))]
)
def test_placement_is_the_stages_with_fusion_blocks(value, blocks):
    assert arms({"placement": [value]})[1].architecture.fusion_blocks == blocks


def test_a_field_of_the_recipe_changes_the_recipe_alone():
    base, arm = arms({"recipe.epochs": [2]})
    assert arm.architecture == base.architecture and arm.recipe_changes == {"epochs": 2}


@pytest.mark.parametrize("match", ["params", "macs"])
def test_budgets_are_matched_by_the_width(match):
    factors = {"mixer": ["softmax", "none"], "placement": ["none"], "fwa.window": [2]}
    base, *free = arms(factors)
    _, *matched = arms(factors, match)
    wanted = getattr(analytic_costs(base.architecture), match)
    for own, arm in zip(free, matched, strict=True):
        before, after = (
            abs(getattr(analytic_costs(candidate.architecture), match) - wanted)
            for candidate in (own, arm)
        )
        assert after <= before
        if arm.architecture != own.architecture:
            assert arm.name == f"{own.name} (width {arm.architecture.width:g})"
            assert replace(arm.architecture, width=own.architecture.width) == own.architecture
    assert any("width" in arm.name for arm in matched)


def test_the_shipped_ablation():
    made = read_ablation(SHIPPED).arms(IMAGE)
    assert len(made) >= 9 and len({arm.architecture.hash for arm in made}) == len(made)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factors": {}}, "`factors` is missing"),
        ({"factors": {"fusion": "add"}}, "factor `fusion` needs a list of values, got 'add'"),
        ({"factors": {"fusion": []}}, "needs a list of values"),
        ({"factors": {"fusoin": ["add"]}}, "did you mean 'fusion'"),
        ({"factors": {"fusion": ["sum"]}}, "fusion must be one of"),
        ({"factors": {"fwa.windows": [2]}}, "did you mean 'window'"),
        ({"factors": {"placement": ["6"]}}, "unknown placement '6'"),
        ({"factors": {"resolution": [32]}}, "resolution is no factor"),
        ({"factors": {"recipe.epoch": [3]}}, "did you mean 'epochs'"),
        ({"factors": {"recipe.epochs": ["3"]}}, "recipe.epochs must be of type int, got '3'"),
        ({"factors": {"recipe.epochs": [0]}}, "epochs must be an integer of at least 1"),
        ({"factors": {"fusion": ["add"]}, "design": "full"}, "unknown design 'full'"),
        ({"factors": {"fusion": ["add"]}, "bases": {}}, "unknown key 'bases'"),
        ({"factors": {"fusion": ["add"]}, "training": {"epoch": 1}}, "did you mean 'epochs'"),
        ({"factors": {"fusion": ["add"]}, "base": {"variant": "x"}}, "x"),
    ],
)
def test_a_mistake_is_named(changes, message):
    with pytest.raises((UserError, SpaceError)) as caught:
        parse_ablation({"base": BASE, **changes})
    assert message in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"fusion": ["ghost"]}, "fusion=ghost is the same as base; leave it out"),
        ({"mixer": ["fwa:window=2"], "fwa.window": [2]}, "fwa.window=2 is the same as mixer="),
    ],
)
def test_equal_arms_are_refused(factors, message):
    with pytest.raises(UserError, match=message):
        arms(factors)


def test_a_file_is_named_in_its_errors(tmp_path):
    file = tmp_path / "ablation.yaml"
    file.write_text("factors: {fusion: [sum]}\n")
    with pytest.raises(UserError, match=r"ablation\.yaml: .*fusion"):
        read_ablation(file)
    file.write_text("- a list")
    with pytest.raises(UserError, match="an ablation must be a mapping"):
        read_ablation(file)


def test_interactions_add_the_arms_of_both_changes():
    values = {"fwa.window": [2, 4], "fusion": ["add"], "mixer": ["none"]}
    names = [arm.name for arm in arms(values, interactions=[["fwa.window", "fusion"]])]
    assert names[-2:] == ["fwa.window=2, fusion=add", "fwa.window=4, fusion=add"]
    assert len(names) == 1 + 4 + 2


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("fusion", "must be a list of pairs"),
        ([["fusion"]], "pair of different factors"),
        ([["fusion", "fusion"]], "pair of different factors"),
        ([["fusion", "fwa.windw"]], "did you mean 'fwa.window'"),
    ],
)
def test_interactions_of_unknown_factors_are_refused(value, words):
    with pytest.raises(UserError, match=words):
        arms({"fwa.window": [2], "fusion": ["add"]}, interactions=value)
    with pytest.raises(UserError, match="a factorial has all"):
        arms({"fwa.window": [2], "fusion": ["add"]}, interactions=[], design="factorial")
