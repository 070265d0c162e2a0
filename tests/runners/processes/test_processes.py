"""Isolated processes return a result, or an error of one line."""

from __future__ import annotations

import contextlib
import functools
import json
import multiprocessing
import operator
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from runners.measure.targets import TargetError, parse_target
from runners.processes.isolated import (
    ProcessDied,
    ProcessFailed,
    ProcessTimeout,
    first_line,
    run_isolated,
    run_parallel,
)
from runners.records.errors import UserError
from tests.bench_runs import ROOT


def sleep_isolated(seconds):
    return functools.partial(run_isolated, None, time.sleep, seconds)


@pytest.mark.parametrize(
    ("function", "args", "kwargs", "expected"),
    [
        (divmod, (7, 2), {}, (3, 1)),
        (int, ("11",), {"base": 2}, 3),
        (bytes, (2**20,), {}, bytes(2**20)),  # more than a pipe holds at once
        (time.sleep, (0,), {}, None),
    ],
)
def test_arguments_and_results_are_transferred(function, args, kwargs, expected):
    assert run_isolated(60, function, *args, **kwargs) == expected


def test_each_run_has_a_process_of_its_own():
    pids = {run_isolated(None, os.getpid) for _ in range(2)}
    assert len(pids) == 2 and os.getpid() not in pids
    assert multiprocessing.active_children() == []


def test_user_errors_keep_their_class():
    with pytest.raises(TargetError, match=r"(?i)^unknown target 'fwaa'\W+did you mean 'fwa'"):
        run_isolated(60, parse_target, "fwaa")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('first\\nsecond')", "ValueError: first"),
        ("raise ValueError", "ValueError"),
        ("raise KeyError(3)", "KeyError: 3"),
        ("raise MemoryError('no more\\nreally')", "out of memory: no more"),
        # An exception that cannot be pickled.
        (
            "class Odd(Exception):\n"
            " def __init__(self, a, b): super().__init__(a)\n"
            "raise Odd(1, 2)",
            "Odd: 1",
        ),
    ],
)
def test_other_errors_are_one_line(code, message):
    with pytest.raises(ProcessFailed) as caught:
        run_isolated(60, exec, code)
    assert (str(caught.value), type(caught.value)) == (message, ProcessFailed)


def test_unpicklable_result_is_an_error():
    with pytest.raises(ProcessFailed, match="lambda"):
        run_isolated(60, eval, "lambda: 0")


@pytest.mark.parametrize(
    ("function", "args", "code"),
    [
        (os._exit, (7,), 7),
        (os._exit, (0,), 0),
        (signal.raise_signal, (signal.SIGKILL,), -9),
        (exec, ("raise SystemExit(3)",), 3),
    ],
)
def test_death_of_the_process_is_an_error(function, args, code):
    with pytest.raises(ProcessDied, match=f"^its process ended with exit code {code}$"):
        run_isolated(60, function, *args)


def test_death_while_sending_is_an_error():
    """The process writes half a message and ends."""
    code = (
        "import gc, os, struct\n"
        "from multiprocessing.connection import Connection\n"
        "(pipe,) = (x for x in gc.get_objects() if isinstance(x, Connection) and x.writable)\n"
        "os.write(pipe.fileno(), struct.pack('!i', 100) + b'half')\n"
        "os._exit(9)\n"
    )
    with pytest.raises(ProcessDied, match=r"exit code 9$"):
        run_isolated(60, exec, code)


def test_timeout_ends_the_process():
    start = time.monotonic()
    with pytest.raises(ProcessTimeout, match=r"^made no progress for 0\.5 s \(--patience\)$"):
        run_isolated(0.5, time.sleep, 60)
    assert time.monotonic() - start < 30
    assert multiprocessing.active_children() == []


def test_run_parallel_keeps_order_and_errors():
    late = threading.Event()

    def after_the_others():
        assert late.wait(60)
        return run_isolated(60, os.getpid)

    def refused():
        late.set()
        raise UserError("no")

    results = run_parallel(
        {
            "last": after_the_others,
            "dies": functools.partial(run_isolated, 60, os._exit, 4),
            "fails": functools.partial(run_isolated, 60, operator.truediv, 1, 0),
            "refused": refused,
        },
        at_once=2,
    )
    assert list(results) == ["last", "dies", "fails", "refused"]
    assert isinstance(results["last"], int)
    kinds = [type(result) for result in results.values()]
    assert kinds[1:] == [ProcessDied, ProcessFailed, UserError]
    assert run_parallel({}, at_once=2) == {}


def test_run_parallel_limits_concurrency():
    running, peak, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(2)

    def task():
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        meet.wait(60)  # ends only if two run at once
        with lock:
            running -= 1

    results = run_parallel(dict.fromkeys("abcd", task), at_once=2)
    assert list(results.values()) == [None] * 4
    assert peak == 2


@contextlib.contextmanager
def interrupted_when(ready):
    """Press Ctrl-C in the main thread once `ready()` is true, within a minute."""

    def interrupt():
        end = time.monotonic() + 60
        while not ready() and time.monotonic() < end:
            time.sleep(0.02)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)


def test_interrupt_ends_all_processes():
    run_isolated(60, os.getpid)  # the server starts
    start = time.monotonic()
    with interrupted_when(lambda: len(multiprocessing.active_children()) == 2):
        run_parallel({name: sleep_isolated(300) for name in "abcd"}, at_once=2)
    assert time.monotonic() - start < 100
    assert multiprocessing.active_children() == []


def test_interrupt_before_a_process_starts():
    between = threading.Event()

    def task():
        between.set()
        time.sleep(0.5)
        run_isolated(None, time.sleep, 300)

    start = time.monotonic()
    with interrupted_when(between.is_set):
        run_parallel({"a": task}, at_once=1)
    assert time.monotonic() - start < 100
    assert multiprocessing.active_children() == []


def test_interrupt_ends_one_process():
    run_isolated(60, os.getpid)
    with interrupted_when(multiprocessing.active_children):
        run_isolated(None, time.sleep, 300)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\nb"), "a"),
        (ValueError(), "ValueError"),
        (ValueError("\n\n a "), "a"),
        (ValueError(" \n"), "ValueError"),
        (json.JSONDecodeError("x", "y", 0), "x: line 1 column 1 (char 0)"),
    ],
)
def test_first_line(error, line):
    assert first_line(error) == line


@pytest.mark.parametrize("length", [20, 76, 150, 240])
def test_a_temporary_folder_of_any_length(tmp_path, length):
    """The path of a socket has at most 107 bytes, and schedulers make longer folders."""
    folder = tmp_path / ("x" * length)
    folder.mkdir()
    code = (
        "from runners.processes import run_isolated; import operator, sys\n"
        "if __name__ == '__main__': sys.exit(run_isolated(60, operator.add, 20, 22) != 42)"
    )
    run = subprocess.run(
        (sys.executable, "-c", code),
        env=os.environ | {"TMPDIR": str(folder)},
        timeout=120,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert not list(folder.glob("pymp-*"))
