"""Evaluations in processes of their own: one that dies takes nothing with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from functools import partial

import numpy as np
import pytest
import torch

from runners.data.dataset import ArraySplit
from runners.engines import local, worker
from runners.engines.task_queue import Task
from runners.evaluate import evaluate
from runners.jobs import arm_queue
from runners.jobs.arm_queue import ArmQueue
from runners.processes.isolated import process_context
from runners.progress.listener import Watch
from runners.records.errors import DataError
from runners.records.record import State
from runners.store.study import Study
from runners.training.recipe import Recipe
from tests.runners import tiny
from tests.runners.alive import alive, all_end

LONG = Recipe(epochs=25, batch_size=8)


class Journal(Watch):
    """Writes down what it is told."""

    def __init__(self):
        self.events = []

    def begin(self, evaluations):
        self.events.append(("begin", evaluations))

    def arm(self, name, seed):
        self.events.append(("arm", name, seed))

    def step(self, name, seed, step):
        self.events.append(("step", name, seed, step.images))

    def finished(self, record):
        self.events.append(("finished", record.name, record.seed))

    def of(self, kind):
        return [event[1:] for event in self.events if event[0] == kind]


@pytest.fixture
def study(tmp_path):
    def opened(arms=("none", "linear"), seeds=1, trained=True):
        return Study(
            tmp_path / "study.db", {"arms": list(arms)}, list(arms), seeds, trained=trained
        )

    return opened


def run(study, budget, watch=None, arms=("none", "linear"), costs=None):
    costs = costs or {name: tiny.costs() for name in arms}
    queue = ArmQueue(study, [tiny.arm(name) for name in arms], budget, costs, watch or Watch())
    local.run(queue, local.default_processes(budget.device, budget.threads))
    return study.records()


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    yield
    assert multiprocessing.active_children() == []


def test_arms_times_seeds(study):
    watch = Journal()
    records = run(study(seeds=2), tiny.budget(), watch)
    assert [(r.name, r.seed, r.state) for r in records] == [
        (name, seed, State.FINISHED) for name in ("none", "linear") for seed in (0, 1)
    ]
    assert watch.events[0] == ("begin", 4)
    assert sorted(watch.of("arm")) == sorted(watch.of("finished")) and len(watch.of("arm")) == 4
    assert run(study(seeds=2), tiny.budget(), watch) == records
    assert watch.events[-1] == ("begin", 0)


def test_processes_do_not_change_the_numbers(study):
    (record,) = run(study(["none"]), tiny.budget(), arms=["none"])
    here = evaluate(tiny.arm(), 0, tiny.budget(), tiny.costs())
    assert record.quality.test_accuracy == here.quality.test_accuracy
    assert record.quality.curve[0].train_loss == here.quality.curve[0].train_loss


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

    def step(self, name, seed, step):
        super().step(name, seed, step)
        if name == "none" and self.signal:
            os.kill(self.children["none"], self.signal)
            self.signal = None


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_is_killed_is_a_failed_record(study, monkeypatch, number):
    watch = Killer(number)
    watch.follow(monkeypatch)
    none, linear = run(study(), tiny.budget(LONG), watch)
    assert (none.state, none.reason) == (
        State.FAILED,
        f"the process ended with exit code {-number}",
    )
    assert none.costs == tiny.costs() and none.quality is None
    assert linear.state is State.FINISHED and linear.quality.epochs == 25
    # tried again when asked again
    assert [r.state for r in run(study(), tiny.budget())] == [State.FINISHED] * 2


def test_ctrl_c_does_not_reach_the_children(study, monkeypatch):
    watch = Killer(signal.SIGINT)
    watch.follow(monkeypatch)
    records = run(study(), tiny.budget(LONG), watch)
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


def test_an_image_that_cannot_be_read_stops_the_run(study):
    with pytest.raises(DataError, match=r"^cannot read image x.png: truncated$"):
        run(study(), tiny.budget(train=broken(Broken)))
    assert study().records() == []


class Exiting(ArraySplit):
    def images(self, indices):
        os._exit(3)


def test_an_exit_in_the_middle_is_a_failed_record(study):
    records = run(study(), tiny.budget(train=broken(Exiting)))
    assert {r.reason for r in records} == {"the process ended with exit code 3"}


def test_costs_that_are_a_reason_fail_the_arm_alone(study):
    costs = {"none": tiny.costs(), "linear": "UncountedOperator: aten::x"}
    none, linear = run(study(), tiny.budget(), costs=costs)
    assert none.state is State.FINISHED
    assert (linear.state, linear.reason) == (State.FAILED, "UncountedOperator: aten::x")


def test_costs_alone(study):
    records = run(study(trained=False), tiny.budget(None))
    assert [(r.state, r.quality) for r in records] == [(State.FINISHED, None)] * 2


class Interrupting(Journal):
    def step(self, name, seed, step):
        raise KeyboardInterrupt


def test_an_interrupt_ends_the_children_and_keeps_the_rest(study):
    with pytest.raises(KeyboardInterrupt):
        run(study(), tiny.budget(LONG), Interrupting())
    assert study().records() == []
    assert len(run(study(), tiny.budget())) == 2


@pytest.mark.parametrize(
    ("cores", "threads", "device", "expected"),
    [(2, 1, "cpu", 2), (2, 2, "cpu", 1), (8, 3, "cpu", 2), (1, 4, "cpu", 1), (8, 1, "cuda", 1)],
)
def test_as_many_at_once_as_the_cores_carry(monkeypatch, cores, threads, device, expected):
    monkeypatch.setattr(local, "usable_cores", lambda: cores)
    assert local.default_processes(torch.device(device), threads) == expected


def test_no_more_run_at_once(study, monkeypatch):
    monkeypatch.setattr(local, "usable_cores", lambda: 1)
    watch = Journal()
    run(study(seeds=2), tiny.budget(), watch)
    begun_or_ended = [event[0] for event in watch.events if event[0] in ("arm", "finished")]
    assert begun_or_ended == ["arm", "finished"] * 4


def test_fresh_processes_are_forked_from_a_server():
    assert process_context().get_start_method() in ("forkserver", "spawn")


def orphan(sender, path):
    """Begin an evaluation, say who it is, and wait to be killed."""
    budget = tiny.budget(Recipe(epochs=5000))
    made = worker.Worker(Task(0, partial(arm_queue._evaluate, tiny.arm(), 0, budget, tiny.costs())))
    sender.send(made._process.pid)
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
