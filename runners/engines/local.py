"""Evaluations in this process, one after another: training and timing never share the machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runners.arms import Arm
from runners.evaluate import Budget, evaluate
from runners.record import Costs
from runners.study import Study
from runners.watch import Watch


def run(
    study: Study,
    arms: Sequence[Arm],
    budget: Budget,
    costs: Mapping[str, Costs | str],
    watch: Watch,
) -> None:
    """Evaluate every trial that waits in the study; each is stored the moment it ends."""
    by_name = {arm.name: arm for arm in arms}
    waiting = study.enqueue()
    watch.begin(waiting)
    for _ in range(waiting):
        trial, (name, seed) = study.ask()
        watch.arm(name, seed)
        record = evaluate(by_name[name], seed, budget, costs[name], watch.step)
        study.tell(trial, record)
        watch.finished(record)
