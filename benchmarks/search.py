"""Do searchers and rungs pay? Both answers from the tabulated benchmark, in minutes.

    python benchmarks/search.py [--seeds 10] [--samplers nsga2 tpe]

First: after how many trials does each sampler reach the hypervolume that random search has after
1,000? Second: with which share of the epochs does the same sampler reach it when rungs stop what is
behind? Only architectures that are new count as trials: a duplicate costs nothing.
Accuracies of most architectures are predicted by a surrogate (search_space/tabular/README.md).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, TypeAlias

import numpy as np

from reports.statistics.fronts import hypervolume_progress, ideal_point, reference_point
from runners.engines import local
from runners.jobs.sweep import Sweep, begin
from runners.progress.search_listener import SearchWatch
from runners.records.record import Record, State
from runners.search.candidate import Candidate
from runners.search.config import parse_sweep
from runners.search.objectives import objective_values
from runners.search.prepare import prepare_tabular
from runners.store import opened
from search_space import tabular

RANDOM_TRIALS, TRIALS = 1_000, 200
MOST, MOST_WITH_RUNGS, MOST_OF_RANDOM = 300, 450, 1_500
OBJECTIVES = {"val_accuracy": "maximize", "latency_ratio": "minimize"}
WAYS = list(OBJECTIVES.values())
OPTIONS = {"nsga2": {"population": 14}, "nsga3": {"population": 14}}
"""Found on seeds 100 to 129, of six settings; so were the rungs, on 100 to 123, of three."""
Rungs: TypeAlias = dict[str, int] | None


@dataclass
class Trace(SearchWatch):
    """Epochs spent when each trial ended, and the values of those that finished."""

    epochs: list[int] = field(default_factory=list)
    points: list[tuple[float, ...] | None] = field(default_factory=list)

    def ended(self, candidate: Candidate, record: Record) -> None:
        assert record.quality is not None
        self.epochs.append(record.quality.epochs)
        finished = record.state is State.FINISHED
        self.points.append(objective_values(record, OBJECTIVES) if finished else None)  # type: ignore[arg-type]


def search(sampler: dict[str, Any], trials: int, rungs: Rungs) -> Trace:
    """One sweep against the table, by the machinery of every sweep, published nowhere."""
    table = tabular.load()
    config = parse_sweep(
        {
            "space": table.space.to_dict(),
            "objectives": OBJECTIVES,
            "sampler": sampler,
            "trials": trials,
            "training": {},
            "rungs": rungs,
        }
    )
    prepared = prepare_tabular(config, None)
    job = Sweep(
        name="benchmark",
        config=config,
        space=prepared.space,
        evaluator=prepared.evaluator,
        epochs=prepared.epochs,
        storage=None,
        resume=False,
        trials=trials,
        budget_s=None,
        seeds=(),
    )
    trace = Trace()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.db"
        with opened(file, study="benchmark") as storage:
            local.run(begin(job, storage, file, "benchmark", None, trace), 1)
    return trace


def volumes(trace: Trace) -> np.ndarray:
    """Hypervolume after each trial, as a share of the box around the whole table."""
    table = tabular.load().entries.values()
    every = [(entry.curve[-1], entry.latency_ratio) for entry in table]
    worst, best = reference_point(every, WAYS), ideal_point(every, WAYS)
    finished = [index for index, point in enumerate(trace.points) if point is not None]
    known = [point for point in trace.points if point is not None]
    found = np.zeros(len(trace.points))
    found[finished] = hypervolume_progress(known, WAYS, worst, best)
    return np.maximum.accumulate(found)


def reached(trace: Trace, target: float, costs: np.ndarray) -> float:
    """What had been spent when the target was reached; infinite where it was not."""
    there = np.flatnonzero(volumes(trace) >= target)
    return float(costs[there[0]]) if len(there) else np.inf


def main() -> None:
    """Print both answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--samplers", nargs="+", default=["nsga2"])
    parser.add_argument("--rungs", default="2,4", help="first rung and eta")
    parser.add_argument("--processes", type=int, default=2)
    given = parser.parse_args()
    first, eta = map(int, given.rungs.split(","))
    rungs = {"first": first, "eta": eta}
    seeds = range(given.first_seed, given.first_seed + given.seeds)
    with ProcessPoolExecutor(given.processes) as pool:

        def searches(told: dict[str, Any], trials: int, rungs: Rungs = None) -> list[Trace]:
            asked = [pool.submit(search, {**told, "seed": s}, trials, rungs) for s in seeds]
            return [each.result() for each in asked]

        told = {"name": "random"}
        random = searches(told, RANDOM_TRIALS)
        target = _random(random)
        _epochs("random", random, searches(told, MOST_OF_RANDOM, rungs), target, rungs)
        for name in given.samplers:
            told = {"name": name, "options": OPTIONS.get(name, {})}
            plain = searches(told, MOST)
            _trials(name, plain, target)
            _epochs(name, plain, searches(told, MOST_WITH_RUNGS, rungs), target, rungs)


def _random(traces: Sequence[Trace]) -> float:
    target = median(float(volumes(trace)[-1]) for trace in traces)
    early = median(float(volumes(trace)[TRIALS - 1]) for trace in traces)
    print(
        f"random: hypervolume {target:.4f} after {RANDOM_TRIALS} trials, {early:.4f} after {TRIALS}"
    )
    return target


def _trials(name: str, traces: Sequence[Trace], target: float) -> None:
    """First question. A target never reached is printed as inf."""
    taken = [reached(trace, target, np.arange(1, MOST + 1)) for trace in traces]
    at = median(float(volumes(trace)[TRIALS - 1]) for trace in traces)
    told = ", ".join(f"{each:.0f}" for each in sorted(taken))
    print(
        f"{name}: as much as random after {median(taken):.0f} trials (median; goal {TRIALS}; "
        f"seeds: {told}); hypervolume {at:.4f} after {TRIALS}",
        flush=True,
    )


def _epochs(
    name: str, plain: Sequence[Trace], stopping: Sequence[Trace], target: float, rungs: Rungs
) -> None:
    """Second question."""
    early = [reached(trace, target, np.cumsum(trace.epochs)) for trace in stopping]
    if name == "random":  # whose target is the median after all of its trials
        without = median(float(sum(trace.epochs)) for trace in plain)
    else:
        without = median(reached(trace, target, np.cumsum(trace.epochs)) for trace in plain)
    told = ", ".join(f"{each:.0f}" for each in sorted(early))
    print(
        f"{name} with rungs {rungs}: there after {median(early):.0f} epochs (median; seeds: "
        f"{told}), without after {without:.0f}: {median(early) / without:.2f} of them (goal 0.5)",
        flush=True,
    )


if __name__ == "__main__":
    main()
