"""Make the tabulated benchmark: every architecture of its space timed, a sample of them trained.

    python benchmarks/tabular.py train FOLDER --count 160 --part 0/2    # one process a core
    python benchmarks/tabular.py time FOLDER                            # nothing else running
    python benchmarks/tabular.py fit FOLDER                             # writes the table

`train` and `time` continue after an interruption. `fit` needs scikit-learn (extra `dev`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lolvit import LolvitConfig, build
from runners import data
from runners.machine.device_lock import lock_for_timing
from runners.machine.fingerprint import fingerprint
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.targets import NetworkTarget
from runners.measure.timing.latency import interleave, intra_op_threads, select_clock
from runners.measure.timing.protocol import Rounds
from runners.measure.timing.session import TimedVariant, make_call_factory
from runners.processes.isolated import run_isolated
from runners.training.recipe import Recipe
from runners.training.training_run import train
from search_space import Space, Values, load

HERE = Path(__file__).parents[1] / "search_space" / "tabular"
DATASET = "fashion-mnist-mini"
RECIPE = Recipe(epochs=8)
CPU = torch.device("cpu")
ROUNDS = Rounds(most=30, least=30, budget_s=0.0)
GROUP_SIZE = 20
"""Architectures timed in one process, interleaved with the reference."""


def architectures(space: Space) -> dict[str, tuple[Values, LolvitConfig]]:
    """Return all values and architectures of the space by hash, in the order of its grid."""
    grid = ((values, space.architecture(values)) for values in space.grid())
    return {architecture.hash: (values, architecture) for values, architecture in grid}


def train_some(folder: Path, count: int, part: int, parts: int) -> None:
    """Train one part of a random sample; the sample does not depend on the number of parts."""
    by_hash = architectures(load(HERE / "space.yaml"))
    hashes = np.random.default_rng(0).permutation(sorted(by_hash))[:count][part::parts]
    file = folder / f"train-{part}.jsonl"
    done = {row["hash"] for row in _rows(folder, "train-*.jsonl")}
    for number, key in enumerate(hashes):
        if key in done:
            continue
        values, architecture = by_hash[key]
        dataset = data.load(DATASET, architecture.resolution)
        with intra_op_threads(1):
            network = build(architecture, seed=0)
            quality = train(network, dataset, RECIPE, seed=0, device=CPU).quality
        _append(file, {"hash": key, "values": values, **quality.model_dump()})
        print(f"{number + 1}/{len(hashes)}: {quality.val_accuracy:.3f}", flush=True)


def time_all(folder: Path) -> None:
    """Time every architecture in groups, interleaved with the base of the space."""
    space = load(HERE / "space.yaml")
    by_hash = architectures(space)
    done = {row["hash"] for row in _rows(folder, "time.jsonl")}
    left = np.random.default_rng(1).permutation([key for key in by_hash if key not in done])
    for start in range(0, len(left), GROUP_SIZE):
        group = {key: by_hash[key][1] for key in left[start : start + GROUP_SIZE]}
        with lock_for_timing(CPU):
            rows = run_isolated(None, time_group, group, space.base)
        for row in rows:
            _append(folder / "time.jsonl", row)
        print(f"{start + len(group)}/{len(left)}", flush=True)


def time_group(group: dict[str, LolvitConfig], reference: LolvitConfig) -> list[dict[str, Any]]:
    """Time the architectures of one group; returns a row for each."""
    with torch.inference_mode(), intra_op_threads(1):
        calls = {
            key: make_call_factory(_timed_variant(key, architecture), CPU, 1)
            for key, architecture in {**group, "reference": reference}.items()
        }
        ms = interleave(calls, select_clock(CPU), ROUNDS).ms
    reference_ms = np.array(ms["reference"])
    return [
        {
            "hash": key,
            "latency_ms_median": float(np.median(ms[key])),
            "latency_ms_min": min(ms[key]),
            "latency_ratio": float(np.median(np.array(ms[key]) / reference_ms)),
            "reference_ms_median": float(np.median(reference_ms)),
        }
        for key in group
    ]


def _timed_variant(key: str, architecture: LolvitConfig) -> TimedVariant:
    target = NetworkTarget(key, architecture, follows_abstract=True)
    return TimedVariant(FormVariant(target), PreparedForm(), 1)


def _rows(folder: Path, pattern: str) -> Iterator[dict[str, Any]]:
    for file in sorted(folder.glob(pattern)):
        yield from map(json.loads, file.read_text().splitlines())


def _append(file: Path, row: dict[str, Any]) -> None:
    with file.open("a") as stream:
        stream.write(json.dumps(row) + "\n")


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("train", "time", "fit"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=160)
    parser.add_argument("--part", default="0/1", metavar="I/N")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.stage == "train":
        part, parts = map(int, arguments.part.split("/"))
        train_some(arguments.folder, arguments.count, part, parts)
    elif arguments.stage == "time":
        time_all(arguments.folder)
    else:
        from surrogate import fit

        about = {"fingerprint": fingerprint(CPU), "recipe": RECIPE.to_dict(), "dataset": DATASET}
        fit(arguments.folder, HERE, about)


if __name__ == "__main__":
    main()
