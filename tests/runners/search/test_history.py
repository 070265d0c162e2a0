"""What the sampler receives for each state of a trial, and how often lost trials are retried."""

from __future__ import annotations

import pytest
from optuna.trial import TrialState

from runners.evaluators.tabulated import TabulatedEvaluator
from runners.records.record import Costs, Epoch, Provenance, Quality, Record, State
from runners.search.history import History
from runners.search.limits import Limits
from search_space.constraint import Constraint
from tests.runners.search import sweeps

OBJECTIVES = {"val_accuracy": "maximize", "latency_ms": "minimize"}
LIMITS = Limits((Constraint("macs", True, 100),))


def make_record(hash_, state, *, accuracy=None, latency=None, macs=50):
    quality = None
    if accuracy is not None:
        curve = [Epoch(epoch=1, train_loss=None, val_accuracy=accuracy, images_per_s=None)]
        quality = Quality(
            val_accuracy=accuracy,
            curve=curve,
            weights="ema",
            epochs=1,
            train_images=1,
            val_images=1,
            test_images=1,
            train_seconds=0.0,
        )
    costs = None
    if macs is not None:
        costs = Costs(macs=macs, params=1, latency_ms_median=latency, fingerprint={})
    return Record(
        name="trial",
        architecture={},
        architecture_hash=hash_,
        reconstructed=False,
        seed=0,
        state=state,
        costs=costs,
        quality=quality,
        provenance=Provenance(
            dataset="none",
            dataset_checksum="",
            dataset_note="",
            resolution=28,
            recipe={},
            fingerprint={},
        ),
    )


@pytest.fixture
def history():
    """Two finished trials, and a pruned one that is worst in accuracy."""
    history = History(OBJECTIVES, LIMITS, {})
    for number, (state, accuracy, latency) in enumerate(
        [(State.FINISHED, 0.9, 4.0), (State.FINISHED, 0.8, 2.0), (State.PRUNED, 0.3, 1.0)]
    ):
        record = make_record(str(number), state, accuracy=accuracy, latency=latency)
        history.add(number, {}, record)
    return history


def test_finished_and_pruned_trials_are_reported_with_their_values(history):
    for state in (State.FINISHED, State.PRUNED):
        values, constraints = history.values_for_sampler(
            make_record("x", state, accuracy=0.7, latency=3.0)
        )
        assert values == (0.7, 3.0)
        assert constraints == {"macs <= 100": -0.5, "fails": 0.0}


def test_failed_trials_have_the_worst_values_and_break_a_constraint(history):
    failed = make_record("x", State.FAILED, macs=None)
    history.add(3, {}, failed)
    values, constraints = history.values_for_sampler(failed)
    assert values == (0.3, 4.0)  # the worst of each objective, not of one trial
    assert constraints == {"fails": 1.0}


def test_a_trial_that_fails_after_it_was_measured_reports_its_costs(history):
    failed = make_record("x", State.FAILED, latency=9.0, macs=150)
    values, constraints = history.values_for_sampler(failed)
    assert values == (0.3, 4.0)
    assert constraints == {"macs <= 100": 0.5, "fails": 1.0}


def test_infeasible_trials_break_their_constraint_and_do_not_fail(history):
    values, constraints = history.values_for_sampler(make_record("x", State.INFEASIBLE, macs=300))
    assert values == (0.3, 4.0)
    assert constraints == {"macs <= 100": 2.0, "fails": 0.0}


def test_failed_and_infeasible_trials_do_not_change_the_worst_values(history):
    for number, state in enumerate((State.FAILED, State.INFEASIBLE), 3):
        history.add(number, {}, make_record(str(number), state, accuracy=0.1, latency=99.0))
    values, _ = history.values_for_sampler(make_record("x", State.FAILED))
    assert values == (0.3, 4.0)
    assert history.results == 3


def test_a_failed_first_trial_has_neutral_values():
    values, constraints = History(OBJECTIVES, LIMITS, {}).values_for_sampler(
        make_record("x", State.FAILED)
    )
    assert [abs(value) for value in values] == [0.0, 0.0] and constraints["fails"] == 1.0


def test_a_rung_compares_the_accuracy_at_its_own_epoch(history):
    record = make_record("x", State.FINISHED, accuracy=0.9, latency=2.0)
    early = record.quality.curve[0].model_copy(update={"val_accuracy": 0.2})
    late = record.quality.curve[0].model_copy(update={"epoch": 2})
    quality = record.quality.model_copy(update={"curve": [early, late], "epochs": 2})
    record = record.model_copy(update={"quality": quality})
    assert history.loss_at(record, 1) == (-0.2, 2.0)
    assert history.loss_at(record, 2) == (-0.9, 2.0)


def test_a_trial_may_lose_its_process_twice(tmp_path):
    with sweeps.begun(
        tmp_path, evaluator=TabulatedEvaluator(Limits(), True, immediate=False)
    ) as search:
        hashes, numbers = [], []
        for _ in range(3):
            task = search.next_task()
            hashes.append(search._running[task.key].architecture.hash)
            numbers.append(task.key)
            search.report_lost(task, "the process ended with exit code -9")
            assert not search._running
        assert len(set(hashes)) == 1 and len(set(numbers)) == 3  # retried first, as a new trial
        task = search.next_task()
        assert search._running[task.key].architecture.hash != hashes[0]
        search.close()
        assert sweeps.table(search) == {hashes[0]: "failed"}
        (row,) = search.rows()
        assert row["reason"] == "the process ended with exit code -9"


def test_a_trial_that_makes_no_progress_is_not_tried_again(tmp_path):
    evaluator = TabulatedEvaluator(Limits(), True, immediate=False)
    with sweeps.begun(tmp_path, evaluator=evaluator) as search:
        task = search.next_task()
        first = search._running[task.key].architecture.hash
        search.report_lost(task, "made no progress", retry=False)
        assert search._running == {}
        task = search.next_task()
        assert search._running[task.key].architecture.hash != first
        search.close()
        assert sweeps.table(search) == {first: "failed"}


def test_the_study_tells_the_sampler_of_failures_as_broken_constraints(tmp_path):
    with sweeps.begun(
        tmp_path, evaluator=TabulatedEvaluator(Limits(), True, immediate=False)
    ) as search:
        for _ in range(3):
            task = search.next_task()
            search.report_lost(task, "the process ended with exit code -9")
        search.close()
        trials = search._study._study.get_trials()
    *lost, failed = trials[:3]
    assert [trial.state for trial in lost] == [TrialState.FAIL] * 2
    assert failed.state is TrialState.COMPLETE
    assert [abs(value) for value in failed.values] == [0.0, 0.0]
    assert failed.system_attrs["constraints:fails"] == 1.0
