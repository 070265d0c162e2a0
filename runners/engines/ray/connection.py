"""Connect to a running Ray cluster, or start a Ray on this machine only."""

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

_CONNECT_TIMEOUT_S = 20.0
_OBJECT_STORE_BYTES = 256 * 2**20
"""Small, because no large objects are sent and containers have little shared memory."""
_MAX_FOLDER_LENGTH = 30
"""Ray appends up to 77 characters for its sockets, whose paths have at most 107."""
_TOKEN = secrets.token_hex(32)
"""Used for every Ray that this process starts: Ray caches the first token it reads."""
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # The queue reports lost tasks; keep Ray from repeating its workers' output.
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".",
    # The old output of Tune can be silenced; its loggers would write three files a trial.
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_PRINT_ALL_TRIAL_ERRORS": "0",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    # Tune's own state is not used.
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    # Ctrl-C ends the run; Tune would wait for trials to finish.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # The queue decides how many trials start.
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",
    # Paths in tasks are relative to the working directory of the run.
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
def connect(address: str | None) -> Iterator[None]:
    """Make this process the driver of a cluster; if it is one already, use its cluster.

    Args:
        address: "auto" or "host:port"; None starts a local Ray that ends with the context.

    Raises:
        UserError: there is no such cluster, or Ray cannot be started.
    """
    settings = _SETTINGS | (_local_settings() if address is None else {})
    # Ray reads some of these when it is imported.
    with _environment(settings), _silence_ray():
        import ray

        if ray.is_initialized():
            yield
            return
        folder = _short_folder() if address is None else None
        try:
            if address is None:
                _start_local(folder)
            else:
                _connect_to(address)
            yield
        finally:
            ray.shutdown()
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)


def _start_local(folder: str | None) -> None:
    import ray
    from ray._private import ray_constants

    # Ray listens on all interfaces if clusters are enabled. It reads that from the environment
    # when it is imported, which may have been before `_local_settings` applied.
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
            **_quiet_options(),
        )
    except Exception as error:
        raise UserError(f"cannot start Ray: {first_line(error)}") from error
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


def _connect_to(address: str) -> None:
    import ray

    # Probe in another process: Ray retries for minutes, and then exits the whole process.
    probe = [sys.executable, "-c", _PROBE, address]
    try:
        done = subprocess.run(probe, capture_output=True, text=True, timeout=_CONNECT_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        raise UserError(f"Ray cluster does not respond: {address}") from None
    if done.returncode:
        reasons = [line[1:] for line in done.stderr.splitlines() if line.startswith("!")]
        raise UserError(
            f"cannot connect to a Ray cluster at {address}: "
            f"{reasons[-1] if reasons else 'Ray ended without a message'}"
        )
    try:
        ray.init(address=address, **_quiet_options())
    except Exception as error:
        raise UserError(
            f"cannot connect to a Ray cluster at {address}: {first_line(error)}"
        ) from error


def _quiet_options() -> dict[str, Any]:
    return {"log_to_driver": False, "logging_level": logging.CRITICAL}


def _local_settings() -> dict[str, str]:
    """Environment variables that the processes of a local Ray inherit."""
    return {
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1"),
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # Without a token, other users of this machine could run code as this one.
        "RAY_AUTH_TOKEN": _TOKEN,
        # Keep the timing process, with torch imported, when nothing is timed for a second.
        "RAY_idle_worker_killing_time_threshold_ms": "3600000",
    }


def _short_folder() -> str:
    folder = tempfile.gettempdir()
    if len(folder) > _MAX_FOLDER_LENGTH and os.path.isdir("/tmp"):
        folder = "/tmp"
    return tempfile.mkdtemp(prefix="ray-", dir=folder)


@contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    changed = [*settings, "RAY_AUTH_MODE"]  # Ray sets it when it uses a token
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
def _silence_ray() -> Iterator[None]:
    """Keep Ray's log and warnings off the terminal, which belongs to the progress display."""
    logger = logging.getLogger("ray")
    before = logger.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"ray(\.|$)")
        logger.setLevel(logging.CRITICAL + 1)
        try:
            yield
        finally:
            logger.setLevel(before)
