"""A task where it is done: in an actor of Ray Tune, on any node."""

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
from runners.engines.ray.timing import elsewhere
from runners.engines.task_queue import Task, Work
from runners.records.errors import UserError, named_line
from runners.records.record import Record

_SECONDS_BETWEEN_STEPS = 5.0
"""A report holds a training up until the queue has taken it in."""


class Report(str, Enum):
    """What a task says."""

    STEP = "step"
    QUESTION = "question"
    """Whether to go on; the record is what there is so far."""
    RESULT = "result"
    DEATH = "death"
    """It raised; nothing is known of its result."""
    USER_ERROR = "user error"


def packed(task: Task, carried: bool) -> dict[str, Any]:
    """A task as the configuration of a trial: strings, since Tune writes it to JSON files.

    Args:
        task: to be done.
        carried: whether what it leaves to go on from travels with it.
    """
    work: bytes = cloudpickle.dumps(task.work)  # type: ignore[no-untyped-call]
    return {
        "key": str(task.key),
        "work": base64.b64encode(work).decode(),
        "files": [str(file) for file in task.files] if carried else [],
    }


def evaluate(config: Mapping[str, Any]) -> None:
    """Do a task; what Tune calls in the actor. Where the queue says no, `tune.report` exits."""
    files = [Path(file) for file in config["files"]]
    try:
        work: Work = cloudpickle.loads(base64.b64decode(config["work"]))
        _bring(files)
        record = work(_stepper(), _asker(files), elsewhere)
        _report(Report.RESULT, record=record.model_dump_json())
    except UserError as error:
        _report(Report.USER_ERROR, text=str(error))
    except Exception as error:
        _report(Report.DEATH, text=named_line(error))


def _stepper() -> Any:
    last = time.monotonic()

    def on_step(epoch: int, images: int, total_images: int) -> None:
        nonlocal last
        if time.monotonic() - last > _SECONDS_BETWEEN_STEPS:
            _report(Report.STEP, step=(epoch, images, total_images))
            last = time.monotonic()

    return on_step


def _asker(files: Sequence[Path]) -> Any:
    def should_continue(record: Record) -> bool:
        with TemporaryDirectory() as folder:
            saved = [file for file in files if file.exists()]
            for file in saved:
                shutil.copyfile(file, Path(folder, file.name))
            checkpoint = tune.Checkpoint.from_directory(folder) if saved else None
            _report(Report.QUESTION, checkpoint, record=record.model_dump_json())
        return True

    return should_continue


def _bring(files: Sequence[Path]) -> None:
    """Lay down what this task left on a node that does not share this one's files."""
    checkpoint = tune.get_checkpoint()
    if checkpoint is None or not files:
        return
    with checkpoint.as_directory() as folder:
        for file in files:
            left = Path(folder, file.name)
            if left.exists() and not file.exists():
                file.parent.mkdir(parents=True, exist_ok=True)
                with atomic_write(file) as draft:
                    shutil.copyfile(left, draft)


def _report(kind: Report, checkpoint: Any = None, **told: Any) -> None:
    tune.report({"kind": kind.value, **told}, checkpoint=checkpoint)
