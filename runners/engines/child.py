"""One evaluation in a process of its own: it cannot slow, starve or crash the others."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from optuna.trial import Trial

from runners.arms import Arm
from runners.errors import DataError, UserError
from runners.evaluate import Budget, evaluate, failure
from runners.processes import context
from runners.record import Costs, Record
from runners.watch import Step

_SECONDS_BETWEEN_STEPS = 0.2


@dataclass
class Child:
    """A running evaluation; `receiver` is ready whenever `read` has something to give."""

    trial: Trial
    arm: Arm
    seed: int
    budget: Budget
    costs: Costs | str
    receiver: Connection = field(init=False)
    _process: Any = field(init=False)

    def __post_init__(self) -> None:
        processes: Any = context()
        self.receiver, sender = processes.Pipe(duplex=False)
        arguments = (sender, self.arm, self.seed, self.budget, self.costs)
        self._process = processes.Process(target=_work, args=arguments, daemon=True)
        self._process.start()
        sender.close()  # so that the end of the process is the end of the pipe

    def read(self) -> Step | Record:
        """The next step or the record; a process that died is a failed record.

        Raises:
            UserError: the data is at fault, not the arm.
        """
        try:
            message = self.receiver.recv()
        except (EOFError, ConnectionResetError):
            self._process.join()
            reason = f"its process ended with exit code {self._process.exitcode}"
            return failure(self.arm, self.seed, self.budget, self.costs, reason)
        if isinstance(message, UserError):
            raise message
        assert isinstance(message, Step | Record)
        return message

    def stop(self) -> None:
        """End the process, finished or not."""
        self._process.kill()
        self._process.join()
        self.receiver.close()


def _work(sender: Connection, arm: Arm, seed: int, budget: Budget, costs: Costs | str) -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    last = 0.0

    def report(epoch: int, images: int, total_images: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_STEPS:
            last = time.monotonic()
            sender.send(Step(epoch, images, total_images))

    try:
        sender.send(evaluate(arm, seed, budget, costs, report))
    except BrokenPipeError:  # the parent is gone: nobody needs this result
        return
    except UserError as error:
        sender.send(DataError(str(error)))
