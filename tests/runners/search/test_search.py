"""The search as a whole, on looked-up and analytic objectives."""

from __future__ import annotations

import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass

import pytest

from runners.engines import local
from runners.evaluators.tabulated import TabulatedEvaluator
from runners.progress.listener import Listener
from runners.records.errors import UserError
from runners.records.unavailable import Unavailable
from runners.search import samplers
from runners.search.limits import Limits
from search_space import SpaceError, tabular
from tests.runners.search import sweeps

RUNGS = {"first": 1, "eta": 2}
GP = pytest.param("gp", marks=pytest.mark.slow)  # fits its processes before each proposal


@pytest.mark.parametrize("name", [*sorted({*samplers.NAMES} - {"gp"}), GP])
def test_every_sampler_finds_as_many_results_as_asked(tmp_path, name):
    search = sweeps.run(tmp_path, sampler=name, trials=25)
    states = Counter(sweeps.table(search).values())
    assert states == {"finished": 25}
    assert not search.stop_reason


@pytest.mark.parametrize("name", ["random", "tpe", "nsga2"])
def test_equal_seeds_propose_equal_architectures(tmp_path, name):
    found = []
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        found.append(list(sweeps.table(sweeps.run(tmp_path / folder, sampler=name))))
    assert found[0] == found[1]


def test_a_resumed_search_ends_with_as_many_results_as_asked(tmp_path):
    first = sweeps.table(sweeps.run(tmp_path, trials=8))
    second = sweeps.table(sweeps.run(tmp_path, trials=20, resume=True))
    assert list(second)[:8] == list(first) and len(second) == 20
    assert sweeps.table(sweeps.run(tmp_path, trials=20, resume=True)) == second


def test_rungs_stop_trials_and_later_sessions_know_of_them(tmp_path):
    search = sweeps.run(tmp_path, trials=40, rungs=RUNGS)
    states = Counter(sweeps.table(search).values())
    assert states["pruned"] >= 15 and states["finished"] >= 4 and states.total() == 40
    rows = {row["trial"]: row for row in search.rows()}
    for row in rows.values():
        if row["state"] == "pruned":
            assert row["epochs"] in (1, 2, 4) and row["test_accuracy"] is None
            pattern = (
                rf"ranked \d+(st|nd|rd|th) of \d+ at epoch {row['epochs']}; the top half continue"
            )
            assert re.fullmatch(pattern, row["reason"])
    with sweeps.begun(tmp_path, trials=40, rungs=RUNGS, resume=True) as again:
        assert {epoch: rung.losses for epoch, rung in again._rungs.items()} == {
            epoch: rung.losses for epoch, rung in search._rungs.items()
        }


def test_processes_find_what_the_coordinator_alone_finds(tmp_path):
    evaluator = TabulatedEvaluator(Limits(), True, immediate=False)
    search = sweeps.run(tmp_path, processes=2, trials=12, evaluator=evaluator, rungs=RUNGS)
    assert Counter(sweeps.table(search).values()).total() == 12
    entries = tabular.load().entries
    for row in search.rows():
        curve = entries[row["architecture_hash"]].curve
        assert [e["val_accuracy"] for e in row["curve"]] == list(curve[: row["epochs"]])


SMALL = {
    "base": {"variant": "lolvit_nano", "resolution": 28},
    "dimensions": {"width": [0.2, 0.25, 0.3], "blocks.4": [0, 1], "fusion": ["add", "gate"]},
}
COSTS = {"macs": "minimize", "params": "minimize"}


@pytest.fixture
def impatient(monkeypatch):
    """1,000 proposals in vain take 10 seconds."""
    monkeypatch.setattr("runners.search.search._MAX_VAIN_PROPOSALS", 60)


def test_a_small_space_ends_when_all_of_it_is_evaluated(tmp_path, impatient):
    search = sweeps.run(tmp_path, space=SMALL, objectives=COSTS, trials=50)
    space = sweeps.config(space=SMALL, objectives=COSTS, trials=50).space
    assert len(sweeps.table(search)) == space.size() == 12
    assert search.stop_reason == "all architectures of the space have been evaluated"
    assert search.counts["duplicate"] <= 12


@pytest.mark.parametrize("name", ["grid", "random", "tpe", "nsga2", "qmc"])
def test_an_exhausted_space_makes_no_vain_proposals(tmp_path, name):
    search = sweeps.run(tmp_path, space=SMALL, objectives=COSTS, trials=50, sampler=name)
    assert search.counts["finished"] == 12
    assert search.counts["duplicate"] <= 12
    trials = sum(search.counts.values())
    again = sweeps.run(
        tmp_path, space=SMALL, objectives=COSTS, trials=50, sampler=name, resume=True
    )
    assert "all architectures" in again.stop_reason
    assert sum(again.counts.values()) == trials


def test_infeasible_architectures_are_recorded_and_not_evaluated(tmp_path, impatient):
    space = {**SMALL, "constraints": ["macs <= 1.5e6"]}
    search = sweeps.run(tmp_path, space=space, objectives=COSTS, trials=50)
    states = sweeps.table(search)
    assert set(states.values()) == {"finished", "infeasible"}
    for row in search.rows():
        assert (row["macs"] <= 1.5e6) == (row["state"] == "finished")
        if row["state"] == "infeasible":
            assert row["reason"] == f"macs = {row['macs']:g} violates macs <= 1.5e+06"


def test_a_space_without_feasible_architectures_is_refused(tmp_path):
    space = {**SMALL, "constraints": ["macs <= 10", "params <= 6e6"]}
    with pytest.raises(SpaceError, match=r"'macs <= 10' excludes most, 100%"):
        sweeps.run(tmp_path, space=space, objectives=COSTS)


def test_limits_on_what_is_measured_hold_before_training(tmp_path):
    bound = sorted(e.latency_ms_median for e in tabular.load().entries.values())[1500]
    space = {**tabular.load().space.to_dict(), "constraints": [f"latency_ms <= {bound}"]}
    search = sweeps.run(tmp_path, space=space, trials=15, sampler="tpe")
    for row in search.rows():
        assert (row["latency_ms_median"] <= bound) == (row["state"] == "finished")
        assert (row["val_accuracy"] is None) == (row["state"] == "infeasible")
    assert search.counts["finished"] == 15 and search.counts["infeasible"] >= 1


@dataclass(frozen=True)
class Moody:
    """An evaluator that fails, dies or works, by the width of the network."""

    inner: TabulatedEvaluator
    kind: str

    immediate = False

    def plan(self):
        return {"evaluation": "moody"}

    def provenance(self, spec):
        return self.inner.provenance(spec)

    def measure(self, spec, run_timing):
        if spec.architecture["width"] == 0.2:
            if self.kind == "fails":
                raise ArithmeticError("loss became nan")
            os.kill(os.getpid(), signal.SIGKILL)
        return self.inner.measure(spec, run_timing)

    def find_violation(self, costs):
        return ""

    def train(self, spec, on_step, should_continue):
        return self.inner.train(spec, on_step, should_continue)

    def files(self, spec):
        return ()

    def remove_files(self, spec):
        return None


class RetryCounter(Listener):
    def __init__(self):
        self.retries = Counter()

    def on_retry(self, name, seed, reason):
        self.retries[name] += 1


@pytest.mark.parametrize("name", ["nsga2", pytest.param("tpe", marks=pytest.mark.slow), GP])
def test_failures_keep_their_reason_and_do_not_stop_the_search(tmp_path, name):
    evaluator = Moody(TabulatedEvaluator(Limits(), True), "fails")
    search = sweeps.run(tmp_path, processes=2, evaluator=evaluator, trials=14, sampler=name)
    rows = search.rows()
    assert search.counts["finished"] == 14 and search.counts["failed"] >= 1
    for row in rows:
        assert (row["state"] == "failed") == (row["architecture"]["width"] == 0.2)
        assert row["state"] != "failed" or row["reason"] == "ArithmeticError: loss became nan"


@pytest.mark.slow
def test_who_kills_every_process_has_failed_after_three(tmp_path):
    watch = RetryCounter()
    evaluator = Moody(TabulatedEvaluator(Limits(), True), "dies")
    search = sweeps.run(tmp_path, 2, evaluator=evaluator, trials=12, watch=watch)
    failed = [row for row in search.rows() if row["state"] == "failed"]
    assert search.counts["finished"] == 12 and failed
    assert {row["reason"] for row in failed} == {"the process ended with exit code -9"}
    assert watch.retries.total() == 2 * len(failed)


@dataclass(frozen=True)
class Broken(Moody):
    """An evaluator that cannot measure anything from some trial on."""

    immediate = True
    first: int = 0

    def measure(self, spec, run_timing):
        if int(spec.name.split()[1]) >= self.first:
            return Unavailable(self.kind)
        return self.inner.measure(spec, run_timing)


def broken(kind="broken", first=0):
    return Broken(TabulatedEvaluator(Limits(), True), kind, first)


def test_twenty_failures_in_a_row_end_the_search(tmp_path):
    search = sweeps.run(tmp_path, evaluator=broken(first=1), trials=100)
    assert search.stop_reason == "20 trials in a row failed"
    assert search.counts["failed"] == 20


def test_first_trials_that_fail_alike_end_the_search_and_are_not_recorded(tmp_path):
    search = sweeps.run(tmp_path, evaluator=broken("no such device"), trials=100)
    assert search.stop_reason == "the first 3 trials failed alike: no such device"
    assert search.rows() == [] and not search.counts["failed"]
    again = sweeps.run(tmp_path, evaluator=broken(first=99), trials=5, resume=True)
    assert [row["state"] for row in again.rows()] == ["finished"] * 5


def test_a_deadline_ends_the_session_and_the_next_goes_on(tmp_path):
    over = time.monotonic() - 1
    assert sweeps.run(tmp_path, deadline=over).rows() == []
    assert len(sweeps.run(tmp_path, resume=True).rows()) == 20


def test_running_trials_are_retried(tmp_path):
    with sweeps.begun(tmp_path) as search:
        one, other = search.next_task(), search.next_task()
        hashes = {search._running[task.key].architecture.hash for task in (one, other)}
        search.close()
    with sweeps.begun(tmp_path, resume=True) as search:
        tasks = search.next_task(), search.next_task()
        assert {search._running[task.key].architecture.hash for task in tasks} == hashes
        assert not [t for t in search._study.running() if t.number in (one.key, other.key)]


def test_warm_starts_come_first(tmp_path):
    table = tabular.load()
    space = table.space
    seeds = [values for values, _ in zip(space.grid(), range(3), strict=False)]
    search = sweeps.run(tmp_path, first_values=seeds, trials=5)
    assert list(sweeps.table(search))[:3] == [space.architecture(v).hash for v in seeds]


def test_another_plan_is_refused_by_the_names_of_what_changed(tmp_path):
    sweeps.run(tmp_path, trials=3)
    with pytest.raises(UserError, match=r"started with a different sampler\.name; repeat"):
        sweeps.run(tmp_path, trials=3, resume=True, sampler="tpe")
    with pytest.raises(UserError, match=r"already holds a study 'test'; add --resume"):
        sweeps.run(tmp_path, trials=3)
    space = tabular.load().space.to_dict()
    space["constraints"] = ["macs <= 1e9"]
    with pytest.raises(UserError, match=r"started with a different space\.constraints;"):
        sweeps.run(tmp_path, trials=3, resume=True, space=space)


def test_a_question_about_a_dead_end_leaves_no_process(tmp_path):
    evaluator = TabulatedEvaluator(Limits(), True, immediate=False, epoch_s=5)
    with sweeps.begun(tmp_path, evaluator=evaluator, deadline=time.monotonic() + 2) as search:
        local.run(search, 2)
        search.close()
    assert search.rows() == [] and not search._running
