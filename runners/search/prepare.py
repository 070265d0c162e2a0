"""From what a sweep file says to who evaluates, and on what images."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from runners.records.errors import UserError
from runners.search.candidate import Evaluator
from runners.search.config import SweepConfig, TrainingConfig
from runners.search.limits import Limits
from runners.search.objectives import ANALYTIC, VAL_ACCURACY
from runners.search.tabulated import Tabulated
from runners.search.trained import Images, Trained
from runners.training.recipe import Recipe, recipe_for
from search_space import Space, tabular

_PEAK = "peak_memory_bytes"
_TABULAR_NOTE = (
    "looked up in the tabulated benchmark, where it was measured at batch 1, "
    "on one thread, in interleaved rounds; accuracies marked so are predicted by a surrogate"
)


@dataclass(frozen=True)
class Prepared:
    """A sweep's space for its images, who evaluates, and the epochs of a training (0: none)."""

    space: Space
    evaluator: Evaluator
    epochs: int
    latency_note: str = ""


def prepare(config: SweepConfig, checkpoints: Path) -> Prepared:
    """Evaluation for real.

    Args:
        config: as the file says it.
        checkpoints: folder of unfinished trainings.

    Raises:
        DataError: unknown data set, or one that is not here.
        SpaceError: images too small for the space.
    """
    limits = Limits(config.space.constraints)
    wanted = {*config.objectives, *limits.quantities}
    space, images, recipe = config.space, Images("", "", "no images: nothing was trained"), None
    training = config.training or TrainingConfig()
    if VAL_ACCURACY in wanted:
        from runners import data

        loaded = data.load(training.dataset, training.resolution)
        space = space.for_images(loaded.channels, loaded.num_classes, loaded.resolution)
        images = Images(training.dataset, loaded.checksum, loaded.note)
        recipe = _recipe(training)
    timed = bool(wanted - {VAL_ACCURACY, *ANALYTIC})
    evaluator = Trained(
        images=images,
        recipe=recipe,
        reference=space.base if timed else None,
        timing=config.latency,
        memory=_PEAK in wanted,
        limits=limits,
        device=config.device,
        threads=training.threads,
        checkpoints=checkpoints,
    )
    return Prepared(space, evaluator, recipe.epochs if recipe is not None else 0)


def prepare_tabular(config: SweepConfig, processes: int | None) -> Prepared:
    """Evaluation by looking up.

    Raises:
        UserError: the sweep asks for what the table does not hold.
    """
    table = tabular.load()
    if _PEAK in {*config.objectives, *Limits(config.space.constraints).quantities}:
        raise UserError("the tabulated benchmark holds no peak memory; leave it out")
    ours, theirs = config.space.to_dict(), table.space.to_dict()
    if ours["dimensions"] != theirs["dimensions"] or ours["base"] != theirs["base"]:
        raise UserError(
            "--engine tabular knows one space only; take the one of configs/lolvit-tabular.yaml, "
            "with constraints and objectives of your own"
        )
    trained = VAL_ACCURACY in config.objectives
    evaluator = Tabulated(Limits(config.space.constraints), trained, immediate=processes is None)
    return Prepared(config.space, evaluator, table.epochs if trained else 0, _TABULAR_NOTE)


def _recipe(training: TrainingConfig) -> Recipe:
    given = {
        "epochs": training.epochs,
        "batch_size": training.batch_size,
        "learning_rate": training.learning_rate,
    }
    told: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(recipe_for(training.dataset), amp=training.amp, **told)
