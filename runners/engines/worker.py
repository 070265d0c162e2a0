"""Run one task in a process of its own: it cannot slow, starve or crash the others."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from runners.engines.task_queue import Task, Work
from runners.evaluate import run_here
from runners.processes.isolated import process_context, spawn
from runners.progress.listener import Step
from runners.records.errors import DataError, UserError
from runners.records.record import Record

_SECONDS_BETWEEN_STEPS = 0.2


@dataclass(frozen=True)
class Question:
    """Whether a training continues; the record results if it ends now."""

    record: Record


@dataclass(frozen=True)
class Loss:
    """The process died without a result."""

    reason: str


class Worker:
    """A running task; `pipe` is ready whenever `read` has a message."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.pipe: Connection
        self.pipe, other = process_context().Pipe()
        self._process = spawn(_run, other, task.work)
        other.close()  # so that the end of the process closes the pipe
        self._last_message_s = time.monotonic()

    @property
    def silence_s(self) -> float:
        """Seconds since its start or its last message."""
        return time.monotonic() - self._last_message_s

    def read(self) -> Step | Question | Record | Loss:
        """Receive the next message.

        Raises:
            UserError: the data or the machine is at fault, not the task.
        """
        try:
            message = self.pipe.recv()
            self._last_message_s = time.monotonic()
        except (EOFError, OSError):
            self._process.join()
            return Loss(f"the process ended with exit code {self._process.exitcode}")
        if isinstance(message, UserError):
            raise message
        assert isinstance(message, Step | Question | Record)
        return message

    def answer(self, should_continue: bool) -> None:
        """Answer a question; if the process has died, the next `read` reports it."""
        try:
            self.pipe.send(should_continue)
        except OSError:
            return

    def stop(self) -> None:
        """End the process, finished or not."""
        self._process.kill()
        self._process.join()
        self.pipe.close()


def _run(pipe: Connection, work: Work) -> None:
    # Ctrl-C reaches the whole process group; only the parent decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    last = 0.0

    def on_step(epoch: int, images: int, total_images: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_STEPS:
            last = time.monotonic()
            pipe.send(Step(epoch, images, total_images))

    def should_continue(record: Record) -> bool:
        pipe.send(Question(record))
        return bool(pipe.recv())

    try:
        pipe.send(work(on_step, should_continue, run_here))
    except (BrokenPipeError, EOFError, ConnectionResetError):  # the parent is gone
        return
    except UserError as error:
        pipe.send(DataError(str(error)))
