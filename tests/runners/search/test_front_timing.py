"""The front of a sweep is timed again, together, before it is published."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from reports.sweep.drift import RECHECKED
from runners.engines import local
from runners.jobs.read_run import read_run
from runners.jobs.sweep import sweep
from runners.processes import ProcessFailed
from runners.progress.listener import Listener
from runners.records.record import Costs
from runners.search.history import History
from runners.search.limits import Limits
from tests.runners.search import sweeps
from tests.runners.tiny import record


def timing(ratio):
    return {
        "latency_ms_median": 2 * ratio,
        "latency_ratio": ratio,
        "latency_reference_ms_median": 2.0,
    }


class Notes(Listener):
    def __init__(self):
        self.notes = []

    def on_note(self, text):
        self.notes.append(text)


def run(folder, time_together, **changes):
    job = replace(sweeps.job(folder, **changes), time_together=time_together)
    notes = Notes()
    result = sweep(job, folder, partial(local.run, processes=1), notes)
    return result.publication.front, notes.notes


def test_all_of_the_published_front_were_timed_together(tmp_path):
    calls = []

    def time_together(architectures):
        calls.append(len(architectures))
        return [timing(0.5 + 0.1 * index) for index in range(len(architectures))]

    front, notes = run(tmp_path, time_together)
    assert notes == [] and 1 <= len(calls) <= 3
    assert all(row[RECHECKED] for row in front)
    read = read_run(tmp_path, "run")
    again = {row["architecture_hash"] for row in read.rows if row[RECHECKED]}
    assert {row["architecture_hash"] for row in front} <= again


def test_a_timing_that_fails_keeps_the_first_ones(tmp_path):
    def fails(architectures):
        raise ProcessFailed("its process ended with exit code 3")

    front, notes = run(tmp_path, fails)
    assert notes == ["the front could not be timed together: its process ended with exit code 3"]
    assert front and not any(row[RECHECKED] for row in front)


@pytest.mark.parametrize(
    "objectives", [{"macs": "minimize", "params": "minimize"}, {"val_accuracy": "maximize"}]
)
def test_nothing_is_timed_where_no_latency_is_wanted(tmp_path, objectives):
    def never(architectures):
        raise AssertionError("was timed")

    front, _ = run(tmp_path, never, objectives=objectives)
    assert front


def costs(latency, ratio, reference):
    return Costs(
        params=1,
        macs=1,
        latency_ms_median=latency,
        latency_ratio=ratio,
        latency_reference_ms_median=reference,
        fingerprint={},
    )


def test_a_sampler_learns_latencies_without_drift():
    history = History({"latency_ms": "minimize"}, Limits(), {})
    records = [
        record("fwa").model_copy(update={"costs": costs(*measured), "architecture_hash": name})
        for name, measured in {"a": (3.0, 1.5, 2.0), "b": (12.0, 1.5, 8.0)}.items()
    ]
    for number, one in enumerate(records):
        history.add(number, {}, one)
    assert history.reference_ms == 2.0
    assert [history.values_for_sampler(one)[0] for one in records] == [(3.0,), (3.0,)]
