"""Stored runs, as `bench.py compare` would leave them, without training anything."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from runners.jobs.arm_queue import ArmQueue, open_arm_study
from runners.progress.listener import Listener
from runners.records.record import Record, ThroughputRung
from runners.store import open_storage
from runners.store.run_folder import STUDY_FILE
from runners.store.study import RUN_STUDY
from tests.runners import tiny

MACHINE = {"cpu": "x", "commit": "aaa", "dirty": False, "lolvit_bench": "0.1", "protocol": 2}


def arm(
    name: str,
    latency: float = 3.0,
    *,
    accuracy: float = 0.8,
    reason: str = "",
    noise: int = 0,
    machine: dict[str, Any] | None = None,
    **costs: Any,
) -> Record:
    """A record of one seed; `noise` seeds the 100 latencies, a reason makes it a failure."""
    samples = latency * np.random.default_rng(noise).lognormal(0, 0.02, 100)
    measured = {
        "macs": 25_000_000,
        "latency_ms_samples": samples.tolist(),
        "latency_ms_median": float(np.median(samples)),
        "latency_rounds": [25] * 4,
        "throughput_ladder": [
            ThroughputRung(batch=1, images_per_s=9.0),
            ThroughputRung(batch=64, images_per_s=99.0),
        ],
        "fingerprint": MACHINE | (machine or {}),
    }
    record = tiny.record("fwa", reason=reason, accuracy=accuracy)
    changes: dict[str, Any] = {
        "name": name,
        "costs": None if reason else record.costs.model_copy(update=measured | costs),
    }
    if record.quality is not None:
        changes["quality"] = record.quality.model_copy(update={"test_images": 2000})
    return record.model_copy(update=changes)


def store(folder: Path, *records: Record) -> Path:
    """Store the records, one per arm, as the study of a run; return its folder."""
    folder.mkdir(parents=True)
    names = [record.name for record in records]
    plan = {"arms": {name: {} for name in names}}
    trained = any(record.quality is not None for record in records)
    kept = {record.name: record for record in records}
    file = folder / STUDY_FILE
    with open_storage(file, study=RUN_STUDY) as storage:
        study = open_arm_study(storage, file, plan, names, trained=trained)
        specs = [tiny.spec() for _ in names]
        specs = [replace(spec, name=name) for spec, name in zip(specs, names, strict=True)]
        queue = ArmQueue(study, specs, {name: tiny.evaluator() for name in names}, 1, Listener())
        while (task := queue.next_task()) is not None:
            queue.complete(task, kept[task.key[0]])
    return folder
