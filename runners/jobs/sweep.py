"""Search a space: propose, measure, train, stop early, and publish the Pareto front."""

from __future__ import annotations

import contextlib
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
from reports.sweep.drift import RECHECKED, with_front_timings
from reports.sweep.publication import Publication, publish
from reports.sweep.summary import SweepSummary, summarise_sweep
from runners.engines.task_queue import TaskQueue
from runners.evaluate import Evaluator
from runners.processes import ProcessFailed
from runners.progress.listener import Listener
from runners.records.errors import UserError, first_line
from runners.search import samplers
from runners.search.config import SweepConfig
from runners.search.goal import Goal
from runners.search.limits import Limits, costs_from_formula
from runners.search.rungs import HalvingRung, rung_epochs
from runners.search.search import Search
from runners.store import open_storage, redact, run_folder
from runners.store.study import FRONT_TIMINGS, Study
from search_space import Space, SpaceError, Values, require_feasible, survey

_FILE_STUDY = "sweep"

Engine = Callable[[TaskQueue], None]
TimeTogether = Callable[[Sequence[Mapping[str, Any]]], Sequence[Mapping[str, float]]]
_MOST_RECHECKS = 3


@dataclass(frozen=True)
class Sweep:
    """What to search, how, and until when.

    Args:
        name: of the sweep, and of its study in a database.
        config: as the file says it.
        space: the file's space, for the images.
        evaluator: measures and trains, or looks up.
        epochs: of a full training; 0 where nothing is trained.
        storage: URL of a database; None keeps the study in the run folder.
        resume: whether an existing study may continue.
        trials: results wanted.
        budget_s: seconds after which the session ends, finished or not.
        first_values: values to evaluate first.
        latency_note: how latencies were measured, for the report.
        time_together: times architectures, as JSON types, in the same rounds; None where latencies
            are not measured, or not on this machine.
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
    first_values: Sequence[Values]
    latency_note: str = ""
    time_together: TimeTogether | None = None


@dataclass(frozen=True)
class SweepResult:
    """How a session ended: `stop_reason` is "" where it has all results, `counts` are by state."""

    publication: Publication | None
    counts: Mapping[str, int]
    stop_reason: str


def sweep(job: Sweep, folder: Path, engine: Engine, listener: Listener) -> SweepResult:
    """Search until the goal is reached, and publish what is found.

    An interrupted sweep publishes what is finished; the next session retries the trials that were
    running, from their checkpoints.

    Raises:
        UserError: the folder or the storage cannot be used, belongs to another sweep, or another
            process uses it; the data is at fault.
    """
    start_s = time.monotonic()
    _sampler(job, 0)  # raises for a wrong option before anything is written
    location: Path | str = job.storage or folder / run_folder.STUDY_FILE
    study = job.name if job.storage else _FILE_STUDY
    with run_folder.lock_run_folder(folder), open_storage(location, study=study) as storage:
        deadline = None if job.budget_s is None else start_s + job.budget_s
        search = start_search(job, storage, location, study, deadline, listener)
        _write_sweep_file(folder, job, study)
        try:
            engine(search)
        except Exception:
            with contextlib.suppress(UserError):  # the storage may be what failed
                search.close()
                search.study.discard_unused()
            raise
        else:
            _recheck_front(job, search, listener)
        finally:
            search.close()
            publication = _publish(job, search, folder)
            listener.close()
    return SweepResult(publication, search.counts, search.stop_reason)


def start_search(
    job: Sweep,
    storage: RDBStorage,
    location: Path | str,
    study: str,
    deadline: float | None,
    listener: Listener,
) -> Search:
    """The search of a job in an open storage, started or resumed; `study` is the study's name.

    Raises:
        UserError: the study belongs to another sweep, or may not continue.
        SpaceError: no architecture of the space is feasible.
    """
    stored = Study(
        storage,
        location,
        study,
        directions=list(job.config.objectives.values()),
        distributions=samplers.make_distributions(job.space),
        plan=_plan(job),
        resume=job.resume,
        may_change="the number of trials and the time budget only",
    )
    if stored.count == 0 and any(constraint.is_analytic for constraint in job.space.constraints):
        try:
            require_feasible(survey(job.space, costs_from_formula))
        except SpaceError:
            stored.discard_unused()
            raise
    search = Search(
        job.space,
        job.config.objectives,
        Limits(job.space.constraints),
        job.evaluator,
        stored,
        _rungs(job),
        Goal(job.trials, deadline),
        job.config.training.seed if job.config.training is not None else 0,
        listener,
    )
    # With its old seed the sampler would propose the old trials again.
    stored.use_sampler(_sampler(job, stored.count))
    for values in job.first_values:
        search.enqueue(values)
    return search


def _sampler(job: Sweep, trials: int) -> BaseSampler:
    config = job.config.sampler
    return samplers.make_sampler(config.name, config.options, config.seed + trials, job.space)


def _rungs(job: Sweep) -> dict[int, HalvingRung]:
    if (config := job.config.rungs) is None:
        return {}
    epochs = rung_epochs(config.first, config.eta, job.epochs)
    return {epoch: HalvingRung(config.eta) for epoch in epochs}


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


def _write_sweep_file(folder: Path, job: Sweep, study: str) -> None:
    """Write which study the folder reports, without the password of a database."""
    content = {
        "name": job.name,
        "study": study,
        "storage": redact(job.storage) if job.storage else run_folder.STUDY_FILE,
        "objectives": job.config.objectives,
    }
    with atomic_write(folder / run_folder.SWEEP_FILE) as draft:
        draft.write_text(json.dumps(content, indent=2) + "\n")


def _recheck_front(job: Sweep, search: Search, listener: Listener) -> None:
    """Time the front again, together, in the same rounds, until no new architecture is on it.

    Only where the latency is an objective. An architecture that fails here keeps its first timing.
    """
    if job.time_together is None or not {"latency_ms", "latency_ratio"} & set(
        job.config.objectives
    ):
        return
    for _ in range(_MOST_RECHECKS):
        front = _summarise(job, search).front
        rows = front.rows if front is not None else ()
        if len(rows) < 2 or all(row[RECHECKED] for row in rows):
            return
        listener.on_stage(f"timing the {len(rows)} architectures of the front together")
        try:
            timings = job.time_together([row["architecture"] for row in rows])
        except ProcessFailed as error:
            listener.on_note(f"the front could not be timed together: {first_line(error)}")
            return
        hashes = [row["architecture_hash"] for row in rows]
        earlier = search.study.attribute(FRONT_TIMINGS) or {}
        timed = dict(zip(hashes, timings, strict=True))
        search.study.set_attribute(FRONT_TIMINGS, {**earlier, **timed})


def _summarise(job: Sweep, search: Search) -> SweepSummary:
    rows = with_front_timings(search.rows(), search.study.attribute(FRONT_TIMINGS) or {})
    notes = sorted({row["dataset_note"] for row in rows if row["dataset_note"]})
    return summarise_sweep(
        rows,
        objectives=job.config.objectives,
        title=job.name,
        counts={"duplicate": search.counts["duplicate"]},
        dataset_note="; ".join(notes),
        sampler=job.config.sampler.name,
        latency_note=job.latency_note,
    )


def _publish(job: Sweep, search: Search, folder: Path) -> Publication | None:
    if not search.rows():
        return None
    summary = _summarise(job, search)
    time = datetime.now(timezone.utc).isoformat(timespec="seconds")
    return publish(summary, folder, time=time)
