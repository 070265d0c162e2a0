"""The examples of docs/api.md run and print what the page shows."""

from __future__ import annotations

import contextlib
import io
import re

import pytest

from tests.bench_runs import ROOT
from tests.reports import studies

BLOCK = re.compile(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```\n)?", re.DOTALL)


def blocks():
    page = (ROOT / "docs/api.md").read_text(encoding="utf-8")
    pairs = [(match[1], match[2] or "") for match in BLOCK.finditer(page)]
    assert len(pairs) == page.count("```python")
    return pairs


def run_blocks(namespace):
    """What each block prints; all of them share one namespace, as in a notebook."""
    for code, expected in blocks():
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, "docs/api.md", "exec"), namespace)
        yield expected, output.getvalue()


@pytest.fixture
def in_demo_folder(tmp_path, monkeypatch):
    studies.store(tmp_path / "runs/demo", studies.arm("fwa"), studies.arm("linear", latency=2.0))
    monkeypatch.chdir(tmp_path)


def without_times(text):
    return re.sub(r"\d+\.\d\d", "0.00", text)


@pytest.mark.usefixtures("in_demo_folder")
def test_the_examples_print_what_the_page_shows():
    namespace = {"__name__": "example"}
    for expected, printed in run_blocks(namespace):
        if expected:
            assert without_times(printed) == without_times(expected)
    assert list(namespace["frame"]["name"]) == list(namespace["arms"]["arm"]) == ["fwa", "linear"]
    assert namespace["arms"]["latency_ratio"][1] < 1
    assert callable(namespace["main"])


@pytest.mark.slow
@pytest.mark.usefixtures("in_demo_folder")
def test_the_full_protocol_measures_the_targets_of_the_page(capsys):
    namespace = {"__name__": "example"}
    list(run_blocks(namespace))
    namespace["main"]()
    printed = capsys.readouterr().out
    assert re.search(r"^fwa@14x14x64: [\d.]+ ms, [\d,]+ bytes$", printed, re.MULTILINE)
    assert re.search(r"^softmax@14x14x64: [\d.]+ ms, [\d,]+ bytes$", printed, re.MULTILINE)
