"""Run functions in fresh processes, forked from a server that has only imported torch."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing import util
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any, ParamSpec, TypeVar, cast

from runners.processes.patience import no_progress
from runners.records.errors import UserError, first_line, named_line

P = ParamSpec("P")
Result = TypeVar("Result")

_LONGEST_TEMPORARY_FOLDER = 60
"""In bytes: a socket's path may have 107, and the fork server appends names of its own."""
_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")
_WEEK_S = 7 * 24 * 3600.0
"""A pipe cannot wait for longer than 24 days."""
_RETRY_PAUSES_S = (0.1, 0.4, 1.0, 2.0)


class ProcessFailed(RuntimeError):
    """A function in a process of its own ended without a result; the message is one line."""


class ProcessDied(ProcessFailed):
    """The process ended without a result or an error."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"its process ended with exit code {exit_code}")
        self.exit_code = exit_code

    @property
    def was_killed(self) -> bool:
        """Whether it got SIGKILL, mostly because the system was short of memory."""
        return self.exit_code == -signal.SIGKILL


class ProcessTimeout(ProcessFailed):
    """The process exceeded its time limit and was ended."""


def process_context() -> BaseContext:
    """The context of all processes here: a fork server where there is one, else spawning.

    Call it in the main thread first: the server it starts then ignores Ctrl-C, which reaches the
    whole process group while the server may still be importing torch.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    use_short_socket_paths()
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload(["runners.processes.preloaded"])
    if threading.current_thread() is threading.main_thread():
        from multiprocessing.forkserver import ensure_running

        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            ensure_running()
        finally:
            signal.signal(signal.SIGINT, before)
    return server


def use_short_socket_paths() -> None:
    """Place the fork server's socket elsewhere if the path of TMPDIR is too long for one.

    Workflow managers and schedulers make such; Linux limits the path of a socket to 107 bytes.
    """
    config: dict[str, Any] = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    if (
        config.get("tempdir")
        or len(os.fsencode(tempfile.gettempdir())) <= _LONGEST_TEMPORARY_FOLDER
    ):
        return
    for base in _SHORT_FOLDERS:
        if os.access(base, os.W_OK | os.X_OK):
            folder = tempfile.mkdtemp(prefix="lolvit-", dir=base)
            config["tempdir"] = folder
            owner = os.getpid()
            util.Finalize(None, _remove_folder, args=(folder, owner), exitpriority=-100)
            return


def _remove_folder(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # forked processes inherit the finaliser
        shutil.rmtree(folder, ignore_errors=True)


def run_isolated(
    timeout_s: float | None, function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
) -> Result:
    """Run a function in a fresh process and return its result; both ways are pickled.

    Args:
        timeout_s: time limit of the process in seconds, at most a week; None waits for ever.
        function: defined in a module, not a lambda.
        *args: of the function, like the keyword arguments.
        **kwargs: of the function.

    Raises:
        UserError: the function raised one, of the same class.
        ProcessTimeout: it exceeded its time limit.
        ProcessDied: the process ended early.
        ProcessFailed: the function raised anything else; the message names the error.
    """
    receiver, sender = process_context().Pipe(duplex=False)
    child = spawn(_run_and_send, sender, function, args, kwargs)
    sender.close()  # so that the end of the process closes the pipe
    try:
        if not receiver.poll(None if timeout_s is None else min(timeout_s, _WEEK_S)):
            raise ProcessTimeout(no_progress(timeout_s or 0))
        answer = receiver.recv()
    except (EOFError, OSError):  # OSError: it died while sending its answer
        child.join()
        raise ProcessDied(child.exitcode) from None
    finally:
        child.kill()
        child.join()
        receiver.close()
    if isinstance(answer, Exception):
        raise answer
    return cast(Result, answer)


def spawn(target: Callable[..., object], *arguments: Any) -> Any:
    """Start a function in a fresh process that ends with this one.

    Raises:
        OSError, EOFError: the system cannot start a process.
    """
    pauses_s = iter(_RETRY_PAUSES_S)
    while True:
        processes: Any = process_context()
        process = processes.Process(target=target, args=arguments, daemon=True)
        try:
            process.start()
            return process
        except (OSError, EOFError):
            # The fork server was killed; once it is gone for good, the next call starts another.
            pause_s = next(pauses_s, None)
            if pause_s is None:
                raise
            time.sleep(pause_s)


def run_parallel(
    tasks: Mapping[str, Callable[[], Result]], at_once: int
) -> dict[str, Result | Exception]:
    """Run tasks in threads and return what each returns or raises, in the order of `tasks`.

    Each task is expected to call `run_isolated`. An interrupt ends their processes and is raised
    again.
    """
    results: dict[str, Result | Exception] = {}
    process_context()
    with ThreadPoolExecutor(at_once) as pool:
        waiting = {name: pool.submit(task) for name, task in tasks.items()}
        try:
            for name, future in waiting.items():
                try:
                    results[name] = future.result()
                except Exception as error:
                    results[name] = error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            running = [future for future in waiting.values() if not future.cancelled()]
            # More than once: a task may be about to start its process.
            while wait(running, timeout=0.1).not_done:
                for child in multiprocessing.active_children():
                    child.kill()
            raise
    return results


def _run_and_send(
    sender: Connection, function: Callable[..., object], args: Any, kwargs: Any
) -> None:
    # Ctrl-C reaches the whole process group; only the parent handles it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sender.send(function(*args, **kwargs))
    except BrokenPipeError:  # the parent is gone
        return
    except UserError as error:
        sender.send(error)
    except MemoryError as error:
        sender.send(ProcessFailed(f"out of memory: {first_line(error)}"))
    except Exception as error:  # of many kinds, not all of which can be pickled
        sender.send(ProcessFailed(named_line(error)))
