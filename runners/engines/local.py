"""Run tasks on this machine: one process for each, several at once."""

from __future__ import annotations

from functools import partial
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from runners.engines.task_queue import TaskQueue
from runners.engines.worker import Loss, Question, Worker
from runners.evaluate import ignore_step, run_here
from runners.machine.fingerprint import usable_cores
from runners.processes.patience import DEFAULT_PATIENCE_S, no_progress
from runners.progress.listener import Step

if TYPE_CHECKING:
    import torch

_SECONDS_BETWEEN_HEARTBEATS = 1.0


def run(queue: TaskQueue, processes: int, patience_s: float = DEFAULT_PATIENCE_S) -> None:
    """Run the queue's tasks, several at once, until it has no more, or ends the run.

    A task that sends nothing for `patience_s` seconds has failed.

    Raises:
        UserError: the data is at fault, or the study cannot be written; the rest is stopped.
    """
    running: dict[object, Worker] = {}
    try:
        while queue.heartbeat():
            _start_tasks(queue, running, processes)
            if not running:
                return
            pipes = [worker.pipe for worker in running.values()]
            for pipe in wait(pipes, _SECONDS_BETWEEN_HEARTBEATS):
                if _handle_message(queue, running[pipe]):
                    running.pop(pipe).stop()
            for worker in [w for w in running.values() if w.silence_s > patience_s]:
                running.pop(worker.pipe).stop()
                queue.report_lost(worker.task, no_progress(patience_s), retry=False)
    finally:
        for worker in running.values():
            worker.stop()


def default_processes(device: torch.device, threads: int) -> int:
    """How many trainings run at once: one on an accelerator, as many as the cores feed on a CPU."""
    return 1 if device.type == "cuda" else max(1, usable_cores() // threads)


def _start_tasks(queue: TaskQueue, running: dict[object, Worker], processes: int) -> None:
    """Fill the free processes; immediate tasks are run here."""
    while len(running) < processes:
        task = queue.next_task()
        if task is None:
            return
        if task.immediate:
            record = task.work(ignore_step, partial(queue.should_continue, task), run_here)
            queue.complete(task, record)
            if not queue.heartbeat():
                return
        else:
            worker = Worker(task)
            running[worker.pipe] = worker


def _handle_message(queue: TaskQueue, worker: Worker) -> bool:
    """Pass a worker's message on to the queue; True if it was the last one."""
    message = worker.read()
    if isinstance(message, Step):
        queue.report_step(worker.task, message)
        return False
    if isinstance(message, Question):
        worker.answer(queue.should_continue(worker.task, message.record))
        return False
    if isinstance(message, Loss):
        queue.report_lost(worker.task, message.reason)
    else:
        queue.complete(worker.task, message)
    return True
