"""Exponents and crossovers of a scaling study, and its files."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from reports.scaling import scaling_grid, write_scaling
from reports.statistics import find_crossover, fit_exponent

SIDES = (7, 14, 28, 56)
TOKENS = [side**2 for side in SIDES]


@given(power=st.floats(0.5, 3), factor=st.floats(1e-6, 1e3))
def test_the_exponent_of_a_power_law_is_its_power(power, factor):
    assert fit_exponent(TOKENS, [factor * n**power for n in TOKENS]) == pytest.approx(power)


def test_an_exponent_needs_two_sizes_in_the_upper_half():
    assert fit_exponent([49], [1.0]) is None
    assert fit_exponent([], []) is None


@pytest.mark.parametrize(("sizes", "ignored"), [(4, 2), (5, 2), (6, 3)])
def test_an_exponent_uses_exactly_the_upper_half_of_the_sizes(sizes, ignored):
    tokens = [4**n for n in range(1, sizes + 1)]
    squares = [n**2 for n in tokens]
    constant_start = [1e6] * ignored + squares[ignored:]
    assert fit_exponent(tokens, constant_start) == pytest.approx(2)
    one_more = [*squares[:ignored], 1e6, *squares[ignored + 1 :]]
    assert fit_exponent(tokens, one_more) != pytest.approx(2)


def rounds(median: float) -> list[float]:
    return list(median * (1 + 0.01 * np.random.default_rng(0).standard_normal(40)))


def test_a_crossover_is_the_smallest_size_from_which_a_mixer_always_wins():
    slow_start = {n: rounds(1.0 + 0.001 * n) for n in TOKENS}
    quadratic = {n: rounds(0.5 + 1e-5 * n**2) for n in TOKENS}
    naive = [n for n in TOKENS if 1.0 + 0.001 * n < 0.5 + 1e-5 * n**2]
    assert find_crossover(slow_start, quadratic, TOKENS) == naive[0]
    assert find_crossover(quadratic, slow_start, TOKENS) is None


def test_equal_mixers_never_beat_each_other():
    same = {n: rounds(1.0) for n in TOKENS}
    assert find_crossover(same, same, TOKENS) is None


def test_a_mixer_wins_where_the_baseline_has_no_time():
    mixer = {n: rounds(1.0) for n in TOKENS}
    baseline = {n: rounds(1.0) for n in TOKENS[:2]}
    assert find_crossover(mixer, baseline, TOKENS) == TOKENS[2]
    assert find_crossover(baseline, mixer, TOKENS) is None


def row(mixer: str, side: int, time: float | None, macs: int) -> dict:
    return {
        "mixer": mixer,
        "reconstructed": mixer == "fwa",
        "width": 64,
        "heads": 4,
        "batch": 1,
        "side": side,
        "tokens": side**2,
        "state": "measured" if time else "out of memory",
        "reason": "" if time else "can't allocate memory",
        "macs": macs,
        "peak_memory_bytes": 10**6,
        "latency_ms_samples": rounds(time) if time else [],
        "threads": 1,
        "fingerprint": {"cpu": "some"},
    }


ROWS = [
    *(row("fwa", side, 0.1 + 1e-3 * side**2, side**2) for side in SIDES),
    *(row("softmax", side, 1e-4 * side**4 if side < 56 else None, side**4) for side in SIDES),
    *(row("none", side, 1e-3 * side**2, 0) for side in SIDES),
]


def test_a_size_without_a_time_has_its_state_in_the_table():
    columns = scaling_grid(ROWS, ["softmax"]).columns
    lines = zip(*(column.cells for column in columns), strict=True)
    headings = [column.heading for column in columns]
    table = {line[0]: dict(zip(headings, line, strict=True)) for line in lines}
    assert list(table) == ["fwa†", "softmax", "none"]
    assert table["softmax"]["N=3136 (ms)"] == "out of memory"
    assert table["softmax"]["beats (softmax)"] == "baseline"
    assert table["fwa†"]["beats (softmax)"] == "at any N"
    assert table["none"]["MACs (~ N^)"] == "-"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_hides_sizes_and_breaks_no_cell(width):
    console = Console(width=width, file=io.StringIO())
    console.print(scaling_grid(ROWS, ["softmax"], title="x"))
    text = console.file.getvalue()
    assert all(len(line) <= width for line in text.splitlines())
    assert "softmax" in text and f"N={SIDES[-1] ** 2}" in text
    for line in text.splitlines()[:8]:
        assert not line.rstrip().endswith("N=")
    narrower = Console(width=40, file=io.StringIO())
    narrower.print(scaling_grid(ROWS, ["softmax"], title="x"))
    assert "Hidden columns" in narrower.file.getvalue()


def test_all_files_are_written(tmp_path):
    names = [path.name for path in write_scaling(ROWS, ["softmax"], tmp_path)]
    assert names == ["scale.md", "scale.csv", "scale.png", "scale.pdf"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert "out of memory" in (tmp_path / "scale.md").read_text(encoding="utf-8")
    with (tmp_path / "scale.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert [json.loads(line["latency_ms_samples"]) for line in read] == [
        line["latency_ms_samples"] for line in ROWS
    ]
