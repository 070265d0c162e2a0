"""The study of a run survives anything that happens between two of its writes."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager

import optuna
import pytest

from runners.jobs.arm_queue import ArmQueue, open_arm_study, store_costs, stored_costs
from runners.progress.listener import Listener
from runners.records.errors import UserError
from runners.records.record import State
from runners.records.unavailable import Unavailable
from runners.store import open_storage
from runners.store.study import RUN_STUDY, read_records
from tests.runners import tiny

PLAN = {"arms": {"none": {}, "fwa": {}}, "dataset": {"name": "tiny"}, "recipe": {"epochs": 1}}
ARMS = ["none", "fwa"]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "study.db"


@contextmanager
def open_study(file, *, plan=PLAN, trained=True, may_lack=()):
    with open_storage(file, study=RUN_STUDY) as storage:
        yield open_arm_study(storage, file, plan, ARMS, trained=trained, may_lack=may_lack)


def queue_of(study, seeds=1):
    evaluators = {name: tiny.evaluator() for name in ARMS}
    return ArmQueue(study, [tiny.spec(name) for name in ARMS], evaluators, seeds, Listener())


def work(file, seeds=1, *, upto=99, **changes):
    """Complete the queued tasks with records; returns their keys."""
    keys = []
    with open_study(file) as study:
        queue = queue_of(study, seeds)
        while len(keys) < upto and (task := queue.next_task()) is not None:
            queue.complete(task, tiny.record(*task.key, **changes))
            keys.append(task.key)
    return keys


def queued(file, seeds=1):
    with open_study(file) as study:
        return queue_of(study, seeds)._remaining


def trials(file):
    return optuna.load_study(study_name="run", storage=f"sqlite:///{file}").trials


def states(file):
    return [trial.state.name for trial in trials(file)]


def test_every_arm_with_every_seed_in_order(file):
    assert work(file, 2) == [("none", 0), ("fwa", 0), ("none", 1), ("fwa", 1)]
    assert [(record.name, record.seed) for record in read_records(file)] == [
        ("none", 0),
        ("none", 1),
        ("fwa", 0),
        ("fwa", 1),
    ]
    assert queued(file, 2) == 0
    assert states(file) == ["COMPLETE"] * 4


def test_values_of_the_trials_are_accuracy_and_latency(file):
    work(file, accuracy=0.75)
    study = optuna.load_study(study_name="run", storage=f"sqlite:///{file}")
    assert [trial.values for trial in study.trials] == [[0.75, 2.0]] * 2
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.trials[1].params == {"arm": "fwa", "seed": 0}


def test_without_training_the_latency_is_the_only_value(file):
    with open_study(file, trained=False) as study:
        queue = queue_of(study)
        while (task := queue.next_task()) is not None:
            queue.complete(task, tiny.record(*task.key).model_copy(update={"quality": None}))
    assert [trial.values for trial in trials(file)] == [[2.0]] * 2


def test_an_orphan_without_a_record_is_retried(file):
    with open_study(file) as study:
        queue_of(study).next_task()  # and then the process is killed
    assert read_records(file) == []
    assert sorted(work(file)) == [("fwa", 0), ("none", 0)]
    assert sorted(states(file)) == ["COMPLETE", "COMPLETE", "FAIL"]
    assert len(read_records(file)) == 2


@pytest.mark.parametrize("reason", ["", "it broke"])
def test_an_orphan_with_a_record_ends_with_it(file, reason):
    with open_study(file) as study:
        queue = queue_of(study)
        task = queue.next_task()
        record = tiny.record(*task.key, reason=reason)
        study.store_record(queue._trials[task.key], record)  # killed before the trial is ended
    evaluated = work(file)
    assert (task.key in evaluated) == bool(
        reason
    )  # a finished one is not repeated, a failed one is
    assert "RUNNING" not in states(file)
    if not reason:
        assert read_records(file)[0] == record


def test_a_queue_that_was_left_is_used_and_not_doubled(file):
    assert queued(file, 2) == queued(file, 2) == queued(file, 2) == 4


def test_a_failed_arm_is_retried_and_the_newest_record_counts(file):
    assert len(work(file, reason="ZeroDivisionError: x")) == 2
    assert [record.state for record in read_records(file)] == [State.FAILED] * 2
    assert sorted(work(file)) == [("fwa", 0), ("none", 0)]
    assert [(r.state, r.reason) for r in read_records(file)] == [(State.FINISHED, "")] * 2
    assert queued(file) == 0


def test_a_second_failure_keeps_the_newer_reason(file):
    work(file, reason="first")
    work(file, reason="second")
    assert {record.reason for record in read_records(file)} == {"second"}


def test_seeds_may_grow(file):
    work(file, 1)
    first = read_records(file)
    assert work(file, 3) == [("none", 1), ("fwa", 1), ("none", 2), ("fwa", 2)]
    assert [record for record in read_records(file) if record.seed == 0] == first


def test_fewer_seeds_lose_nothing(file):
    work(file, 2)
    assert queued(file, 1) == 0 and len(read_records(file)) == 4


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"recipe": {"epochs": 2}}, r"a different recipe\.epochs;"),
        ({"recipe": None}, "a different recipe;"),
        ({"dataset": {"name": "tiny", "checksum": "0"}}, r"a different dataset\.checksum;"),
        ({"arms": {"none": {}}}, r"a different arms\.fwa;"),
        ({"device": "cuda", "recipe": {}}, r"a different device, recipe\.epochs;"),
    ],
)
def test_another_plan_is_refused_with_the_names_of_what_differs(file, changes, names):
    work(file)
    before = read_records(file)
    with pytest.raises(UserError, match=names) as caught, open_study(file, plan=PLAN | changes):
        pass
    assert "\n" not in str(caught.value) and "may change --seeds" in str(caught.value)
    assert read_records(file) == before


def test_a_plan_may_lack_what_earlier_versions_did_not_store(file):
    work(file)
    plan = PLAN | {"protocol": {"rounds": 10}}
    with open_study(file, plan=plan, may_lack=["protocol"]) as study:
        assert study.lacks == ["protocol"]
    with pytest.raises(UserError, match="a different protocol"), open_study(file, plan=plan):
        pass
    with open_study(file, may_lack=["protocol"]) as study:
        assert study.lacks == []


def test_plans_are_compared_as_json(file):
    with open_study(file, plan={"a": (1, 2)}):
        pass
    with open_study(file, plan={"a": [1, 2]}):
        pass


def test_costs_are_stored_with_their_reasons(file):
    costs = {"none": tiny.costs(1.25), "fwa": Unavailable("UncountedOperator: aten::x")}
    with open_study(file) as study:
        assert stored_costs(study) == {}
        store_costs(study, costs)
    with open_study(file) as study:
        assert stored_costs(study) == costs


def refused(action, *words):
    with pytest.raises(UserError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text


def open_and_close(file):
    with open_study(file):
        pass


def test_a_file_that_is_not_a_database(file):
    content = b"not a database at all, but longer than a page" * 99
    file.write_bytes(content)
    refused(lambda: open_and_close(file), str(file))
    refused(lambda: read_records(file), str(file))
    assert file.read_bytes() == content


def test_a_database_that_is_not_a_study(file):
    with sqlite3.connect(file) as connection:
        connection.execute("create table cats (name text)")
    refused(lambda: read_records(file), str(file))


@pytest.mark.parametrize("name", ["run", "somebody else's"])
def test_a_study_of_another_program(file, name):
    other = optuna.create_study(storage=f"sqlite:///{file}", study_name=name)
    other.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    refused(lambda: open_and_close(file), str(file))
    loaded = optuna.load_study(study_name=name, storage=f"sqlite:///{file}")
    assert len(loaded.trials) == 2 and "plan" not in loaded.user_attrs
    assert optuna.get_all_study_names(f"sqlite:///{file}") == [name]
    if name != "run":
        refused(lambda: read_records(file), str(file), "is not a study of this suite")


def test_a_folder_without_a_study(file):
    refused(lambda: read_records(file), str(file.parent), "study.db is missing")


def test_a_file_that_cannot_be_made(tmp_path):
    refused(lambda: open_and_close(tmp_path / "nowhere" / "study.db"), "nowhere")


def test_a_study_killed_before_its_plan_was_stored(file):
    optuna.create_study(
        storage=f"sqlite:///{file}", study_name="run", directions=["maximize", "minimize"]
    )
    assert read_records(file) == []
    assert len(work(file)) == 2


def test_an_empty_file_is_a_new_study(file):
    file.write_bytes(b"")
    assert len(work(file)) == 2
