"""Fresh processes that start fast: forked from a server that did nothing but import torch."""

from __future__ import annotations

import multiprocessing
import signal
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any, ParamSpec, TypeVar

from runners.records.errors import UserError, first_line, named_line

P = ParamSpec("P")
Result = TypeVar("Result")


_PAUSES_S = (0.1, 0.4, 1.0, 2.0, None)


class ProcessFailed(RuntimeError):
    """What ran in a process of its own ended without a result; the message is one line."""


class ProcessDied(ProcessFailed):
    """The process ended without a word."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(f"its process ended with exit code {exit_code}")
        self.exit_code = exit_code

    @property
    def killed(self) -> bool:
        """By the system, mostly because it was short of memory."""
        return self.exit_code == -signal.SIGKILL


class ProcessTimeout(ProcessFailed):
    """It took too long and was ended."""


def process_context() -> BaseContext:
    """How this house starts processes: by fork server where there is one, else by spawning.

    To be called in the main thread first: the server that it starts then ignores Ctrl-C, which
    reaches the whole process group while it may still be importing torch.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
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


def run_isolated(
    timeout_s: float | None, function: Callable[P, Result], *given: P.args, **named: P.kwargs
) -> Result:
    """What the function returns, run in a fresh process; arguments and result are pickled.

    Args:
        timeout_s: seconds after which the process is ended; None waits for ever.
        function: of a module, not a lambda.
        *given: its arguments.
        **named: its keyword arguments.

    Raises:
        UserError: the function raised one, of the same class.
        ProcessTimeout: it took longer than it may.
        ProcessDied: the process ended early.
        ProcessFailed: the function raised anything else; the message names what.
    """
    receiver, sender = process_context().Pipe(duplex=False)
    child = spawn(_work, sender, function, given, named)
    sender.close()  # so that the end of the process is the end of the pipe
    try:
        if not receiver.poll(timeout_s):
            raise ProcessTimeout(f"timed out after {timeout_s:g} s")
        found = receiver.recv()
    except (EOFError, OSError):  # OSError: it died in the middle of its answer
        child.join()
        raise ProcessDied(child.exitcode) from None
    finally:
        child.kill()
        child.join()
        receiver.close()
    if isinstance(found, Exception):
        raise found
    result: Result = found
    return result


def spawn(target: Callable[..., object], *arguments: Any) -> Any:
    """A fresh process at work; it ends with this one.

    Raises:
        OSError, EOFError: the system has no process to give.
    """
    for pause_s in _PAUSES_S:
        processes: Any = process_context()
        process = processes.Process(target=target, args=arguments, daemon=True)
        try:
            process.start()
            return process
        except (OSError, EOFError):
            # Somebody killed the fork server; once it is gone for good, the next call begins
            # another.
            if pause_s is None:
                raise
            time.sleep(pause_s)
    raise AssertionError("unreachable")


def run_parallel(
    tasks: Mapping[str, Callable[[], Result]], at_once: int
) -> dict[str, Result | Exception]:
    """Run tasks in threads and return what each returns or raises, in the order of `tasks`.

    Each task is expected to call `run_isolated`.

    An interrupt ends their processes, then goes on.
    """
    found: dict[str, Result | Exception] = {}
    process_context()
    with ThreadPoolExecutor(at_once) as pool:
        waiting = {name: pool.submit(task) for name, task in tasks.items()}
        try:
            for name, future in waiting.items():
                try:
                    found[name] = future.result()
                except Exception as error:
                    found[name] = error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            running = [future for future in waiting.values() if not future.cancelled()]
            # More than once: a task may be about to start its process.
            while wait(running, timeout=0.1).not_done:
                for child in multiprocessing.active_children():
                    child.kill()
            raise
    return found


def _work(sender: Connection, function: Callable[..., object], given: Any, named: Any) -> None:
    # Ctrl-C reaches the whole process group; the parent alone decides what happens then.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        sender.send(function(*given, **named))
    except BrokenPipeError:  # the parent is gone: nobody needs this result
        return
    except UserError as error:
        sender.send(error)
    except MemoryError as error:
        sender.send(ProcessFailed(f"out of memory: {first_line(error)}"))
    except Exception as error:  # of many kinds, and not all of them pickle
        sender.send(ProcessFailed(named_line(error)))
