"""Synthetic trials of a sweep."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.reports.rows import row

TWO = {"val_accuracy": "maximize", "latency_ms": "minimize"}
THREE = {**TWO, "macs": "minimize"}
FOUR = {**THREE, "params": "minimize"}
ONE = {"val_accuracy": "maximize"}
COUNTS = {"duplicate": 5, "infeasible": 1}


def trial(
    number: int, *, accuracy: float = 0.8, latency: float = 3.0, **changes: Any
) -> dict[str, Any]:
    """One finished trial; `accuracy` is that of validation, test is a point lower."""
    fields = row(f"trial_{number}", accuracy=accuracy, latency=latency)
    values = {"mixer": "fwa", "width": 32 + number % 3}
    fields |= {
        "trial": number,
        "values": values,
        "architecture": values,
        "architecture_hash": f"{number:012x}",
        "test_accuracy": accuracy - 0.01,
        "latency_ms_median": latency,
    }
    return fields | changes


def sweep(trials: int, *, seed: int = 0, noise: float = 0.03) -> list[dict[str, Any]]:
    """Trials of a synthetic search: most finished, some pruned, a few failed."""
    rng = np.random.default_rng(seed)
    mixers = ("fwa", "softmax", "linear", "hilo", "window", "bilstm")
    rows = []
    for number in range(trials):
        cost = float(rng.lognormal(0, 0.8))
        good = min(0.97, max(0.1, 0.75 + 0.06 * np.log(cost) - abs(rng.normal(0, noise))))
        macs = int(3e7 * cost * rng.lognormal(0, 0.4))
        values: dict[str, Any] = {
            "mixer": mixers[int(rng.integers(6))],
            "width": int(rng.choice([16, 24, 32, 48, 64])),
            "depths": [int(n) for n in rng.integers(1, 5, 3)],
            "ratio": float(rng.choice([1.0, 1.5, 2.0, 4.0])),
            "fusion": bool(rng.integers(2)),
        }
        if values["mixer"] in ("fwa", "window"):
            values["window"] = int(rng.choice([4, 7]))
        fields = trial(
            number,
            accuracy=float(good),
            latency=float(2 * cost * rng.lognormal(0, 0.2)),
            macs=macs,
            params=int(macs / 20 * rng.lognormal(0, 0.3)),
        )
        fields |= {"values": values, "architecture": {**values, "input": 28}}
        kind = rng.random()
        if kind < 0.2:
            fields |= {"state": "pruned", "reason": "median after 2 epochs", "val_accuracy": None}
            fields |= {"test_accuracy": None, "epochs": None}
            fields["curve"] = [{"epoch": 1, "val_accuracy": float(good - 0.1)}]
        elif kind < 0.25:
            absent = ("val_accuracy", "test_accuracy", "latency_ms_median", "macs", "epochs")
            fields |= {"state": "failed", "reason": "boom", **dict.fromkeys(absent)}
        rows.append(fields)
    return rows
