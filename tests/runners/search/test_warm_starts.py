"""Warm starts from variants, files and earlier runs."""

from __future__ import annotations

import json

import pytest

from runners.records.errors import UserError
from runners.search.warm_starts import locate_variants, read_file, read_front
from search_space import from_dict

SPACE = from_dict(
    {
        "base": {"variant": "lolvit_nano", "resolution": 28},
        "dimensions": {"width": [0.2, 0.25, 0.3], "fusion": ["ghost", "add"], "depth.4": [1, 2]},
    }
)


def test_named_variants_are_located():
    (values,) = locate_variants(["lolvit_nano"], SPACE)
    assert values == SPACE.default
    with pytest.raises(UserError, match=r"^variant 'lolvit_xs' is not in the space: "):
        locate_variants(["lolvit_xs"], SPACE)
    with pytest.raises(UserError, match=r"^variant 'mobilevit_xs' is not in the space: "):
        locate_variants(["mobilevit_xs"], SPACE)


@pytest.mark.parametrize("suffix", [".yaml", ".json", ".csv"])
def test_files_of_values_are_read(tmp_path, suffix):
    file = tmp_path / f"first{suffix}"
    if suffix == ".csv":
        file.write_text("width,depth.4,fusion\n0.3,2,\n,,add\n")
    else:
        file.write_text(json.dumps([{"width": 0.3, "depth.4": 2}, {"fusion": "add"}]))
    assert read_file(file, SPACE) == [
        {**SPACE.default, "width": 0.3, "depth.4": 2},
        {**SPACE.default, "fusion": "add"},
    ]


def test_files_of_architectures_are_read(tmp_path):
    values = {**SPACE.default, "width": 0.3}
    file = tmp_path / "first.json"
    file.write_text(json.dumps([{"architecture": SPACE.architecture(values).to_dict()}]))
    (located,) = read_file(file, SPACE)
    assert SPACE.architecture(located) == SPACE.architecture(values)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[]", "contains no architectures"),
        ("width: 0.3", "must be a list of mappings"),
        ("- {width: 0.7}", "entry 1: "),
        ("- {widht: 0.3}", "did you mean 'width'"),
        ("- {architecture: {family: lolvit, width: 9}}", "entry 1: "),
        ("- {architecture: '{'}", "entry 1: "),
        ("- [", r"first\.yaml:1: "),
    ],
)
def test_errors_name_the_entry(tmp_path, text, expected):
    file = tmp_path / "first.yaml"
    file.write_text(text)
    with pytest.raises(UserError, match=expected):
        read_file(file, SPACE)


def test_a_front_partly_outside_the_space(tmp_path):
    inside = SPACE.architecture({**SPACE.default, "width": 0.3}).to_dict()
    file = tmp_path / "front.csv"
    architectures = (inside, {**inside, "width": 0.5})
    quoted = [json.dumps(a).replace('"', '""') for a in architectures]
    file.write_text("trial,architecture\n" + "".join(f'{n},"{q}"\n' for n, q in enumerate(quoted)))
    located, outside_count = read_front(tmp_path, SPACE)
    assert outside_count == 1 and [values["width"] for values in located] == [0.3]
    file.write_text("trial,architecture\n" + f'0,"{quoted[1]}"\n')
    with pytest.raises(UserError, match=r"no architecture of .* is in this space"):
        read_front(tmp_path, SPACE)
    with pytest.raises(UserError, match=r"has no front\.csv"):
        read_front(tmp_path / "none", SPACE)
