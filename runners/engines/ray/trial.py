"""The worker side of a task: what runs in an actor of Ray Tune, on any node."""

from __future__ import annotations

import base64
import shutil
import time
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ray import cloudpickle, tune

from reports.files import atomic_write
from runners.engines.ray.timing import run_on_timing_node
from runners.engines.task_queue import Task, Work
from runners.evaluate import OnStep, ShouldContinue
from runners.records.errors import UserError, named_line
from runners.records.record import Record

_SECONDS_BETWEEN_STEPS = 5.0
"""A report blocks the training until the coordinator has handled it."""


class Report(str, Enum):
    """The kinds of reports that a task sends."""

    STEP = "step"
    QUESTION = "question"
    """Whether to continue; carries the record that results if the training ends now."""
    RESULT = "result"
    ERROR = "error"
    """The task raised; it has no result."""
    USER_ERROR = "user error"


def pack_task(task: Task, carries_files: bool) -> dict[str, Any]:
    """Make a trial's configuration of a task: strings only, since Tune writes it to JSON files.

    `carries_files`: whether the files of an unfinished task travel through Tune's storage.
    """
    work: bytes = cloudpickle.dumps(task.work)  # type: ignore[no-untyped-call]
    return {
        "key": str(task.key),
        "work": base64.b64encode(work).decode(),
        "files": [str(file) for file in task.files] if carries_files else [],
    }


def evaluate(config: Mapping[str, Any]) -> None:
    """Run a packed task: Tune's trainable. `tune.report` exits when the trial is stopped."""
    files = [Path(file) for file in config["files"]]
    try:
        work: Work = cloudpickle.loads(base64.b64decode(config["work"]))
        _restore(files)
        record = work(_step_reporter(), _continue_asker(files), run_on_timing_node)
        _report(Report.RESULT, record=record.model_dump_json())
    except UserError as error:
        _report(Report.USER_ERROR, text=str(error))
    except Exception as error:
        _report(Report.ERROR, text=named_line(error))


def _step_reporter() -> OnStep:
    last = time.monotonic()

    def on_step(epoch: int, images: int, total_images: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_STEPS:
            _report(Report.STEP, step=(epoch, images, total_images))
            last = time.monotonic()

    return on_step


def _continue_asker(files: Sequence[Path]) -> ShouldContinue:
    def should_continue(record: Record) -> bool:
        with TemporaryDirectory() as folder:
            saved = [file for file in files if file.exists()]
            for file in saved:
                shutil.copyfile(file, Path(folder, file.name))
            checkpoint = tune.Checkpoint.from_directory(folder) if saved else None
            _report(Report.QUESTION, checkpoint, record=record.model_dump_json())
        return True

    return should_continue


def _restore(files: Sequence[Path]) -> None:
    """Copy the files of an earlier run of this task to a node that does not have them."""
    checkpoint = tune.get_checkpoint()
    if checkpoint is None or not files:
        return
    with checkpoint.as_directory() as folder:
        for file in files:
            copy = Path(folder, file.name)
            if copy.exists() and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                with atomic_write(file) as draft:
                    shutil.copyfile(copy, draft)


def _report(kind: Report, checkpoint: Any = None, **fields: Any) -> None:
    tune.report({"kind": kind.value, **fields}, checkpoint=checkpoint)
