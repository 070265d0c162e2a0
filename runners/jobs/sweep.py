"""Search a space: propose, measure, train, stop early, and publish the front."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage

from reports.files import atomic_write
from reports.sweep.publication import Publication, publish
from runners.engines.task_queue import TaskQueue
from runners.progress.search_listener import SearchWatch
from runners.search import samplers
from runners.search.candidate import Evaluator
from runners.search.config import SweepConfig
from runners.search.limits import Limits, costs_of
from runners.search.rungs import HalvingRung, rung_epochs
from runners.search.search import Goal, Search
from runners.store import opened, run_folder, shown
from runners.store.trials import Trials
from search_space import Space, Values, require_feasible, survey

CHECKPOINTS = "checkpoints"
_FILE_STUDY = "sweep"

Engine = Callable[[TaskQueue], None]


@dataclass(frozen=True)
class Sweep:
    """What to search, how, and until when.

    Args:
        name: of the sweep, and of its study in a data base.
        config: as the file says it.
        space: the file's space, for the images.
        evaluator: makes records.
        epochs: that a training takes; 0 where nothing is trained.
        storage: URL of a data base; None keeps the study in the run folder.
        resume: whether an existing study may go on.
        trials: results wanted.
        budget_s: seconds after which the session ends, finished or not.
        seeds: values to look at first.
        latency_note: how the latencies came about, for the report.
    """

    name: str
    config: SweepConfig
    space: Space
    evaluator: Evaluator
    epochs: int
    storage: str | None
    resume: bool
    trials: int
    budget_s: float | None
    seeds: Sequence[Values]
    latency_note: str = ""


@dataclass(frozen=True)
class Outcome:
    """How a session ended.

    Args:
        publication: what was published; None with nothing to publish.
        counts: trials by state, "duplicate" too.
        why: what ended it early, in words; "" where all results are there.
    """

    publication: Publication | None
    counts: Mapping[str, int]
    why: str


def sweep(job: Sweep, folder: Path, engine: Engine, watch: SearchWatch) -> Outcome:
    """Search until the goal is reached, and publish what is found.

    An interrupt publishes what is finished before it goes on; what was under way is asked for
    again by the next session, and goes on from its checkpoint.

    Raises:
        UserError: the folder or the storage cannot be used, belongs to another sweep, or another
            process is at work on it; the data is at fault.
    """
    began = time.monotonic()
    _sampler(job, 0)  # a value that it refuses is said before anything is written
    place: Path | str = job.storage or folder / run_folder.STUDY_FILE
    study = job.name if job.storage else _FILE_STUDY
    with run_folder.opened(folder), opened(place, study=study) as storage:
        deadline = None if job.budget_s is None else began + job.budget_s
        search = begin(job, storage, place, study, deadline, watch)
        _mark(folder, job, study)
        try:
            engine(search)
        finally:
            search.close()
            publication = _publish(job, search, folder)
            watch.close()
    return Outcome(publication, search.counts, search.stopped_because)


def begin(
    job: Sweep,
    storage: RDBStorage,
    place: Path | str,
    study: str,
    deadline: float | None,
    watch: SearchWatch,
) -> Search:
    """The search of a job in an open storage, begun or taken up again.

    Args:
        job: what to search.
        storage: of the study.
        place: of the storage, for messages.
        study: its name.
        deadline: of `time.monotonic`; None for none.
        watch: told what happens.

    Raises:
        UserError: the study belongs to another sweep, or may not go on.
        SpaceError: nothing of the space is feasible.
    """
    trials = Trials(
        storage,
        place,
        study,
        objectives=job.config.objectives,
        distributions=samplers.make_distributions(job.space),
        plan=_plan(job),
        resume=job.resume,
    )
    if trials.count == 0 and any(each.is_analytic for each in job.space.constraints):
        require_feasible(survey(job.space, costs_of))
    search = Search(
        job.space,
        job.config.objectives,
        Limits(job.space.constraints),
        job.evaluator,
        trials,
        _rungs(job),
        Goal(job.trials, deadline),
        job.config.training.seed if job.config.training is not None else 0,
        watch,
    )
    # A sampler that begins anew with its old seed would propose the old trials again.
    trials.use(_sampler(job, trials.count))
    for values in job.seeds:
        search.look_first(values)
    return search


def _sampler(job: Sweep, trials: int) -> BaseSampler:
    told = job.config.sampler
    return samplers.make_sampler(told.name, told.options, told.seed + trials, job.space)


def _rungs(job: Sweep) -> dict[int, HalvingRung]:
    given = job.config.rungs
    if given is None:
        return {}
    return {
        epoch: HalvingRung(given.eta) for epoch in rung_epochs(given.first, given.eta, job.epochs)
    }


def _plan(job: Sweep) -> dict[str, Any]:
    """Everything that decides the results. Only the number of trials may change."""
    config = job.config
    return {
        "space": job.space.to_dict(),
        "objectives": config.objectives,
        "sampler": config.sampler.model_dump(),
        "rungs": config.rungs.model_dump() if config.rungs is not None else None,
        "seed": config.training.seed if config.training is not None else 0,
        **job.evaluator.plan(),
    }


def _mark(folder: Path, job: Sweep, study: str) -> None:
    """Say in the folder what it shows; without the password of a data base."""
    told = {
        "name": job.name,
        "study": study,
        "storage": shown(job.storage) if job.storage else run_folder.STUDY_FILE,
        "objectives": job.config.objectives,
    }
    with atomic_write(folder / run_folder.SWEEP_FILE) as draft:
        draft.write_text(json.dumps(told, indent=2) + "\n")


def _publish(job: Sweep, search: Search, folder: Path) -> Publication | None:
    rows = search.rows()
    if not rows:
        return None
    notes = sorted({row["dataset_note"] for row in rows if row["dataset_note"]})
    return publish(
        rows,
        folder,
        objectives=job.config.objectives,
        title=job.name,
        time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        counts={"duplicate": search.counts["duplicate"]},
        dataset_note="; ".join(notes),
        sampler=job.config.sampler.name,
        latency_note=job.latency_note,
    )
