"""Where a search may look first."""

from __future__ import annotations

import json

import pytest

from runners.records.errors import UserError
from runners.search import warm_starts as seeds
from search_space import from_dict

SPACE = from_dict(
    {
        "base": {"variant": "lolvit_nano", "resolution": 28},
        "dimensions": {"width": [0.2, 0.25, 0.3], "fusion": ["ghost", "add"], "depth.4": [1, 2]},
    }
)


def test_variants_by_name():
    (values,) = seeds.of_variants(["lolvit_nano"], SPACE)
    assert values == SPACE.default
    with pytest.raises(UserError, match=r"^variant 'lolvit_xs' is not in the space: "):
        seeds.of_variants(["lolvit_xs"], SPACE)
    with pytest.raises(UserError, match=r"^variant 'mobilevit_xs' is not in the space: "):
        seeds.of_variants(["mobilevit_xs"], SPACE)


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".csv"])
def test_files_of_values(tmp_path, suffix):
    file = tmp_path / f"first{suffix}"
    if suffix == ".csv":
        file.write_text("width,depth.4,fusion\n0.3,2,\n,,add\n")
    else:
        file.write_text(json.dumps([{"width": 0.3, "depth.4": 2}, {"fusion": "add"}]))
    assert seeds.of_file(file, SPACE) == [
        {**SPACE.default, "width": 0.3, "depth.4": 2},
        {**SPACE.default, "fusion": "add"},
    ]


def test_architectures_in_files(tmp_path):
    values = {**SPACE.default, "width": 0.3}
    file = tmp_path / "first.json"
    file.write_text(json.dumps([{"architecture": SPACE.architecture(values).to_dict()}]))
    (found,) = seeds.of_file(file, SPACE)
    assert SPACE.architecture(found) == SPACE.architecture(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "holds no architecture"),
        ("width: 0.3", "must be a list of mappings"),
        ("- {width: 0.7}", "entry 1: "),
        ("- {widht: 0.3}", "did you mean 'width'"),
        ("- {architecture: {family: lolvit, width: 9}}", "entry 1: "),
        ("- {architecture: '{'}", "entry 1: "),
        ("- [", r"first\.yaml:1: "),
    ],
)
def test_mistakes_name_the_entry(tmp_path, text, expected):
    file = tmp_path / "first.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=expected):
        seeds.of_file(file, SPACE)


def test_a_front_that_lies_partly_outside(tmp_path):
    inside = SPACE.architecture({**SPACE.default, "width": 0.3}).to_dict()
    file = tmp_path / "front.csv"
    quoted = [json.dumps(each).replace('"', '""') for each in (inside, {**inside, "width": 0.5})]
    file.write_text("trial,architecture\n" + "".join(f'{n},"{q}"\n' for n, q in enumerate(quoted)))
    found, outside = seeds.of_run(tmp_path, SPACE)
    assert outside == 1 and [values["width"] for values in found] == [0.3]
    file.write_text("trial,architecture\n" + f'0,"{quoted[1]}"\n')
    with pytest.raises(UserError, match=r"no architecture of .* is in this space"):
        seeds.of_run(tmp_path, SPACE)
    with pytest.raises(UserError, match=r"has no front\.csv"):
        seeds.of_run(tmp_path / "none", SPACE)
