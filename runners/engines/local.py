"""Tasks on this machine: one process each, as many at once as asked for."""

from __future__ import annotations

from functools import partial
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from runners.engines.task_queue import Desk, here
from runners.engines.worker import Child, Death, Question
from runners.machine.fingerprint import usable_cores
from runners.progress.listener import Step

if TYPE_CHECKING:
    import torch

_SECONDS_BETWEEN_BEATS = 1.0


def run(desk: Desk, processes: int) -> None:
    """Do what the desk hands out until it has no more, or wants to end.

    Raises:
        UserError: the data is at fault, or the study cannot be written; the rest is stopped.
    """
    running: dict[object, Child] = {}
    try:
        while desk.beat():
            _begin(desk, running, processes)
            if not running:
                return
            for ready in wait([child.pipe for child in running.values()], _SECONDS_BETWEEN_BEATS):
                if _hear(desk, running[ready]):
                    running.pop(ready).stop()
    finally:
        for child in running.values():
            child.stop()


def trainings_at_once(device: torch.device, threads: int) -> int:
    """An accelerator trains one network at a time; a CPU as many as its cores can feed."""
    return 1 if device.type == "cuda" else max(1, usable_cores() // threads)


def _begin(desk: Desk, running: dict[object, Child], processes: int) -> None:
    """Fill the free places; what takes no time is done at once."""
    while len(running) < processes:
        task = desk.next()
        if task is None:
            return
        if task.at_once:
            desk.done(task, task.work(_unheard, partial(desk.go_on, task), here))
            if not desk.beat():
                return
        else:
            child = Child(task)
            running[child.pipe] = child


def _unheard(epoch: int, images: int, total_images: int) -> None:
    """Nobody watches what takes no time."""


def _hear(desk: Desk, child: Child) -> bool:
    """Pass on what a child says; whether that was its last word."""
    message = child.read()
    if isinstance(message, Step):
        desk.step(child.task, message)
        return False
    if isinstance(message, Question):
        child.answer(desk.go_on(child.task, message.record))
        return False
    if isinstance(message, Death):
        desk.lost(child.task, message.reason)
    else:
        desk.done(child.task, message)
    return True
