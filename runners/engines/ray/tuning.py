"""One experiment of Ray Tune, from its first trial to its last."""

from __future__ import annotations

import secrets
import shutil
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ray.tune import (
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    TuneConfig,
    Tuner,
    with_resources,
)
from ray.tune.experiment import Trial

from runners.engines.ray.hooks import Asking, Beating, Ending, Floor, Judging
from runners.engines.ray.run import RayOptions
from runners.engines.ray.trial import evaluate
from runners.engines.task_queue import TaskQueue
from runners.records.errors import UserError, first_line


def tune(queue: TaskQueue, options: RayOptions, storage: str, name: str) -> None:
    """Do what the queue hands out on the cluster that this process is connected to."""
    carried = "://" in storage
    # Tune takes up an experiment that it finds; ours is always another one.
    run_name = f"{name}-{secrets.token_hex(4)}"
    place = storage if carried else str(Path(storage).absolute())
    floor = Floor(queue, options.cpus, options.gpus, options.at_once, carried)
    is_new = not Path(place).exists()
    tuner = _tuner(options, place, run_name, floor)
    with _interrupts(floor):
        tuner.fit()
    if not carried and not floor.lost:
        shutil.rmtree(Path(place, run_name), ignore_errors=True)
        if is_new:
            with suppress(OSError):  # something else lies there
                Path(place).rmdir()
    if floor.error is not None:
        raise floor.error


def _tuner(options: RayOptions, storage: str, name: str, floor: Floor) -> Tuner:
    size = {"cpu": options.cpus} | ({"gpu": options.gpus} if options.gpus else {})
    try:
        return Tuner(
            with_resources(evaluate, size),
            tune_config=TuneConfig(
                search_alg=Asking(floor),
                scheduler=Judging(floor),
                num_samples=-1,
                reuse_actors=True,  # importing torch takes seconds
                trial_name_creator=_name,
                trial_dirname_creator=_name,
            ),
            run_config=RunConfig(
                name=name,
                storage_path=storage,
                failure_config=FailureConfig(max_failures=options.max_failures),
                checkpoint_config=CheckpointConfig(num_to_keep=1),
                callbacks=[Beating(floor)],
                stop=Ending(floor),
                verbose=0,
            ),
        )
    except Exception as error:  # of the many file systems behind a URI
        raise UserError(f"Ray Tune cannot write to {storage}: {first_line(error)}") from error


def _name(trial: Trial) -> str:
    return f"{trial.config['key']}-{trial.trial_id}"


@contextmanager
def _interrupts(floor: Floor) -> Iterator[None]:
    """Have Ctrl-C end the run through Tune, which cleans up; a second one does not wait for that.

    Tune takes SIGUSR1 for itself, and keeps it: it is put back too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT] + ([signal.SIGUSR1] if hasattr(signal, "SIGUSR1") else [])
    before = {number: signal.getsignal(number) for number in numbers}

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        floor.end_run(KeyboardInterrupt())

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
