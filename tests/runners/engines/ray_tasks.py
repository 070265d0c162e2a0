"""Tasks of the Ray tests and a queue for them; workers import them from this module."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from functools import partial
from pathlib import Path

import ray

from runners.engines.task_queue import Task
from runners.records.errors import DataError, UserError, named_line
from runners.records.record import Provenance, Quality, Record, State


def record(key, state=State.FINISHED, epochs=1, reason=""):
    return Record(
        name=f"trial {key}",
        architecture={},
        architecture_hash=str(key),
        reconstructed=False,
        seed=0,
        state=state,
        reason=reason,
        quality=Quality(
            val_accuracy=0.5,
            curve=[],
            weights="raw",
            epochs=epochs,
            train_images=1,
            val_images=1,
            test_images=1,
            train_seconds=1.0,
        ),
        provenance=Provenance(
            dataset="none",
            dataset_checksum="00",
            dataset_note="",
            resolution=16,
            recipe={},
            fingerprint={},
        ),
    )


def train(epochs, key, on_step, should_continue, timing):
    for epoch in range(1, epochs):
        if not should_continue(record(key, State.PRUNED, epoch)):
            raise AssertionError("a stopped training returned")
    return record(key, epochs=epochs)


def die_at(count, file, key, on_step, should_continue, timing):
    """Append to the file, and kill this process the first `count` times."""
    with open(file, "a") as visits:
        visits.write(f"{os.getpid()}\n")
    if len(Path(file).read_text().split()) <= count:
        os.kill(os.getpid(), signal.SIGKILL)
    return record(key)


def continue_from_file(file, removes_file, key, on_step, should_continue, timing):
    """Train three epochs, saving each; the first process dies after two, maybe with the file."""
    done = int(file.read_text()) if file.exists() else 0
    began = done
    while done < 3:
        if done and not should_continue(record(key, State.PRUNED, done)):
            raise AssertionError
        if done == 2 and began == 0:
            if removes_file:
                file.unlink()
            os._exit(1)
        done += 1
        file.parent.mkdir(exist_ok=True)
        file.write_text(str(done))
    return record(key, reason=f"began after epoch {began}")


def train_across_nodes(folder, key, on_step, should_continue, timing):
    """Run a timing, then five epochs of a second, each saved in a file that all nodes see."""
    _, timed = timing(square, 1)
    file = folder / f"{key}.pt"
    began = done = int(file.read_text()) if file.exists() else 0
    node = ray.get_runtime_context().get_node_id()
    while done < 5:
        if done and not should_continue(record(key, State.PRUNED, done, node)):
            raise AssertionError
        time.sleep(1)
        done += 1
        file.write_text(str(done))
    return record(key, reason=f"{node} {timed} {began}")


def raise_data_error(key, on_step, should_continue, timing):
    raise DataError("cannot read image x.png: truncated")


def fail(key, on_step, should_continue, timing):
    raise ValueError("wrong\nand more")


def sleep(key, on_step, should_continue, timing):
    time.sleep(600)


def report_environment(key, on_step, should_continue, timing):
    return record(
        key,
        reason="|".join([tempfile.gettempdir(), os.environ["OMP_NUM_THREADS"], os.getcwd()]),
    )


def square(number):
    if number < 0:
        raise ArithmeticError(f"{number}: below 0\nand more")
    if number == 13:
        raise DataError("13 is unlucky")
    return number**2, os.environ.get("PLACE")


def time_square(number, key, on_step, should_continue, timing):
    try:
        return record(key, reason=str(timing(square, number)[0]))
    except UserError:
        raise
    except Exception as error:
        return record(key, State.FAILED, reason=named_line(error))


class ListQueue:
    """Hands out a list of works in order, with their indices as keys."""

    def __init__(self, *works, stop_at=None, seconds=None):
        self.todo = list(enumerate(works))
        self.stop_at, self.seconds = stop_at, seconds
        self.questions, self.records, self.reasons, self.retried = [], {}, {}, []
        self.files = ()
        self.immediate = False
        self.start = None
        self.max_running = self.running = 0

    def next_task(self):
        if not self.todo:
            return None
        self.running += 1
        self.max_running = max(self.max_running, self.running)
        key, work = self.todo.pop(0)
        return Task(key, partial(work, key), immediate=self.immediate, files=self.files)

    def report_step(self, task, step):
        raise AssertionError("no task of these tests reports steps")

    def should_continue(self, task, record):
        self.questions.append((task.key, record.quality.epochs))
        return record.quality.epochs != self.stop_at

    def complete(self, task, record):
        self.running -= 1
        assert task.key not in self.records
        self.records[task.key] = record

    def report_lost(self, task, reason, *, retry=True):
        self.running -= 1
        self.reasons[task.key] = reason
        self.retried += [task.key] if retry else []

    def heartbeat(self):
        """False `seconds` after the first task was handed out."""
        if self.running and self.start is None:
            self.start = time.monotonic()
        late = self.start is not None and self.seconds is not None
        return not late or time.monotonic() - self.start < self.seconds


def process_tree(pid):
    """Command lines of a process and all its descendants, by process id."""
    command = ["ps", "-eo", "pid=,ppid=,args="]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    tree, parents, has_grown = {}, {pid}, True
    while has_grown:
        has_grown = False
        for line in lines:
            child, parent, arguments = line.split(maxsplit=2)
            if int(child) not in tree and (int(parent) in parents or int(child) == pid):
                tree[int(child)], has_grown = arguments, True
                parents.add(int(child))
    return tree
