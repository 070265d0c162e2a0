"""What a sweep costs beside trainings: trials an hour, and the bookkeeping of one trial.

    python benchmarks/sweep_rate.py [--stored 2000]

Whole processes for the rates, as a user starts them; in this process for the bookkeeping: to ask a
sampler, store a record and close the trial, with so many trials stored already. Sampling by
Gaussian processes is left out: it takes as long as it takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from optuna.samplers import BaseSampler

from runners.engines.task_queue import run_here
from runners.jobs.sweep import Sweep, begin
from runners.progress.search_listener import SearchWatch
from runners.search import samplers
from runners.search.config import parse_sweep
from runners.search.prepare import prepare
from runners.store import opened
from search_space import from_dict

ROOT = Path(__file__).parents[1]
SPACE = {"preset": "tiny", "dimensions": {"width": {"low": 0.15, "high": 0.35}}}
COSTS = {"macs": "minimize", "params": "maximize"}
TIMED = {**COSTS, "latency_ms": "minimize"}


def rate(objectives: dict[str, str], trials: int) -> float:
    """Trials an hour of a whole run, start and report included."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.yaml"
        told = {"space": SPACE, "objectives": objectives, "sampler": "random", "trials": trials}
        file.write_text(json.dumps(told))
        command = [sys.executable, str(ROOT / "bench.py"), "sweep", str(file), "--quiet"]
        start = time.perf_counter()
        subprocess.run([*command, "--out", f"{folder}/run"], check=True, capture_output=True)
        return trials / (time.perf_counter() - start) * 3600


def bookkeeping_ms(sampler: str, stored: int, measured: int = 50) -> float:
    """Median of a trial's bookkeeping, in ms, after so many trials by random search."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.db"
        with opened(file, study="rate") as storage:
            first = begin(
                _job(folder, "random", stored), storage, file, "rate", None, SearchWatch()
            )
            while (task := first.next()) is not None:
                first.complete(task, task.work(_unheard, _always, run_here))
            first._trials.use(_sampler(sampler))
            first._goal = type(first._goal)(stored + measured)
            taken = []
            while True:
                start = time.perf_counter()
                task = first.next()
                if task is None:
                    return median(taken)
                asked = time.perf_counter() - start
                record = task.work(_unheard, _always, run_here)
                start = time.perf_counter()
                first.complete(task, record)
                taken.append(1e3 * (asked + time.perf_counter() - start))


def _job(folder: str, sampler: str, trials: int) -> Sweep:
    told = {"space": SPACE, "objectives": COSTS, "sampler": sampler, "trials": trials}
    config = parse_sweep(told)
    prepared = prepare(config, Path(folder))
    return Sweep(
        name="rate",
        config=config,
        space=prepared.space,
        evaluator=prepared.evaluator,
        epochs=0,
        storage=None,
        resume=False,
        trials=trials,
        budget_s=None,
        seeds=(),
    )


def _sampler(name: str) -> BaseSampler:
    return samplers.make_sampler(name, {}, 1, from_dict(SPACE))


def _unheard(epoch: int, images: int, total: int) -> None:
    return None


def _always(record: object) -> bool:
    return True


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=2_000)
    given = parser.parse_args()
    print(f"analytic only: {rate(COSTS, 1_000):,.0f} trials an hour (goal 20,000)")
    print(f"MACs, params, latency: {rate(TIMED, 60):,.0f} trials an hour (goal 1,000)")
    for sampler in ("random", "qmc", "tpe", "nsga2", "nsga3"):
        found = bookkeeping_ms(sampler, given.stored)
        print(f"{sampler}: {found:.1f} ms a trial at {given.stored} stored (goal 50)")


if __name__ == "__main__":
    main()
