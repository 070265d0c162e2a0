"""Evaluations on this machine: one process each, as many at once as its cores carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from multiprocessing.connection import wait

from runners.arms import Arm
from runners.engines.child import Child
from runners.evaluate import Budget
from runners.measure.fingerprint import usable_cores
from runners.record import Costs
from runners.study import Study
from runners.watch import Step, Watch


def run(
    study: Study,
    arms: Sequence[Arm],
    budget: Budget,
    costs: Mapping[str, Costs | str],
    watch: Watch,
) -> None:
    """Evaluate every trial that waits in the study; each is stored the moment it ends.

    Raises:
        UserError: the data is at fault, or the study cannot be written; the rest is stopped.
    """
    by_name = {arm.name: arm for arm in arms}
    waiting = study.enqueue()
    watch.begin(waiting)
    running: dict[object, Child] = {}
    try:
        while waiting or running:
            while waiting and len(running) < _at_once(budget):
                trial, (name, seed) = study.ask()
                child = Child(trial, by_name[name], seed, budget, costs[name])
                running[child.receiver] = child
                waiting -= 1
                watch.arm(name, seed)
            for ready in wait([child.receiver for child in running.values()]):
                child = running[ready]
                message = child.read()
                if isinstance(message, Step):
                    watch.step(child.arm.name, child.seed, message)
                    continue
                study.tell(child.trial, message)
                watch.finished(message)
                running.pop(ready).stop()
    finally:
        for child in running.values():
            child.stop()


def _at_once(budget: Budget) -> int:
    """An accelerator trains one network at a time; a CPU as many as its cores can feed."""
    return 1 if budget.device.type == "cuda" else max(1, usable_cores() // budget.threads)
