"""Choose the evaluator of a sweep, and fit its space to its images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runners.evaluate import Evaluator
from runners.evaluators.tabulated import TabulatedEvaluator
from runners.evaluators.trained import Images, TrainedEvaluator, TrialCosts
from runners.records.errors import UserError
from runners.records.objectives import ANALYTIC, VAL_ACCURACY
from runners.search.config import SweepConfig, TrainingConfig
from runners.search.limits import Limits
from runners.training.recipe import check_batch_size, recipe_for
from search_space import Space, tabular

_PEAK = "peak_memory_bytes"
_TABULAR_NOTE = (
    "looked up in the tabulated benchmark, where it was measured at batch 1, "
    "on one thread, in interleaved rounds; accuracies marked so are predicted by a surrogate"
)


@dataclass(frozen=True)
class PreparedSweep:
    """A sweep's space for its images, its evaluator, and the epochs of a training (0: none)."""

    space: Space
    evaluator: Evaluator
    epochs: int
    latency_note: str = ""
    skipped: str = ""
    """What of the data set is not read, in words."""


def prepare(config: SweepConfig, checkpoints: Path) -> PreparedSweep:
    """Choose real measuring and training; `checkpoints` is the folder of unfinished trainings.

    Raises:
        DataError: unknown data set, or one that was not fetched.
        SpaceError: images too small for the space.
        UserError: a batch larger than the data, or rungs after the last epoch.
    """
    limits = Limits(config.space.constraints)
    wanted = {*config.objectives, *limits.quantities}
    space, images, recipe = config.space, Images("", "", "no images: nothing was trained"), None
    skipped = ""
    training = config.training or TrainingConfig()
    if VAL_ACCURACY in wanted:
        from runners import data

        loaded = data.load(training.dataset, training.resolution)
        space = space.for_images(loaded.channels, loaded.num_classes, loaded.resolution)
        images = Images(training.dataset, loaded.checksum, loaded.note)
        skipped = loaded.skipped
        check_batch_size(training.batch_size, len(loaded.train))
        recipe = recipe_for(
            training.dataset,
            amp=training.amp,
            epochs=training.epochs,
            batch_size=training.batch_size,
            learning_rate=training.learning_rate,
        )
    reference = space.base if wanted - {VAL_ACCURACY, *ANALYTIC} else None
    evaluator = TrainedEvaluator(
        images=images,
        recipe=recipe,
        costs=TrialCosts(reference, config.latency, _PEAK in wanted, config.device),
        device=config.device,
        threads=training.threads,
        limits=limits,
        checkpoints=checkpoints,
    )
    epochs = recipe.epochs if recipe is not None else 0
    if config.rungs is not None and config.rungs.first >= epochs:
        raise UserError(
            f"rungs.first is {config.rungs.first}, but a training has {epochs} epochs: "
            "no trial would be ranked; lower it, or leave out `rungs`"
        )
    return PreparedSweep(space, evaluator, epochs, skipped=skipped)


def require_machine(config: SweepConfig) -> None:
    """Check that this machine has the device and the threads of a sweep.

    Raises:
        UserError: it has not.
    """
    from runners.machine.device import check_threads, resolve_device

    resolve_device(config.device, "device")
    check_threads(config.latency.threads, "latency.threads")
    if config.training is not None:
        check_threads(config.training.threads, "training.threads")


def prepare_tabular(config: SweepConfig, processes: int | None) -> PreparedSweep:
    """Choose look-ups in the tabulated benchmark.

    Raises:
        UserError: the sweep needs what the table lacks.
    """
    table = tabular.load()
    limits = Limits(config.space.constraints)
    if _PEAK in {*config.objectives, *limits.quantities}:
        raise UserError(
            "the tabulated benchmark has no peak memory; remove peak_memory_bytes from the sweep"
        )
    space, tabulated = config.space.to_dict(), table.space.to_dict()
    if any(space[key] != tabulated[key] for key in ("dimensions", "base")):
        raise UserError(
            "--engine tabular works on one space only; use that of configs/lolvit-tabular.yaml, "
            "with your own constraints and objectives"
        )
    trained = VAL_ACCURACY in config.objectives
    evaluator = TabulatedEvaluator(limits, trained, immediate=processes is None)
    return PreparedSweep(config.space, evaluator, table.epochs if trained else 0, _TABULAR_NOTE)
