"""The example of docs/add-a-mixer.md is run as a user would run it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

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
def test_the_example_competes_for_one_session(tmp_path):
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


def test_the_readme_shows_the_same_example():
    assert example() in (ROOT / "README.md").read_text(encoding="utf-8")
