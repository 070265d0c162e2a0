"""The study survives anything that happens between two of its lines."""

from __future__ import annotations

import sqlite3

import optuna
import pytest

from runners.records.errors import UserError
from runners.records.record import State
from runners.records.unavailable import Unavailable
from runners.store.study import Study, stored_records
from tests.runners import tiny

PLAN = {"arms": {"none": {}, "fwa": {}}, "dataset": {"name": "tiny"}, "recipe": {"epochs": 1}}
ARMS = ["none", "fwa"]


@pytest.fixture
def opened(tmp_path):
    def open_study(seeds=1, *, plan=PLAN, arms=ARMS, trained=True, file=tmp_path / "study.db"):
        return Study(file, plan, arms, seeds, trained=trained)

    return open_study


def work(study, *, upto=99, **changes):
    """Evaluate what waits; gives the keys evaluated."""
    keys = []
    for _ in range(min(study.enqueue(), upto)):
        trial, (name, seed) = study.ask()
        study.tell(trial, tiny.record(name, seed, **changes))
        keys.append((name, seed))
    return keys


def states(file):
    study = optuna.load_study(study_name="run", storage=f"sqlite:///{file}")
    return [trial.state.name for trial in study.trials]


def test_everything_once_in_order(opened, tmp_path):
    study = opened(2)
    assert work(study) == [("none", 0), ("fwa", 0), ("none", 1), ("fwa", 1)]
    assert [(r.name, r.seed) for r in study.records()] == [
        ("none", 0),
        ("none", 1),
        ("fwa", 0),
        ("fwa", 1),
    ]
    assert opened(2).enqueue() == 0
    assert opened(2).records() == study.records() == stored_records(tmp_path / "study.db")
    assert states(tmp_path / "study.db") == ["COMPLETE"] * 4


def test_values_of_the_trials_are_accuracy_and_latency(opened, tmp_path):
    work(opened(), accuracy=0.75)
    study = optuna.load_study(study_name="run", storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert [trial.values for trial in study.trials] == [[0.75, 2.0]] * 2
    assert [d.name for d in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.trials[1].params == {"arm": "fwa", "seed": 0}


def test_costs_alone_have_latency_alone(opened, tmp_path):
    study = opened(trained=False)
    for _ in range(study.enqueue()):
        trial, (name, seed) = study.ask()
        record = tiny.record(name, seed).model_copy(update={"quality": None})
        study.tell(trial, record)
    loaded = optuna.load_study(study_name="run", storage=f"sqlite:///{tmp_path / 'study.db'}")
    assert [trial.values for trial in loaded.trials] == [[2.0]] * 2


def test_an_orphan_without_a_record_is_tried_again(opened, tmp_path):
    study = opened()
    study.enqueue()
    study.ask()  # and then the process was killed
    again = opened()
    assert again.records() == []
    assert sorted(work(again)) == [("fwa", 0), ("none", 0)]
    assert sorted(states(tmp_path / "study.db")) == ["COMPLETE", "COMPLETE", "FAIL"]
    assert len(again.records()) == 2


@pytest.mark.parametrize("reason", ["", "it broke"])
def test_an_orphan_with_a_record_is_closed_with_it(opened, tmp_path, reason):
    study = opened()
    study.enqueue()
    trial, (name, seed) = study.ask()
    record = tiny.record(name, seed, reason=reason)
    trial.set_user_attr("record", record.model_dump(mode="json"))  # killed between two lines
    again = opened()
    evaluated = work(again)
    assert ((name, seed) in evaluated) == bool(reason)  # finished never, failed again
    assert "RUNNING" not in states(tmp_path / "study.db")
    if not reason:
        assert again.records()[0] == record


def test_a_queue_that_was_left_is_used_not_doubled(opened):
    opened(2).enqueue()
    assert opened(2).enqueue() == opened(2).enqueue() == 4


def test_failed_is_tried_again_and_the_newest_record_counts(opened):
    study = opened()
    assert len(work(study, reason="ZeroDivisionError: x")) == 2
    assert [r.state for r in study.records()] == [State.FAILED] * 2
    again = opened()
    assert sorted(work(again)) == [("fwa", 0), ("none", 0)]
    assert [(r.state, r.reason) for r in again.records()] == [(State.FINISHED, "")] * 2
    assert opened().enqueue() == 0


def test_a_second_failure_keeps_the_newer_reason(opened):
    work(opened(), reason="first")
    work(opened(), reason="second")
    assert {r.reason for r in opened().records()} == {"second"}


def test_seeds_may_grow(opened):
    work(opened(1))
    kept = opened(1).records()
    assert work(opened(3)) == [("none", 1), ("fwa", 1), ("none", 2), ("fwa", 2)]
    assert [r for r in opened(3).records() if r.seed == 0] == kept


def test_fewer_seeds_lose_nothing(opened):
    work(opened(2))
    study = opened(1)
    assert study.enqueue() == 0 and len(study.records()) == 4


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"recipe": {"epochs": 2}}, "another recipe;"),
        ({"recipe": None}, "another recipe;"),
        ({"dataset": {"name": "tiny", "checksum": "0"}}, "another dataset;"),
        ({"arms": {"none": {}}}, "another arms;"),
        ({"device": "cuda", "arms": {}}, "another arms, device;"),
    ],
)
def test_another_plan_is_refused_by_name(opened, changes, named):
    work(opened())
    before = opened().records()
    with pytest.raises(UserError, match=named) as caught:
        opened(plan=PLAN | changes)
    assert "\n" not in str(caught.value)
    assert opened().records() == before


def test_plans_are_compared_as_json(opened):
    opened(plan={"a": (1, 2)})
    opened(plan={"a": [1, 2]})


def test_costs_are_kept_with_their_reasons(opened):
    assert opened().costs == {}
    costs = {"none": tiny.costs(1.25), "fwa": Unavailable("UncountedOperator: aten::x")}
    opened().keep_costs(costs)
    assert opened().costs == costs


def refused(action, *words):
    with pytest.raises(UserError) as caught:
        action()
    text = str(caught.value)
    assert "\n" not in text and all(word in text for word in words), text


def test_a_file_that_is_no_database(opened, tmp_path):
    file = tmp_path / "study.db"
    content = b"not a database at all, but longer than a page" * 99
    file.write_bytes(content)
    refused(opened, str(file))
    refused(lambda: stored_records(file), str(file))
    assert file.read_bytes() == content


def test_a_database_that_is_no_study(tmp_path):
    file = tmp_path / "study.db"
    with sqlite3.connect(file) as connection:
        connection.execute("create table cats (name text)")
    refused(lambda: stored_records(file), str(file), "is no study of this suite")


@pytest.mark.parametrize("name", ["run", "somebody else's"])
def test_another_optuna_study(opened, tmp_path, name):
    file = tmp_path / "study.db"
    other = optuna.create_study(storage=f"sqlite:///{file}", study_name=name)
    other.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    refused(opened, str(file))
    loaded = optuna.load_study(study_name=name, storage=f"sqlite:///{file}")
    assert len(loaded.trials) == 2 and "plan" not in loaded.user_attrs
    assert optuna.get_all_study_names(f"sqlite:///{file}") == [name]
    if name != "run":
        refused(lambda: stored_records(file), str(file))


def test_a_folder_without_a_study(tmp_path):
    refused(lambda: stored_records(tmp_path / "study.db"), str(tmp_path), "study.db is missing")


def test_a_file_that_cannot_be_made(opened, tmp_path):
    refused(lambda: opened(file=tmp_path / "nowhere" / "study.db"), "nowhere")


def test_a_study_killed_before_its_plan_was_stored(opened, tmp_path):
    optuna.create_study(
        storage=f"sqlite:///{tmp_path / 'study.db'}",
        study_name="run",
        directions=["maximize", "minimize"],
    )
    assert stored_records(tmp_path / "study.db") == []
    assert len(work(opened())) == 2


def test_an_empty_file_is_a_new_study(opened, tmp_path):
    (tmp_path / "study.db").write_bytes(b"")
    assert len(work(opened())) == 2
