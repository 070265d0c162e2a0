"""Latencies of a sweep are free of the drift of its machine."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.sweep.csv_files import trials_csv
from reports.sweep.drift import with_front_timings, without_drift
from reports.sweep.notes import latency_text
from reports.sweep.summary import summarise_sweep
from tests.reports.sweep.sweep_rows import TWO, trial

factors = st.lists(st.floats(0.2, 5.0), min_size=2, max_size=8)


def drifting(networks, speeds, reference=2.0):
    """Trials of networks whose latencies the machine multiplies by its speed at that time."""
    return [
        trial(
            number,
            accuracy=0.7 + 0.01 * number,
            latency=network * speed,
            latency_ratio=network / reference,
            latency_reference_ms_median=reference * speed,
        )
        for number, (network, speed) in enumerate(zip(networks, speeds, strict=True))
    ]


@given(factors)
def test_a_machine_that_drifts_gives_the_latencies_of_one_that_does_not(speeds):
    networks = np.linspace(1.0, 3.0, len(speeds)).tolist()
    rows, reference = without_drift(drifting(networks, speeds))
    middle = float(np.median(speeds))
    assert reference == pytest.approx(2.0 * middle)
    latencies = [row["latency_ms_median"] for row in rows]
    assert latencies == pytest.approx([network * middle for network in networks])
    raw = [network * speed for network, speed in zip(networks, speeds, strict=True)]
    assert [row["latency_ms_raw"] for row in rows] == pytest.approx(raw)


def test_the_front_is_that_of_the_ratios():
    """The slower network was timed on a faster machine: it seemed to be better in everything."""
    rows = drifting([1.0, 1.5], [4.0, 1.0])
    raw = [row["latency_ms_median"] for row in rows]
    assert raw[1] < raw[0]
    summary = summarise_sweep(rows, objectives=TWO)
    assert [row["trial"] for row in summary.front.rows] == [0, 1]
    assert "the drift of the machine is out" in latency_text(summary)
    cells = list(csv.DictReader(io.StringIO(trials_csv(summary))))
    assert [float(cell["latency_ms_raw"]) for cell in cells] == raw


def test_rows_without_a_reference_keep_their_latency():
    rows = [trial(0, latency=3.0), trial(1, latency=4.0)]
    kept, reference = without_drift(rows)
    assert kept == rows and reference is None
    mixed, reference = without_drift([*drifting([1.0], [2.0]), trial(1, latency=4.0)])
    assert reference == 4.0 and mixed[1]["latency_ms_median"] == 4.0


@pytest.mark.parametrize(
    ("timed", "words"),
    [
        ((), "was not timed again together"),
        ((0,), "1 of the front's 2 were timed again"),
        ((0, 1), "all of the front were timed again together"),
    ],
)
def test_the_notes_say_what_was_timed_again(timed, words):
    rows = drifting([1.0, 1.5], [1.0, 1.0])
    timings = {
        rows[number]["architecture_hash"]: {
            "latency_ms_median": 9.0,
            "latency_ratio": 0.6 + number,
            "latency_reference_ms_median": 2.0,
        }
        for number in timed
    }
    summary = summarise_sweep(with_front_timings(rows, timings), objectives=TWO)
    assert words in latency_text(summary)
    for number in timed:
        assert summary.rows[number]["latency_ms_median"] == pytest.approx(2 * (0.6 + number))
