"""Compare the order of targets by latency between independent sessions, by Kendall's tau.

    python benchmarks/repeatability.py [--sessions 2] [--rounds 60] [TARGET ...]

Each session is a fresh process with its own random order of calls. Default targets: every named
network and three mixers.
"""

from __future__ import annotations

import argparse
import itertools
from functools import partial

import torch
from scipy.stats import kendalltau

from lolvit import VARIANTS
from runners.cli.output import print_table
from runners.machine.device_lock import lock_for_timing
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.targets import Target, parse_target
from runners.measure.timing.protocol import MeasurementProtocol, Rounds
from runners.measure.timing.session import SessionResult, TimedVariant, run_session
from runners.processes.isolated import run_isolated

GOAL = 0.95
_CPU = torch.device("cpu")


def main() -> None:
    """Measure and print latencies by session, and tau between sessions."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", help="targets as in `bench.py measure`")
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=60)
    arguments = parser.parse_args()
    targets = _targets(arguments.targets)
    timed_variants = {
        target.name: TimedVariant(FormVariant(target), PreparedForm(), 1) for target in targets
    }
    latency = Rounds(arguments.rounds, min(arguments.rounds, 20), 120.0)
    protocol = MeasurementProtocol(latency, throughput_threads=1)
    sessions = []
    for seed in range(arguments.sessions):
        run = partial(run_session, throughput_rounds=Rounds(1, 1, 0.0), energy=False, seed=seed)
        with lock_for_timing(_CPU):
            sessions.append(run_isolated(None, run, timed_variants, _CPU, protocol))
    _print_tables(sessions)


def _targets(texts: list[str]) -> list[Target]:
    """Parse the targets; by default, one per distinct network and three mixers."""
    targets = [
        parse_target(text) for text in texts or (*VARIANTS, "fwa@56", "linear@56", "softmax@28")
    ]
    return list({target.hash: target for target in targets}.values())


def _print_tables(sessions: list[SessionResult]) -> None:
    for title, statistic in (("median", _medians), ("minimum", _minima)):
        columns = [statistic(session) for session in sessions]
        names = sorted(columns[0], key=columns[0].__getitem__)
        rows = [[name, *(f"{column[name]:.3f}" for column in columns)] for name in names]
        print(f"\n{title} latency in ms, {len(names)} targets")
        print_table(("target", *(f"session {n + 1}" for n in range(len(columns)))), rows)
        taus = [
            float(kendalltau([a[n] for n in names], [b[n] for n in names]).statistic)
            for a, b in itertools.combinations(columns, 2)
        ]
        verdict = "reached" if min(taus) >= GOAL else "missed"
        print(f"Kendall tau, worst of {len(taus)}: {min(taus):.3f}; goal {GOAL}: {verdict}")


def _medians(session: SessionResult) -> dict[str, float]:
    return {name: float(torch.tensor(ms).median()) for name, ms in session.latency.ms.items()}


def _minima(session: SessionResult) -> dict[str, float]:
    return {name: min(ms) for name, ms in session.latency.ms.items()}


if __name__ == "__main__":
    main()
