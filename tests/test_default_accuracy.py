"""The promise of the default settings, trained for real: its arms learn."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEAST = 0.82
NAMES = ["fwa", "linear", "mobilevit"]


@pytest.mark.slow
def test_the_default_comparison_learns_the_embedded_images(tmp_path):
    command = (sys.executable, str(ROOT / "bench.py"), "--compare", *NAMES, "--json")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    reached = {row["name"]: row["quality"]["test_accuracy"] for row in json.loads(done.stdout)}
    assert list(reached) == NAMES
    assert not {name: accuracy for name, accuracy in reached.items() if accuracy < LEAST}
