"""`bench.py scale` at the door: what it writes, refuses and keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCH = (sys.executable, str(Path(__file__).parents[1] / "bench.py"), "scale")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*BENCH, *arguments), cwd=folder, capture_output=True, text=True, timeout=120
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("fwaa",), "did you mean 'fwa'"),
        (("fwa", "fwa"), "named twice"),
        (("fwa:window=foo",), "window must be"),
        (("fwa:windw=3",), "has no option 'windw'"),
        (("fwa", "--sides", "0"), "at least 1"),
        (("fwa", "--threads", "100000"), "cores"),
        (("fwa", "--baseline", "sofmax"), "did you mean 'softmax'"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing(tmp_path, arguments, said):
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert said in done.stderr and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_mixer_past_the_memory_cap_is_a_marked_point(tmp_path):
    done = run(
        tmp_path,
        "fwa",
        "softmax:relative_bias=true",
        "--sides",
        "7",
        "96",
        "--memory-gb",
        "1",
        "--out",
        "out",
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out/scale.md").read_text(encoding="utf-8")
    assert "out of memory" in page
    assert (tmp_path / "out/scale.png").stat().st_size > 10_000


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_measured(tmp_path):
    command = (
        *BENCH,
        "linear",
        "softmax",
        "--sides",
        "7",
        "224",
        "--cap-ms",
        "600000",
        "--out",
        "out",
    )
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        # The first size takes a second or two, the second one minutes.
        time.sleep(30)
        os.kill(child.pid, signal.SIGINT)
        _, said = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted" in said
    assert "N=49" in (tmp_path / "out/scale.md").read_text(encoding="utf-8")
