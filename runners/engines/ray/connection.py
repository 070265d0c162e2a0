"""A cluster to work on: one that runs already, or a Ray for this machine alone."""

from __future__ import annotations

import logging
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from runners.machine.fingerprint import usable_cores
from runners.records.errors import UserError, first_line

_PATIENCE_S = 20.0
_OBJECT_STORE_BYTES = 256 * 2**20
"""Nothing large travels, and it lies in shared memory, of which containers have little."""
_LONGEST_FOLDER = 40
"""Ray makes sockets 60 characters further down, and the path of one has at most 107."""
_TOKEN = secrets.token_hex(32)
"""Of every Ray that this process starts: it remembers the first one it met."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Who died is for the queue to say.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    # The old output of Tune can be silenced; its loggers would write three files a trial.
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # Its state is of no use to us.
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    # Ctrl-C shall end the run, not ask Tune to finish some day.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # How many are begun is for us to say.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",
    # Folders in tasks are relative to where the run was started.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
}
_PROBE = """
import logging, sys, ray
try:
    ray.init(address=sys.argv[1], log_to_driver=False, logging_level=logging.CRITICAL)
except Exception as error:
    sys.exit("!" + (str(error).strip() or type(error).__name__).splitlines()[0])
"""


@contextmanager
def connected(address: str | None) -> Iterator[None]:
    """Be the driver of a cluster; a Ray that this process has is used as it is.

    Args:
        address: "auto" or "host:port"; None for a Ray of our own, that ends with the context.

    Raises:
        UserError: there is no such cluster, or Ray cannot be started.
    """
    settings = _SETTINGS | (_own_settings() if address is None else {})
    # Before Ray is imported: some of this it reads only then.
    with _environment(settings), _silence():
        import ray

        if ray.is_initialized():
            yield
            return
        folder = _short_folder() if address is None else None
        try:
            if address is None:
                _start(folder)
            else:
                _connect(address)
            yield
        finally:
            ray.shutdown()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def _start(folder: str | None) -> None:
    import ray
    from ray._private import ray_constants

    # Ray listens to the whole network unless it believes in no cluster; that it asked the
    # environment, when it was imported.
    before = ray_constants.ENABLE_RAY_CLUSTER
    ray_constants.ENABLE_RAY_CLUSTER = False
    try:
        ray.init(
            address="local",
            num_cpus=usable_cores(),
            resources={"timing": 1},
            object_store_memory=_OBJECT_STORE_BYTES,
            include_dashboard=False,
            _node_ip_address="127.0.0.1",
            _temp_dir=folder,
            **_quiet(),
        )
    except Exception as error:
        raise UserError(f"Ray cannot be started: {first_line(error)}") from error
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _connect(address: str) -> None:
    import ray

    # In a process that can be given up: Ray tries for minutes, and then ends the whole process.
    probe = [sys.executable, "-c", _PROBE, address]
    try:
        done = subprocess.run(probe, capture_output=True, text=True, timeout=_PATIENCE_S)
    except subprocess.TimeoutExpired:
        raise UserError(f"no Ray cluster answers at {address}") from None
    if done.returncode:
        said = [line[1:] for line in done.stderr.splitlines() if line.startswith("!")]
        raise UserError(f"no Ray cluster at {address}: {said[-1] if said else 'Ray gave up'}")
    try:
        ray.init(address=address, **_quiet())
    except Exception as error:
        raise UserError(f"no Ray cluster at {address}: {first_line(error)}") from error


def _quiet() -> dict[str, Any]:
    return {"log_to_driver": False, "logging_level": logging.CRITICAL}


def _own_settings() -> dict[str, str]:
    """For the processes of a Ray of our own; they inherit them."""
    return {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # Else any user of this machine could run code as this one.
        "RAY_AUTH_TOKEN": _TOKEN,
        # A process for timings imports torch once, not whenever nothing was timed for a second.
        "RAY_idle_worker_killing_time_threshold_ms": "3600000",
    }


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    if len(folder) > _LONGEST_FOLDER and os.path.isdir("/tmp"):
        folder = "/tmp"
    return tempfile.mkdtemp(prefix="ray-", dir=folder)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    changed = [*settings, "RAY_AUTH_MODE"]  # which Ray sets where it makes use of a token
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _silence() -> Iterator[None]:
    """The terminal is for what the queue has to say."""
    logger = logging.getLogger("ray")
    before = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"ray(\.|$)")
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(before)
