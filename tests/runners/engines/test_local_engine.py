"""Evaluations in processes of their own: one that dies takes nothing with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from runners.data.dataset import ArraySplit
from runners.engines import local, worker
from runners.engines.task_queue import Task
from runners.evaluate import evaluate
from runners.jobs.arm_queue import ArmQueue, open_arm_study
from runners.processes.isolated import process_context
from runners.processes.patience import DEFAULT_PATIENCE_S
from runners.progress.listener import Listener
from runners.records.errors import DataError
from runners.records.record import State
from runners.records.unavailable import Unavailable
from runners.store import open_storage
from runners.store.study import RUN_STUDY, read_records
from runners.training.recipe import Recipe
from tests.runners import tiny
from tests.runners.alive import alive, all_end

LONG = Recipe(epochs=25, batch_size=8)


class Journal(Listener):
    """Stores all events."""

    def __init__(self):
        self.events = []

    def on_total(self, evaluations):
        self.events.append(("total", evaluations))

    def on_start(self, name, seed):
        self.events.append(("start", name, seed))

    def on_step(self, name, seed, step):
        self.events.append(("step", name, seed, step.images))

    def on_end(self, record):
        self.events.append(("end", record.name, record.seed))

    def of(self, kind):
        return [event[1:] for event in self.events if event[0] == kind]


@pytest.fixture
def run(tmp_path):
    """Evaluate the arms that the study in the test's folder lacks; returns all its records."""

    def run(
        evaluator=None,
        listener=None,
        arms=("none", "linear"),
        seeds=1,
        costs=(),
        patience_s=DEFAULT_PATIENCE_S,
    ):
        evaluator = evaluator or tiny.evaluator()
        evaluators = {
            name: replace(evaluator, costs=dict(costs).get(name, tiny.costs())) for name in arms
        }
        file = tmp_path / "study.db"
        with open_storage(file, study=RUN_STUDY) as storage:
            trained = evaluator.recipe is not None
            study = open_arm_study(storage, file, {"arms": list(arms)}, arms, trained=trained)
            specs = [tiny.spec(name) for name in arms]
            queue = ArmQueue(study, specs, evaluators, seeds, listener or Listener())
            local.run(queue, local.default_processes(torch.device("cpu"), 1), patience_s)
        return read_records(file)

    return run


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert multiprocessing.active_children() == []


def test_every_arm_with_every_seed(run):
    journal = Journal()
    records = run(listener=journal, seeds=2)
    assert [(r.name, r.seed, r.state) for r in records] == [
        (name, seed, State.FINISHED) for name in ("none", "linear") for seed in (0, 1)
    ]
    assert journal.events[0] == ("total", 4)
    assert sorted(journal.of("start")) == sorted(journal.of("end"))
    assert len(journal.of("start")) == 4
    assert run(listener=journal, seeds=2) == records
    assert journal.events[-1] == ("total", 0)


def test_processes_do_not_change_the_numbers(run):
    (record,) = run(arms=["none"])
    local_record = tiny.run()
    assert record.quality.test_accuracy == local_record.quality.test_accuracy
    assert record.quality.curve[0].train_loss == local_record.quality.curve[0].train_loss


class Killer(Journal):
    """Kills the process of the first arm at its first step."""

    def __init__(self, signal_number):
        super().__init__()
        self.signal, self.children = signal_number, {}

    def follow(self, monkeypatch):
        start = worker.Worker.__init__

        def starting(begun, task):
            start(begun, task)
            self.children[task.key[0]] = begun._process.pid

        monkeypatch.setattr(worker.Worker, "__init__", starting)

    def on_step(self, name, seed, step):
        super().on_step(name, seed, step)
        if name == "none" and self.signal:
            os.kill(self.children["none"], self.signal)
            self.signal = None


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGSEGV, marks=pytest.mark.slow)]
)
def test_a_process_that_is_killed_is_a_failed_record(run, monkeypatch, number):
    killer = Killer(number)
    killer.follow(monkeypatch)
    none, linear = run(tiny.evaluator(LONG), killer)
    assert (none.state, none.reason) == (
        State.FAILED,
        f"the process ended with exit code {-number}",
    )
    assert none.costs == tiny.costs() and none.quality is None
    assert linear.state is State.FINISHED and linear.quality.epochs == 25
    # A resumed run retries it.
    assert [r.state for r in run()] == [State.FINISHED] * 2


def test_ctrl_c_does_not_reach_the_children(run, monkeypatch):
    killer = Killer(signal.SIGINT)
    killer.follow(monkeypatch)
    records = run(tiny.evaluator(LONG), killer)
    assert [r.state for r in records] == [State.FINISHED] * 2


class Broken(ArraySplit):
    """Cannot be read after the first time (the one that fits the colours)."""

    lazy = True

    def images(self, indices):
        if len(indices) == 8:
            raise DataError("cannot read image x.png: truncated")
        return super().images(indices)


def broken(kind):
    source = tiny.split(24)
    return kind(source.images(np.arange(24)), source.labels)


def test_an_image_that_cannot_be_read_stops_the_run(run, tmp_path):
    with pytest.raises(DataError, match=r"^cannot read image x.png: truncated$"):
        run(tiny.evaluator(train=broken(Broken)))
    assert read_records(tmp_path / "study.db") == []


class Exiting(ArraySplit):
    def images(self, indices):
        os._exit(3)


def test_an_exit_in_the_middle_is_a_failed_record(run):
    records = run(tiny.evaluator(train=broken(Exiting)))
    assert {r.reason for r in records} == {"the process ended with exit code 3"}


class Endless(ArraySplit):
    def images(self, indices):
        time.sleep(600)


def test_a_training_without_progress_is_a_failed_record(run):
    begin = time.monotonic()
    records = run(tiny.evaluator(train=broken(Endless)), patience_s=3)
    assert time.monotonic() - begin < 120
    assert {(r.state, r.reason) for r in records} == {
        (State.FAILED, "made no progress for 3 s (--patience)")
    }


@pytest.mark.slow
def test_a_training_that_goes_on_is_not_ended(run):
    """Its steps take longer than the patience together, none of them alone."""
    records = run(tiny.evaluator(replace(LONG, epochs=200)), arms=("none",), patience_s=10)
    assert records[0].state is State.FINISHED


def test_unavailable_costs_fail_only_their_arm(run):
    none, linear = run(costs={"linear": Unavailable("UncountedOperator: aten::x")})
    assert none.state is State.FINISHED
    assert (linear.state, linear.reason) == (State.FAILED, "UncountedOperator: aten::x")


def test_costs_only(run):
    records = run(tiny.evaluator(None))
    assert [(r.state, r.quality) for r in records] == [(State.FINISHED, None)] * 2


class Interrupting(Journal):
    def on_step(self, name, seed, step):
        raise KeyboardInterrupt


def test_an_interrupt_ends_the_workers_and_keeps_the_study(run, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(tiny.evaluator(LONG), Interrupting())
    assert read_records(tmp_path / "study.db") == []
    assert len(run()) == 2


@pytest.mark.parametrize(
    ("cores", "threads", "device", "expected"),
    [(2, 1, "cpu", 2), (2, 2, "cpu", 1), (8, 3, "cpu", 2), (1, 4, "cpu", 1), (8, 1, "cuda", 1)],
)
def test_as_many_at_once_as_the_cores_carry(monkeypatch, cores, threads, device, expected):
    monkeypatch.setattr(local, "usable_cores", lambda: cores)
    assert local.default_processes(torch.device(device), threads) == expected


def test_no_more_run_at_once(run, monkeypatch):
    monkeypatch.setattr(local, "usable_cores", lambda: 1)
    journal = Journal()
    run(listener=journal, seeds=2)
    kinds = [event[0] for event in journal.events if event[0] in ("start", "end")]
    assert kinds == ["start", "end"] * 4


def test_fresh_processes_are_forked_from_a_server():
    assert process_context().get_start_method() in ("forkserver", "spawn")


def orphan(sender, path):
    """Begin an evaluation, say who it is, and wait to be killed."""
    evaluator = tiny.evaluator(Recipe(epochs=5000))
    started = worker.Worker(Task(0, partial(evaluate, tiny.spec(), evaluator)))
    sender.send(started._process.pid)
    threading.Event().wait()


def test_children_do_not_outlive_a_killed_parent(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    receiver, sender = spawn.Pipe(duplex=False)
    parent = spawn.Process(target=orphan, args=(sender, tmp_path))
    parent.start()
    assert receiver.poll(60)
    pid = receiver.recv()
    assert alive(pid)
    parent.kill()
    parent.join()
    if not all_end([pid], 10):
        os.kill(pid, signal.SIGKILL)
        raise AssertionError("the evaluation outlived its parent by 10 s")
