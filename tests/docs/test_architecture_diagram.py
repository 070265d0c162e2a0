"""The diagram of docs/architecture.md shows the packages and the contracts of now."""

from __future__ import annotations

import importlib.util
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from tests.bench_runs import ROOT

pytest.importorskip("tomllib")  # Python 3.11


@pytest.fixture(scope="module")
def diagram():
    path = ROOT / "docs/make_architecture_diagram.py"
    spec = importlib.util.spec_from_file_location("make_architecture_diagram", path)
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # for dataclasses
    spec.loader.exec_module(module)
    return module


def test_the_stored_diagram_is_the_one_that_is_drawn_now(diagram):
    drawn = diagram.draw(diagram.read_contracts())
    assert diagram.FILE.read_text(encoding="utf-8") == drawn, f"run {diagram.__file__}"


def test_the_diagram_has_a_box_for_every_package(diagram):
    drawn = ElementTree.fromstring(diagram.draw(diagram.read_contracts()))
    labels = {text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")}
    folders = {path.parent for path in ROOT.glob("*/__init__.py")}
    folders |= {path.parent for path in (ROOT / "runners").glob("*/__init__.py")}
    expected = {f"{folder.name}/" for folder in folders if folder.name != "tests"}
    assert expected <= labels and {"evaluate.py", "arms.py"} <= labels


def test_a_package_without_a_caption_is_an_error(diagram):
    contracts = diagram.Contracts([["unknown"]], [], {})
    with pytest.raises(KeyError, match="unknown"):
        diagram.draw(contracts)
