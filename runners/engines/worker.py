"""One task in a process of its own: it cannot slow, starve or crash the others."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from runners.engines.task_queue import Task, Work, here
from runners.processes.isolated import process_context, spawn
from runners.progress.listener import Step
from runners.records.errors import DataError, UserError
from runners.records.record import Record

_SECONDS_BETWEEN_STEPS = 0.2


@dataclass(frozen=True)
class Question:
    """Whether to go on; the record is what there is so far."""

    record: Record


@dataclass(frozen=True)
class Death:
    """The process ended without a word."""

    reason: str


class Child:
    """A task under way; `pipe` is ready whenever `read` has something to give."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.pipe: Connection
        self.pipe, other = process_context().Pipe()
        self._process = spawn(_work, other, task.work)
        other.close()  # so that the end of the process is the end of the pipe

    def read(self) -> Step | Question | Record | Death:
        """What it has to say.

        Raises:
            UserError: the data or the machine is at fault, not the task.
        """
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            return Death(f"its process ended with exit code {self._process.exitcode}")
        if isinstance(message, UserError):
            raise message
        assert isinstance(message, Step | Question | Record)
        return message

    def answer(self, go_on: bool) -> None:
        """Reply to a question; who died meanwhile is found by the next `read`."""
        try:
            self.pipe.send(go_on)
        except OSError:
            return

    def stop(self) -> None:
        """End the process, finished or not."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _work(pipe: Connection, work: Work) -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    last = 0.0

    def on_step(epoch: int, images: int, total_images: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_STEPS:
            last = time.monotonic()
            pipe.send(Step(epoch, images, total_images))

    def go_on(record: Record) -> bool:
        pipe.send(Question(record))
        return bool(pipe.recv())

    try:
        pipe.send(work(on_step, go_on, here))
    except (BrokenPipeError, EOFError, ConnectionResetError):  # nobody needs this result
        return
    except UserError as error:
        pipe.send(DataError(str(error)))
