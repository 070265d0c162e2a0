"""The evaluator that measures and trains for real.

Torch is imported where the work starts: a search can be planned without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lolvit
from lolvit import LolvitConfig
from runners.evaluate import EvaluationSpec, OnStep, RunTiming
from runners.records.record import Costs, Provenance, Quality, TrainingResult
from runners.records.unavailable import Unavailable
from runners.search.config import LatencyConfig
from runners.search.limits import Limits
from runners.training.recipe import Recipe

if TYPE_CHECKING:
    from runners.data.dataset import Dataset
    from runners.measure.quick_costs import QuickCosts

_LEAST_ROUNDS = 40


@dataclass(frozen=True)
class Images:
    """A data set by name ("": nothing is trained), and what a record says about it.

    Unless it is loaded already, it is loaded by name where it is needed.
    """

    name: str
    checksum: str
    note: str
    dataset: Dataset | None = None

    @classmethod
    def of_dataset(cls, dataset: Dataset) -> Images:
        """The images of a loaded data set."""
        return cls(dataset.name, dataset.checksum, dataset.note, dataset)

    def load(self, resolution: int) -> Dataset:
        """The data set with images of this side."""
        from runners import data

        return self.dataset or data.load(self.name, resolution)


@dataclass(frozen=True)
class TrialCosts:
    """How the costs of a trial of a search are measured: in turns with a reference network.

    Args:
        reference: the network that takes turns with each trial; None times nothing, and counts only
            MACs and parameters.
        timing: rounds and threads.
        memory: whether the peak memory of an inference is measured.
        device: where.
    """

    reference: LolvitConfig | None
    timing: LatencyConfig
    memory: bool
    device: str

    def measure(self, spec: EvaluationSpec, run_timing: RunTiming) -> Costs | Unavailable:
        """The costs of one architecture."""
        from runners.measure.quick_costs import count_costs, measure_trial

        architecture = lolvit.from_dict(spec.architecture)
        assert isinstance(architecture, LolvitConfig)
        if self.reference is None:
            return count_costs(architecture)
        costs: Costs = run_timing(measure_trial, architecture, self._settings(self.reference))
        return costs

    def time_together(
        self, architectures: Sequence[Mapping[str, Any]], patience_s: float
    ) -> list[dict[str, float]]:
        """Time architectures in the same rounds, in a process of its own on this machine.

        Raises:
            ProcessFailed: one of them fails, or `patience_s` seconds pass for each.
        """
        from runners.measure.quick_costs import time_together
        from runners.processes import run_isolated

        assert self.reference is not None
        networks = [lolvit.from_dict(dict(architecture)) for architecture in architectures]
        configs = [network for network in networks if isinstance(network, LolvitConfig)]
        timeout_s = patience_s * (1 + len(configs))
        return run_isolated(timeout_s, time_together, configs, self._settings(self.reference))

    def _settings(self, reference: LolvitConfig) -> QuickCosts:
        from runners.measure.quick_costs import QuickCosts
        from runners.measure.timing.protocol import Rounds

        rounds = Rounds(
            most=self.timing.rounds,
            least=min(_LEAST_ROUNDS, self.timing.rounds),
            budget_s=self.timing.seconds,
            precision=self.timing.precision,
        )
        return QuickCosts(reference, self.device, self.timing.threads, rounds, self.memory)

    def plan(self) -> dict[str, Any]:
        """Everything that decides them, in JSON types."""
        timed = self.reference is not None
        return {
            "latency": self.timing.model_dump() if timed else None,
            "reference": self.reference.to_dict() if self.reference is not None else None,
            "memory": self.memory,
        }


@dataclass(frozen=True)
class TrainedEvaluator:
    """Measures, then trains and tests where a recipe says how.

    Args:
        images: what networks are trained on.
        recipe: how to train; None trains nothing.
        costs: how to measure them; or the costs, where all arms were measured together before.
        device: where to train.
        threads: CPU threads of a training; None where nothing is trained.
        limits: what is not worth training.
        checkpoints: folder of unfinished trainings, by hash and seed; None keeps none.
    """

    images: Images
    recipe: Recipe | None
    costs: TrialCosts | Costs | Unavailable
    device: str
    threads: int | None
    limits: Limits = field(default_factory=Limits)
    checkpoints: Path | None = None

    @property
    def is_timed(self) -> bool:
        """Whether an evaluation measures latencies."""
        return isinstance(self.costs, TrialCosts) and self.costs.reference is not None

    @property
    def immediate(self) -> bool:
        return self.recipe is None and not self.is_timed

    def plan(self) -> dict[str, Any]:
        return {
            "evaluation": "trained",
            "dataset": {"name": self.images.name, "checksum": self.images.checksum},
            "recipe": self.recipe.to_dict() if self.recipe is not None else None,
            **(self.costs.plan() if isinstance(self.costs, TrialCosts) else {}),
            "device": self.device,
            "threads": self.threads,
        }

    def provenance(self, spec: EvaluationSpec) -> Provenance:
        threads = {} if self.threads is None else {"train_threads": self.threads}
        return Provenance(
            dataset=self.images.name,
            dataset_checksum=self.images.checksum,
            dataset_note=self.images.note,
            resolution=spec.resolution,
            recipe=self.recipe.to_dict() if self.recipe is not None else {},
            fingerprint={**_fingerprint(self.device), **threads},
        )

    def measure(self, spec: EvaluationSpec, run_timing: RunTiming) -> Costs | Unavailable:
        if isinstance(self.costs, TrialCosts):
            return self.costs.measure(spec, run_timing)
        return self.costs

    def find_violation(self, costs: Costs) -> str:
        return self.limits.find_violation(costs)

    def train(
        self, spec: EvaluationSpec, on_step: OnStep, should_continue: Callable[[Quality], bool]
    ) -> TrainingResult | None:
        if self.recipe is None:
            return None
        import torch

        from runners.measure.timing.latency import intra_op_threads
        from runners.training.training_run import train

        assert self.threads is not None
        dataset = self.images.load(spec.resolution)
        with intra_op_threads(self.threads):
            return train(
                lolvit.build(lolvit.from_dict(spec.architecture), seed=spec.seed),
                dataset,
                self.recipe,
                seed=spec.seed,
                device=torch.device(self.device),
                on_step=on_step,
                should_continue=should_continue,
                checkpoint=self.checkpoint(spec),
            )

    def files(self, spec: EvaluationSpec) -> tuple[Path, ...]:
        checkpoint = self.checkpoint(spec) if self.recipe is not None else None
        return (checkpoint,) if checkpoint is not None else ()

    def remove_files(self, spec: EvaluationSpec) -> None:
        for file in self.files(spec):
            file.unlink(missing_ok=True)

    def checkpoint(self, spec: EvaluationSpec) -> Path | None:
        """The file of its unfinished training."""
        if self.checkpoints is None:
            return None
        return self.checkpoints / f"{spec.architecture_hash}-{spec.seed}.pt"


@cache
def _fingerprint(device: str) -> dict[str, str | int | bool]:
    """The machine as it was at the first call: a trial must not wait for git."""
    import torch

    from runners.machine.fingerprint import fingerprint

    return fingerprint(torch.device(device))
