"""The examples of docs/add-a-mixer.md work as the page says."""

from __future__ import annotations

import importlib
import json
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch

import attention_zoo

QUICK = ("--rounds", "10", "--largest-batch", "4", "--threads", "1")
ROOT = Path(__file__).parents[2]


def example() -> str:
    page = (ROOT / "docs/add-a-mixer.md").read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]


def bench(folder: Path, *arguments: str) -> str:
    command = (sys.executable, str(ROOT / "bench.py"), *arguments)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_example_is_compared_for_one_session(tmp_path):
    (tmp_path / "mean.py").write_text(example(), encoding="utf-8")
    assert "cheapest global view" in bench(
        tmp_path, "list", "--verbose", "mean", "--mixer", "mean.py"
    )
    printed = bench(
        tmp_path, "compare", "--mixer", "mean.py", "mean", "none", "--cost-only", "--json", *QUICK
    )
    mean, none = json.loads(printed)
    assert mean["state"] == none["state"] == "finished"
    assert mean["costs"]["macs"] > none["costs"]["macs"]


def test_the_twin_of_the_page_is_equal_to_the_mixer(tmp_path, monkeypatch):
    page = (ROOT / "docs/add-a-mixer.md").read_text(encoding="utf-8")
    (twin,) = re.findall(r"   ```py\n(.*?)   ```", page, re.DOTALL)
    (tmp_path / "page_twin.py").write_text(textwrap.dedent(twin), encoding="utf-8")
    (tmp_path / "page_mixer.py").write_text(example(), encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    mixer = importlib.import_module("page_mixer").MeanMixer(12, 3).double()
    attention_zoo.entries().pop("mean")
    x = torch.randn(2, 12, 5, 7, dtype=torch.float64)
    naive = importlib.import_module("page_twin").naive
    torch.testing.assert_close(mixer(x), naive(mixer, x), rtol=0, atol=1e-12)


def test_the_readme_shows_the_same_example():
    assert example() in (ROOT / "README.md").read_text(encoding="utf-8")
