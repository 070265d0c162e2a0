"""The command `space`."""

from __future__ import annotations

import pytest

from tests.bench_runs import ROOT, bench_in_process, one_line


def test_space_describes_a_search_space(tmp_path):
    (tmp_path / "space.yaml").write_text("{preset: tiny, constraints: [macs <= 1.5e6]}")
    done = bench_in_process(tmp_path, "space", "space.yaml")
    assert done.returncode == 0, done.stderr
    for part in (
        "fwa.window",
        "architectures",
        "feasible",
        "macs <= 1.5e+06 excludes",
        "example 3",
    ):
        assert part in done.stdout
    assert bench_in_process(tmp_path, "space", "full", "--draws", "100").returncode == 0
    done = bench_in_process(tmp_path, "space", "tinny")
    assert done.returncode == 2
    one_line(done.stderr, "did you mean 'tiny'?")


@pytest.mark.slow
@pytest.mark.parametrize(
    "file", sorted((ROOT / "configs").glob("lolvit-*.yaml")), ids=lambda f: f.stem
)
def test_space_describes_the_shipped_sweeps(tmp_path, file):
    done = bench_in_process(tmp_path, "space", str(file), "--no-estimate", "--draws", "50")
    assert done.returncode == 0, done.stderr
