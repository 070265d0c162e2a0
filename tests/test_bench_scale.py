"""`bench.py scale`: what it writes, refuses and keeps."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import bench

BENCH = str(Path(__file__).parents[1] / "bench.py")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fwaa",), "did you mean 'fwa'"),
        (("fwa", "fwa"), "named twice"),
        (("fwa:window=foo",), "window must be"),
        (("fwa:windw=3",), "has no option 'windw'"),
        (("fwa", "--threads", "100000"), "cores"),
        (("fwa", "--baseline", "sofmax"), "did you mean 'softmax'"),
    ],
)
def test_mistakes_are_one_line_and_write_nothing(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    assert bench.main(["scale", *arguments]) == 2
    errors = capsys.readouterr().err
    assert message in errors and errors.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_size_below_one_is_refused(capsys):
    with pytest.raises(SystemExit, match="2"):
        bench.main(["scale", "fwa", "--sides", "0"])
    errors = capsys.readouterr().err
    assert "at least 1" in errors and errors.count("\n") == 1


@pytest.mark.slow
def test_a_mixer_beyond_the_memory_limit_is_a_point_without_a_time(tmp_path, capsys):
    arguments = ["fwa", "softmax:relative_bias=true", "--sides", "7", "96", "--memory-gb", "1"]
    assert bench.main(["scale", *arguments, "--out", str(tmp_path / "out")]) == 0
    assert "out of memory" in capsys.readouterr().out
    assert "out of memory" in (tmp_path / "out/scale.md").read_text(encoding="utf-8")
    assert (tmp_path / "out/scale.png").stat().st_size > 10_000


@pytest.mark.slow
def test_an_interrupt_keeps_what_was_measured(tmp_path):
    arguments = ("linear", "softmax", "--sides", "7", "224", "--cap-ms", "600000", "--out", "out")
    command = (sys.executable, BENCH, "scale", *arguments)
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as child:
        # The first size takes a second or two, the second one minutes.
        time.sleep(30)
        os.kill(child.pid, signal.SIGINT)
        _, errors = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "interrupted" in errors
    assert "N=49" in (tmp_path / "out/scale.md").read_text(encoding="utf-8")
