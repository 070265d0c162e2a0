"""The promise of the default settings, trained for real: each attention learns."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from attention_zoo import entries

ROOT = Path(__file__).parents[1]
LEAST = 0.82


@pytest.mark.slow
def test_every_attention_learns_the_embedded_images(tmp_path):
    names = [name for name in sorted(entries()) if name != "none"]
    command = (sys.executable, str(ROOT / "bench.py"), "compare", *names, "--json")
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    reached = {row["name"]: row["quality"]["test_accuracy"] for row in json.loads(done.stdout)}
    assert list(reached) == names
    assert not {name: accuracy for name, accuracy in reached.items() if accuracy < LEAST}
