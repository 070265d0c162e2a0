"""Runs of every kind, made of synthetic rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from reports.runs.run import Run, RunKind
from tests.reports.rows import many, row
from tests.reports.sweep.sweep_rows import COUNTS, THREE, sweep


def comparison(name: str = "monday", arms: int = 4, seeds: int = 3) -> Run:
    rows = [
        {**fields, "curve": curve(fields["test_accuracy"], fields["seed"])}
        for fields in many(arms, seeds)
    ]
    commands = {fields["name"]: f"compare {fields['name']}" for fields in rows}
    return Run(name, RunKind.COMPARISON, rows, commands=commands)


def curve(accuracy: float, seed: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(seed)
    return [
        {"epoch": epoch, "val_accuracy": accuracy - 0.2 / epoch + rng.normal(0, 0.01)}
        for epoch in range(1, 6)
    ]


def searched(name: str = "search", trials: int = 60) -> Run:
    return Run(
        name,
        RunKind.SWEEP,
        sweep(trials),
        title="lolvit-quick",
        objectives=THREE,
        counts=COUNTS,
        sampler="tpe",
    )


def scaled(name: str = "sizes") -> Run:
    rng = np.random.default_rng(0)
    rows = [
        {
            "mixer": mixer,
            "reconstructed": mixer == "fwa",
            "width": 64,
            "heads": 4,
            "batch": 1,
            "side": side,
            "tokens": side**2,
            "state": "measured",
            "reason": "",
            "macs": 4096 * side**2,
            "peak_memory_bytes": 10**6,
            "latency_ms_samples": (side**power / 50 * rng.lognormal(0, 0.01, 20)).tolist(),
            "threads": 1,
            "fingerprint": {"cpu": "x"},
        }
        for mixer, power in (("fwa", 2.1), ("softmax", 3.9))
        for side in (7, 14, 28)
    ]
    return Run(name, RunKind.SCALING, rows)


def hostile() -> Run:
    """Names that would be markup, and values that no one expects."""
    rows = [
        row("<script>alert(1)</script>", accuracy=1.0),
        row('"><img src=x onerror=alert(2)>', accuracy=0.9, latency=4.0),
        row("</script><b>&amp;", accuracy=0.8, latency=5.0, dataset_note="<i>note</i>"),
        row("{{ 7 * 7 }}", state="failed", reason="<u>why</u>", accuracy=None, latency=None),
    ]
    return Run("<b>run</b>", RunKind.COMPARISON, rows, commands={"": "<tt>command</tt>"})
