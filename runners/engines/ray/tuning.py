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

from runners.engines.ray.hooks import (
    EndStopper,
    HeartbeatCallback,
    QueueScheduler,
    QueueSearcher,
    TrialCoordinator,
)
from runners.engines.ray.options import RayOptions
from runners.engines.ray.trial import evaluate
from runners.engines.task_queue import TaskQueue
from runners.records.errors import UserError, first_line


def tune(queue: TaskQueue, options: RayOptions, storage: str, name: str) -> None:
    """Run the queue's tasks on the cluster that this process is connected to."""
    is_uri = "://" in storage
    # A name of its own: Tune resumes an experiment that it finds under the name.
    run_name = f"{name}-{secrets.token_hex(4)}"
    storage = storage if is_uri else str(Path(storage).absolute())
    is_new = not Path(storage).exists()
    coordinator = TrialCoordinator(queue, options, carries_files=is_uri)
    tuner = _make_tuner(options, storage, run_name, coordinator)
    with _handle_interrupts(coordinator):
        tuner.fit()
    if not is_uri and not coordinator.has_losses:
        shutil.rmtree(Path(storage, run_name), ignore_errors=True)
        if is_new:
            with suppress(OSError):  # not empty
                Path(storage).rmdir()
    if coordinator.error is not None:
        raise coordinator.error


def _make_tuner(
    options: RayOptions, storage: str, name: str, coordinator: TrialCoordinator
) -> Tuner:
    resources = {"cpu": options.cpus} | ({"gpu": options.gpus} if options.gpus else {})
    try:
        return Tuner(
            with_resources(evaluate, resources),
            tune_config=TuneConfig(
                search_alg=QueueSearcher(coordinator),
                scheduler=QueueScheduler(coordinator),
                num_samples=-1,
                reuse_actors=True,  # importing torch takes seconds
                trial_name_creator=_trial_name,
                trial_dirname_creator=_trial_name,
            ),
            run_config=RunConfig(
                name=name,
                storage_path=storage,
                failure_config=FailureConfig(max_failures=options.max_failures),
                checkpoint_config=CheckpointConfig(num_to_keep=1),
                callbacks=[HeartbeatCallback(coordinator)],
                stop=EndStopper(coordinator),
                verbose=0,
            ),
        )
    except Exception as error:  # each file system behind a URI raises its own
        raise UserError(f"Ray Tune cannot write to {storage}: {first_line(error)}") from error


def _trial_name(trial: Trial) -> str:
    return f"{trial.config['key']}-{trial.trial_id}"


@contextmanager
def _handle_interrupts(coordinator: TrialCoordinator) -> Iterator[None]:
    """Let the first Ctrl-C end the run through Tune, which cleans up, and a second one at once.

    Tune also replaces the handler of SIGUSR1 and never restores it; this does.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGINT] + ([signal.SIGUSR1] if hasattr(signal, "SIGUSR1") else [])
    before = {number: signal.getsignal(number) for number in numbers}

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        coordinator.end_run(KeyboardInterrupt())

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
