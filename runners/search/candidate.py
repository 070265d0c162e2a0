"""What a search proposes to evaluate."""

from __future__ import annotations

from dataclasses import dataclass

from lolvit import LolvitConfig
from runners.evaluate import EvaluationSpec


@dataclass(frozen=True)
class Candidate:
    """A proposed architecture: the number of its trial, and the seed of its training."""

    number: int
    architecture: LolvitConfig
    seed: int

    @property
    def spec(self) -> EvaluationSpec:
        """What its record is about."""
        return EvaluationSpec.of_architecture(
            f"trial {self.number}",
            self.architecture,
            # Without fusion blocks it is GhostNet, which is published.
            reconstructed=any(self.architecture.fusion_blocks),
            seed=self.seed,
        )
