"""What runs in a process of its own comes back, or says in one line why it does not."""

from __future__ import annotations

import contextlib
import functools
import json
import multiprocessing
import operator
import os
import signal
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


def sleeping(seconds):
    return functools.partial(run_isolated, None, time.sleep, seconds)


@pytest.mark.parametrize(
    ("function", "given", "named", "wanted"),
    [
        (divmod, (7, 2), {}, (3, 1)),
        (int, ("11",), {"base": 2}, 3),
        (bytes, (2**20,), {}, bytes(2**20)),  # more than a pipe holds at once
        (time.sleep, (0,), {}, None),
    ],
)
def test_arguments_go_and_results_come(function, given, named, wanted):
    assert run_isolated(60, function, *given, **named) == wanted


def test_each_has_a_process_of_its_own():
    pids = {run_isolated(None, os.getpid) for _ in range(2)}
    assert len(pids) == 2 and os.getpid() not in pids
    assert multiprocessing.active_children() == []


def test_mistakes_of_the_user_come_as_they_are():
    with pytest.raises(TargetError, match=r"^unknown target 'fwaa'\. Did you mean 'fwa'"):
        run_isolated(60, parse_target, "fwaa")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ValueError('first\\nsecond')", "ValueError: first"),
        ("raise ValueError", "ValueError: ValueError"),
        ("raise KeyError(3)", "KeyError: 3"),
        ("raise MemoryError('no more\\nreally')", "out of memory: no more"),
        # One that would not survive pickling.
        (
            "class Odd(Exception):\n"
            " def __init__(self, a, b): super().__init__(a)\n"
            "raise Odd(1, 2)",
            "Odd: 1",
        ),
    ],
)
def test_other_errors_come_as_one_line(code, said):
    with pytest.raises(ProcessFailed) as caught:
        run_isolated(60, exec, code)
    assert (str(caught.value), type(caught.value)) == (said, ProcessFailed)


def test_a_result_that_does_not_pickle_is_an_error():
    with pytest.raises(ProcessFailed, match="lambda"):
        run_isolated(60, eval, "lambda: 0")


@pytest.mark.parametrize(
    ("function", "given", "code"),
    [
        (os._exit, (7,), 7),
        (os._exit, (0,), 0),
        (signal.raise_signal, (signal.SIGKILL,), -9),
        (exec, ("raise SystemExit(3)",), 3),
    ],
)
def test_a_death_is_an_error(function, given, code):
    with pytest.raises(ProcessDied, match=f"^its process ended with exit code {code}$"):
        run_isolated(60, function, *given)


def test_a_death_in_the_middle_of_an_answer_is_an_error():
    """The last process that holds the writing end writes half a message, and goes."""
    code = (
        "import gc, os, struct\n"
        "from multiprocessing.connection import Connection\n"
        "(pipe,) = (x for x in gc.get_objects() if isinstance(x, Connection) and x.writable)\n"
        "os.write(pipe.fileno(), struct.pack('!i', 100) + b'half')\n"
        "os._exit(9)\n"
    )
    with pytest.raises(ProcessDied, match=r"exit code 9$"):
        run_isolated(60, exec, code)


def test_patience_ends():
    start = time.monotonic()
    with pytest.raises(ProcessTimeout, match=r"^timed out after 0\.5 s$"):
        run_isolated(0.5, time.sleep, 60)
    assert time.monotonic() - start < 30
    assert multiprocessing.active_children() == []


def test_many_keep_their_order_and_their_errors():
    late = threading.Event()

    def after_the_others():
        assert late.wait(60)
        return run_isolated(60, os.getpid)

    def refused():
        late.set()
        raise UserError("no")

    found = run_parallel(
        {
            "last": after_the_others,
            "dies": functools.partial(run_isolated, 60, os._exit, 4),
            "fails": functools.partial(run_isolated, 60, operator.truediv, 1, 0),
            "refused": refused,
        },
        at_once=2,
    )
    assert list(found) == ["last", "dies", "fails", "refused"]
    assert isinstance(found["last"], int)
    kinds = [type(each) for each in found.values()]
    assert kinds[1:] == [ProcessDied, ProcessFailed, UserError]
    assert run_parallel({}, at_once=2) == {}


def test_as_many_at_once_as_allowed():
    running, most, lock = 0, 0, threading.Lock()
    meet = threading.Barrier(2)

    def task():
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        meet.wait(60)  # ends only if two run at once
        with lock:
            running -= 1

    found = run_parallel(dict.fromkeys("abcd", task), at_once=2)
    assert list(found.values()) == [None] * 4
    assert most == 2


@contextlib.contextmanager
def interrupted_when(ready):
    """Ctrl-C in the main thread, once `ready()` holds; within a minute."""

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


def test_an_interrupt_ends_the_processes():
    run_isolated(60, os.getpid)  # the server starts
    start = time.monotonic()
    with interrupted_when(lambda: len(multiprocessing.active_children()) == 2):
        run_parallel({name: sleeping(300) for name in "abcd"}, at_once=2)
    assert time.monotonic() - start < 100
    assert multiprocessing.active_children() == []


def test_an_interrupt_between_two_processes_of_a_task():
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


def test_an_interrupt_ends_one_process():
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
def test_first_lines(error, line):
    assert first_line(error) == line
