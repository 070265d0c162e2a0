"""Measure the overhead of a sweep: trials per hour, and the bookkeeping of one trial.

    python benchmarks/sweep_rate.py [--stored 2000]

Rates are measured on whole `bench.py` processes. Bookkeeping is measured in this process: asking
the sampler, storing a record and closing the trial, with a number of trials stored before. The
Gaussian process sampler is not measured: its own model dominates.
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

from runners.evaluate import ignore_step, run_here
from runners.evaluators.prepare import prepare
from runners.jobs.sweep import Sweep, start_search
from runners.progress.listener import Listener
from runners.search import samplers
from runners.search.config import parse_sweep
from runners.store import open_storage
from search_space import from_dict

ROOT = Path(__file__).parents[1]
SPACE = {"preset": "tiny", "dimensions": {"width": {"low": 0.15, "high": 0.35}}}
COSTS = {"macs": "minimize", "params": "maximize"}
TIMED = {**COSTS, "latency_ms": "minimize"}


def trials_per_hour(objectives: dict[str, str], trials: int) -> float:
    """Return the trials per hour of a whole run, start and report included."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sweep.yaml"
        sweep = {"space": SPACE, "objectives": objectives, "sampler": "random", "trials": trials}
        file.write_text(json.dumps(sweep))
        command = [sys.executable, str(ROOT / "bench.py"), "sweep", str(file), "--quiet"]
        start = time.perf_counter()
        subprocess.run([*command, "--out", f"{folder}/run"], check=True, capture_output=True)
        return trials / (time.perf_counter() - start) * 3600


def bookkeeping_ms(sampler: str, stored: int, measured: int = 50) -> float:
    """Return the median bookkeeping per trial after `stored` trials by random search."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "study.db"
        with open_storage(file, study="rate") as storage:
            first = start_search(
                _job(folder, "random", stored), storage, file, "rate", None, Listener()
            )
            while (task := first.next_task()) is not None:
                first.complete(task, task.work(ignore_step, _continue, run_here))
            first._study.use_sampler(_sampler(sampler))
            first._goal = type(first._goal)(stored + measured)
            durations_ms = []
            while True:
                start = time.perf_counter()
                task = first.next_task()
                if task is None:
                    return median(durations_ms)
                ask_s = time.perf_counter() - start
                record = task.work(ignore_step, _continue, run_here)
                start = time.perf_counter()
                first.complete(task, record)
                durations_ms.append(1e3 * (ask_s + time.perf_counter() - start))


def _job(folder: str, sampler: str, trials: int) -> Sweep:
    config = parse_sweep(
        {"space": SPACE, "objectives": COSTS, "sampler": sampler, "trials": trials}
    )
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
        first_values=(),
    )


def _sampler(name: str) -> BaseSampler:
    return samplers.make_sampler(name, {}, 1, from_dict(SPACE))


def _continue(record: object) -> bool:
    return True


def main() -> None:
    """Print all results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", type=int, default=2_000)
    arguments = parser.parse_args()
    print(f"analytic only: {trials_per_hour(COSTS, 1_000):,.0f} trials per hour (goal 20,000)")
    print(f"MACs, params, latency: {trials_per_hour(TIMED, 60):,.0f} trials per hour (goal 1,000)")
    for sampler in ("random", "qmc", "tpe", "nsga2", "nsga3"):
        ms = bookkeeping_ms(sampler, arguments.stored)
        print(f"{sampler}: {ms:.1f} ms per trial with {arguments.stored} stored (goal 50)")


if __name__ == "__main__":
    main()
