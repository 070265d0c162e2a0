"""Measure what samplers and rungs save, on the tabulated benchmark.

    python benchmarks/search.py [--seeds 10] [--samplers nsga2 tpe]

First: the trials after which a sampler reaches the hypervolume of random search after 1,000.
Second: the share of the epochs with which it gets there when rungs stop trials early. Duplicate
architectures cost nothing and do not count as trials.
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

from reports.statistics.fronts import hypervolume_progress, reference_and_ideal
from runners.engines import local
from runners.evaluators.prepare import prepare_tabular
from runners.jobs.sweep import Sweep, start_search
from runners.progress.listener import Listener
from runners.records.objectives import objective_values
from runners.records.record import Record, State
from runners.search.config import parse_sweep
from runners.store import open_storage
from search_space import tabular

RANDOM_TRIALS, TRIALS = 1_000, 200
MAX_TRIALS, MAX_TRIALS_WITH_RUNGS, MAX_TRIALS_OF_RANDOM = 300, 450, 1_500
OBJECTIVES = {"val_accuracy": "maximize", "latency_ratio": "minimize"}
DIRECTIONS = list(OBJECTIVES.values())
OPTIONS = {"nsga2": {"population": 14}, "nsga3": {"population": 14}}
"""Chosen among six settings on seeds 100 to 129; the rungs, among three on 100 to 123."""
Rungs: TypeAlias = dict[str, int] | None


@dataclass
class Trace(Listener):
    """The epochs of each trial, and the objective values of those that finished."""

    epochs: list[int] = field(default_factory=list)
    points: list[tuple[float, ...] | None] = field(default_factory=list)

    def on_end(self, record: Record) -> None:
        assert record.quality is not None
        self.epochs.append(record.quality.epochs)
        finished = record.state is State.FINISHED
        self.points.append(objective_values(record, OBJECTIVES) if finished else None)  # type: ignore[arg-type]


def search(sampler: dict[str, Any], trials: int, rungs: Rungs) -> Trace:
    """Run one sweep on the table, without publishing it."""
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
        first_values=(),
    )
    trace = Trace()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.db"
        with open_storage(file, study="benchmark") as storage:
            local.run(start_search(job, storage, file, "benchmark", None, trace), 1)
    return trace


def volumes(trace: Trace) -> np.ndarray:
    """Return the hypervolume after each trial, as a share of the box around the whole table."""
    table = tabular.load().entries.values()
    points = [(entry.curve[-1], entry.latency_ratio) for entry in table]
    box = reference_and_ideal(points, DIRECTIONS)
    finished = [index for index, point in enumerate(trace.points) if point is not None]
    finished_points = [point for point in trace.points if point is not None]
    result = np.zeros(len(trace.points))
    result[finished] = hypervolume_progress(finished_points, DIRECTIONS, *box)
    return np.maximum.accumulate(result)


def cost_to_reach(trace: Trace, target: float, costs: np.ndarray) -> float:
    """Return the cumulated cost when the target is reached; infinite if it never is."""
    indices = np.flatnonzero(volumes(trace) >= target)
    return float(costs[indices[0]]) if len(indices) else np.inf


def main() -> None:
    """Print both results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--samplers", nargs="+", default=["nsga2"])
    parser.add_argument("--rungs", default="2,4", help="first rung and eta")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    first, eta = map(int, arguments.rungs.split(","))
    rungs = {"first": first, "eta": eta}
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    with ProcessPoolExecutor(arguments.processes) as pool:

        def searches(sampler: dict[str, Any], trials: int, rungs: Rungs = None) -> list[Trace]:
            futures = [pool.submit(search, {**sampler, "seed": s}, trials, rungs) for s in seeds]
            return [future.result() for future in futures]

        sampler: dict[str, Any] = {"name": "random"}
        random = searches(sampler, RANDOM_TRIALS)
        target = _print_random(random)
        _print_epochs(
            "random", random, searches(sampler, MAX_TRIALS_OF_RANDOM, rungs), target, rungs
        )
        for name in arguments.samplers:
            sampler = {"name": name, "options": OPTIONS.get(name, {})}
            plain = searches(sampler, MAX_TRIALS)
            _print_trials(name, plain, target)
            _print_epochs(
                name, plain, searches(sampler, MAX_TRIALS_WITH_RUNGS, rungs), target, rungs
            )


def _print_random(traces: Sequence[Trace]) -> float:
    target = median(float(volumes(trace)[-1]) for trace in traces)
    early = median(float(volumes(trace)[TRIALS - 1]) for trace in traces)
    print(
        f"random: hypervolume {target:.4f} after {RANDOM_TRIALS} trials, {early:.4f} after {TRIALS}"
    )
    return target


def _print_trials(name: str, traces: Sequence[Trace], target: float) -> None:
    """Print the trials to reach the target; inf if it is never reached."""
    trials = [cost_to_reach(trace, target, np.arange(1, MAX_TRIALS + 1)) for trace in traces]
    volume = median(float(volumes(trace)[TRIALS - 1]) for trace in traces)
    by_seed = ", ".join(f"{count:.0f}" for count in sorted(trials))
    print(
        f"{name}: target reached after {median(trials):.0f} trials (median; goal {TRIALS}; "
        f"by seed: {by_seed}); hypervolume {volume:.4f} after {TRIALS}",
        flush=True,
    )


def _print_epochs(
    name: str, plain: Sequence[Trace], with_rungs: Sequence[Trace], target: float, rungs: Rungs
) -> None:
    """Print the epochs to reach the target with rungs, relative to those without."""
    epochs = [cost_to_reach(trace, target, np.cumsum(trace.epochs)) for trace in with_rungs]
    if name == "random":  # its target is the median after all of its trials
        without = median(float(sum(trace.epochs)) for trace in plain)
    else:
        without = median(cost_to_reach(trace, target, np.cumsum(trace.epochs)) for trace in plain)
    by_seed = ", ".join(f"{count:.0f}" for count in sorted(epochs))
    print(
        f"{name} with rungs {rungs}: target reached after {median(epochs):.0f} epochs "
        f"(median; by seed: {by_seed}); without rungs after {without:.0f}; "
        f"share {median(epochs) / without:.2f} (goal 0.5)",
        flush=True,
    )


if __name__ == "__main__":
    main()
