"""Synthetic records, as `runners.records.record.Record.flat` would make them."""

from __future__ import annotations

from typing import Any

import numpy as np

ROUNDS = 40
MACHINE = {"cpu": "Test CPU @ 2.0 GHz", "threads": 1, "torch": "2.13.0", "protocol": 1}
COSTS = (
    "form",
    "form_note",
    "form_seconds",
    "parity",
    "params",
    "macs",
    "macs_by_operator",
    "macs_by_module",
    "macs_uncounted",
    "macs_range",
    "multiplications",
    "macs_ptflops",
    "other_ops",
    "latency_ms_samples",
    "latency_rounds",
    "latency_blocks",
    "latency_stopped",
    "latency_ms_median",
    "latency_ms_min",
    "latency_ms_iqr",
    "latency_threads",
    "latency_reference_ms_median",
    "latency_ratio",
    "throughput_images_per_s",
    "throughput_batch",
    "throughput_threads",
    "throughput_ladder",
    "out_of_memory_batch",
    "largest_batch",
    "peak_memory_bytes",
    "peak_training_memory_bytes",
    "training_memory_batch",
    "training_memory_reason",
    "energy_mj_per_image",
    "energy_source",
)
QUALITY = (
    "test_accuracy",
    "val_accuracy",
    "curve",
    "weights",
    "epochs",
    "train_images",
    "val_images",
    "test_images",
    "train_seconds",
)


def row(
    name: str = "fwa",
    *,
    seed: int = 0,
    state: str = "finished",
    reason: str = "",
    accuracy: float | None = 0.8,
    latency: float | None = 3.0,
    macs: int = 25_000_000,
    params: int = 1_200_000,
    reconstructed: bool = False,
    **changes: Any,
) -> dict[str, Any]:
    """One record; `accuracy=None` leaves the quality out, `latency=None` the costs."""
    made: dict[str, Any] = {
        "name": name,
        "architecture_hash": f"hash-{name}",
        "reconstructed": reconstructed,
        "seed": seed,
        "state": state,
        "reason": reason,
        **dict.fromkeys((*COSTS, *QUALITY)),
    }
    if latency is not None:
        made |= _costs(latency, macs, params, len(name))
    if accuracy is not None:
        made |= _quality(accuracy)
    made |= {
        "architecture": {"variant": "xs", "depths": [1, 2]},
        "dataset": "fashion-mnist",
        "dataset_checksum": "123456",
        "dataset_note": "Fashion-MNIST, a subset of 4,000 training images",
        "resolution": 28,
        "recipe": {"lr": 0.001},
        "fingerprint": MACHINE,
        "cost_fingerprint": MACHINE if latency is not None else None,
    }
    return made | changes


NEWER = {
    "form", "form_note", "form_seconds", "parity", "macs_by_module", "macs_uncounted",
    "macs_range", "multiplications",
    "latency_rounds", "latency_blocks", "latency_stopped", "throughput_ladder",
    "out_of_memory_batch", "largest_batch", "peak_training_memory_bytes", "training_memory_batch",
    "training_memory_reason",
    "energy_mj_per_image", "energy_source",
}  # fmt: skip


def without_newer_fields(record: dict[str, Any]) -> dict[str, Any]:
    """The same record as protocol 1 wrote it into its CSV file."""
    return {field: value for field, value in record.items() if field not in NEWER}


def timed(
    name: str = "fwa",
    latency: float = 3.0,
    *,
    rng: np.random.Generator,
    processes: int = 1,
    rounds: int = 40,
    between: float = 0.0,
    **changes: Any,
) -> dict[str, Any]:
    """A record with samples of its own: 2 % of noise in a process, `between` between processes."""
    luck = np.repeat(rng.lognormal(0, between, processes), rounds)
    samples = latency * luck * rng.lognormal(0, 0.02, luck.size)
    timing = {
        "latency_ms_samples": samples.tolist(),
        "latency_rounds": [rounds] * processes if processes > 1 else [],
        "latency_ms_median": float(np.median(samples)),
    }
    return row(name, latency=latency, **{**timing, **changes})


def many(arms: int, seeds: int = 1) -> list[dict[str, Any]]:
    """Arms with plausible, spread costs and accuracies."""
    rng = np.random.default_rng(arms)
    names = ("fwa", "softmax", "linear", "mobilevit_v2", "efficient_additive", "hilo", "pool")
    rows = []
    for index in range(arms):
        name = f"{names[index % 7]}{'' if index < 7 else f'_{index}'}"
        macs = int(20e6 * rng.lognormal(0, 0.35))
        latency = 1.5 + macs / 12e6 * rng.uniform(0.6, 1.4)
        mean = 0.78 + 0.03 * np.log(macs / 2e7) + rng.normal(0, 0.012)
        rows += [
            row(
                name,
                seed=seed,
                accuracy=float(mean + rng.normal(0, 0.004)),
                latency=float(latency),
                macs=macs,
                params=int(macs / 20),
                reconstructed=index % 7 == 0,
            )
            for seed in range(seeds)
        ]
    return rows


def _costs(latency: float, macs: int, params: int, salt: int) -> dict[str, Any]:
    # One disturbance for all arms of a round, as interleaving gives it.
    common = np.random.default_rng(0).lognormal(0, 0.05, ROUNDS)
    own = np.random.default_rng(salt).lognormal(0, 0.01, ROUNDS)
    samples = (latency * common * own).tolist()
    q1, q3 = np.percentile(samples, [25, 75])
    return {
        "form": "eager",
        "form_note": "",
        "form_seconds": 0.0,
        "params": params,
        "macs": macs,
        "macs_by_operator": {"conv": macs},
        "macs_by_module": {"": macs},
        "macs_uncounted": [],
        "macs_ptflops": int(macs * 1.1),
        "other_ops": {"gelu": 10},
        "latency_ms_samples": samples,
        "latency_rounds": [],
        "latency_blocks": [],
        "latency_stopped": "",
        "latency_ms_median": float(np.median(samples)),
        "latency_ms_min": min(samples),
        "latency_ms_iqr": float(q3 - q1),
        "latency_threads": 1,
        "latency_reference_ms_median": None,
        "latency_ratio": None,
        "throughput_images_per_s": 900 / latency,
        "throughput_batch": 64,
        "throughput_threads": 2,
        "throughput_ladder": [],
        "energy_source": "",
        "peak_memory_bytes": 30_000_000 + 8 * macs // 10,
    }


def _quality(accuracy: float) -> dict[str, Any]:
    return {
        "test_accuracy": accuracy,
        "val_accuracy": accuracy,
        "curve": [{"epoch": 1, "train_loss": 1.5, "val_accuracy": 0.5, "images_per_s": 100.0}],
        "weights": "ema",
        "epochs": 10,
        "train_images": 4000,
        "val_images": 1000,
        "test_images": 2000,
        "train_seconds": 12.5,
    }
