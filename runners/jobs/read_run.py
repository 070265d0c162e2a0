"""Read a stored run of any kind for a report; changes nothing, and imports no torch."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

import reports
from attention_zoo import MixerError
from lolvit import VARIANTS, MixerConfig
from lolvit.fields import ArchitectureError
from reports.runs.run import Run, RunKind
from runners.records.errors import UserError, first_line
from runners.records.record import Record
from runners.records.scale_point import ScalePoint
from runners.store.run_folder import STUDY_FILE, SWEEP_FILE
from runners.store.study import (
    FRONT_TIMINGS,
    PLAN,
    RUN_STUDY,
    duplicate_of,
    newest_records,
    read_study,
    record_of,
)
from search_space import SpaceError, from_dict

SCALE_FILE = "scale.csv"


def read_run(folder: Path, name: str) -> Run:
    """The run in a folder, called `name` in the report.

    A damaged record, or one of a newer version, is left out and named in the notes.

    Raises:
        UserError: the folder holds no run, or one without a result.
    """
    if (folder / SWEEP_FILE).exists():
        run = _read_sweep(folder, name)
    elif (folder / SCALE_FILE).exists() and not (folder / STUDY_FILE).exists():
        run = _read_scaling(folder, name)
    else:
        run = _read_arms(folder, name)
    if not run.rows:
        notes = f" ({' '.join(run.notes)})" if run.notes else ""
        raise UserError(f"nothing to report: {folder} has no result yet{notes}")
    return run


def _read_arms(folder: Path, name: str) -> Run:
    file = folder / STUDY_FILE
    trials, attributes = read_study(file, RUN_STUDY, file)
    plan = attributes.get(PLAN, {})
    notes: list[str] = []
    good = _readable(trials, notes)
    try:
        records = newest_records(good, list(plan.get("arms", {})))
    except (KeyError, ValueError) as error:
        raise UserError(f"{file} is not a study of this suite: {first_line(error)}") from error
    return Run(
        name,
        RunKind.COMPARISON,
        [record.flat() for record in records],
        commands=_commands(records),
        notes=notes,
    )


def _read_sweep(folder: Path, name: str) -> Run:
    try:
        content = json.loads((folder / SWEEP_FILE).read_text(encoding="utf-8"))
        storage, study = str(content["storage"]), str(content["study"])
        objectives, title = dict(content["objectives"]), str(content["name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"cannot read {folder / SWEEP_FILE}: {first_line(error)}") from error
    location = folder / STUDY_FILE if storage == STUDY_FILE else storage
    trials, attributes = read_study(location, study, folder)
    plan = attributes.get(PLAN, {})
    notes: list[str] = []
    good = _readable(trials, notes)
    try:
        space = from_dict(plan["space"])
    except (KeyError, SpaceError) as error:
        raise UserError(f"{folder} is not a sweep of this version: {first_line(error)}") from error
    seen: dict[str, dict[str, Any]] = {}
    for trial in good:
        record = record_of(trial)
        if record is not None:
            row = {"trial": trial.number, "values": space.active(trial.params)}
            seen.setdefault(record.architecture_hash, {**record.flat(), **row})
    return Run(
        name,
        RunKind.SWEEP,
        reports.with_front_timings(list(seen.values()), attributes.get(FRONT_TIMINGS, {})),
        title=title,
        objectives=objectives,
        counts={"duplicate": sum(duplicate_of(trial) is not None for trial in good)},
        sampler=str(plan.get("sampler", {}).get("name", "")),
        commands={"": f"python bench.py sweep {title}.yaml --enqueue {name}/front.csv"},
        notes=notes,
    )


def _read_scaling(folder: Path, name: str) -> Run:
    file = folder / SCALE_FILE
    try:
        rows = reports.read_records(file.read_text(encoding="utf-8"))
        points = [ScalePoint.model_validate(_of_point(row)) for row in rows]
    except (OSError, ValueError) as error:
        raise UserError(f"cannot read {file}: {first_line(error)}") from error
    command = f"python bench.py scale {' '.join(dict.fromkeys(point.mixer for point in points))}"
    return Run(name, RunKind.SCALING, [point.flat() for point in points], commands={"": command})


def _of_point(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a point; an empty cell is the field's default."""
    cells = {key: value for key, value in row.items() if value != ""}
    return cells | {key: str(cells[key]) for key in ("reason", "mixer") if key in cells}


def _readable(trials: Sequence[FrozenTrial], notes: list[str]) -> list[FrozenTrial]:
    """The trials whose record can be read; the others are named in a note."""
    good, bad = [], []
    for trial in trials:
        try:
            record_of(trial)
        except ValueError:  # of pydantic
            bad.append(str(trial.number))
        else:
            good.append(trial)
    if bad:
        notes.append(
            f"WARNING: records that are damaged or of a newer version are left out: "
            f"trial {', '.join(bad)}."
        )
    return good


def _commands(records: Sequence[Record]) -> dict[str, str]:
    """For each arm that a command can name, the command that repeats it."""
    commands: dict[str, str] = {}
    for record in records:
        if not _is_arm(record.name):
            continue
        recipe, dataset = record.provenance.recipe, record.provenance.dataset
        words = ["python bench.py compare", record.name]
        if dataset:
            words += ["--dataset", reports.dataset_label(dataset)]
        words += ["--epochs", str(recipe["epochs"])] if recipe else ["--cost-only"]
        commands[record.name] = " ".join(words)
    return commands


def _is_arm(name: str) -> bool:
    parse: Callable[[str], object] = MixerConfig.parse
    try:
        return name in VARIANTS or bool(parse(name))
    except (MixerError, ArchitectureError):
        return False
