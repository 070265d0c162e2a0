"""Device locks: exclusive timings, trainings that yield to them, locks of dead processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import tempfile
import threading
import time
from contextlib import contextmanager
from itertools import pairwise

import pytest

from runners.machine import device_lock
from runners.machine.device_lock import device_key, lock_for_timing, share_for_training
from runners.records.errors import UserError

SPAWN = multiprocessing.get_context("spawn")
TIMEOUT_S = 30  # of a test on a busy machine; nothing here takes so long
PARTS = ("gate", "lock")


@pytest.fixture(autouse=True)
def kind(request, monkeypatch, tmp_path):
    """Private lock files; "filelock" replaces the kernel's locks."""
    kind = getattr(request, "param", "flock")
    if kind == "filelock":
        monkeypatch.setattr(device_lock, "fcntl", None)
    elif device_lock.fcntl is None:
        pytest.skip("this system has no kernel locks")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return kind


@pytest.fixture(autouse=True)
def fail_instead_of_hanging():
    """Fail a test that waits too long for a lock."""

    def give_up(*signal_and_frame):
        pytest.fail(f"still waiting after {TIMEOUT_S} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, TIMEOUT_S, 1)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def _run_child(target, folder, kind, arguments):
    tempfile.tempdir = folder
    device_lock._SECONDS_BETWEEN_CHECKS = 0.2
    if kind == "filelock":
        device_lock.fcntl = None
    target(*arguments)


@pytest.fixture
def start(tmp_path, kind):
    """Start a function in a fresh process that uses the same lock files; killed at the end."""
    processes = []

    def start(target, *arguments):
        process = SPAWN.Process(
            target=_run_child, args=(target, str(tmp_path), kind, arguments), daemon=True
        )
        process.start()
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.join()


def eventually(condition):
    end = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < end, "timed out"
        time.sleep(0.01)


@contextmanager
def log_span(journal, kind):
    """Log when the block began and ended; one write per line, so that processes do not mix."""
    begin = time.monotonic_ns()
    yield
    with open(journal, "a", encoding="ascii") as file:
        file.write(f"{begin} {time.monotonic_ns()} {kind}\n")


def spans(journal, prefix=""):
    """Spans whose kind has a prefix, in the order of their begin."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    rows = (line.split() for line in lines)
    return sorted((int(begin), int(end)) for begin, end, kind in rows if kind.startswith(prefix))


def overlaps(first, second):
    return first[0] < second[1] and second[0] < first[1]


def time_repeatedly(journal, device, times):
    for _ in range(times):
        with lock_for_timing(device), log_span(journal, device):
            time.sleep(0.01)


def train_on(journal, device="cpu"):
    with share_for_training(device) as share:
        while True:
            with log_span(journal, "step"):
                time.sleep(0.01)
            share.yield_to_timing()


def train_briefly_and_repeatedly(journal):
    while True:
        with share_for_training("cpu"), log_span(journal, "step"):
            time.sleep(0.05)


def hold(ready, lock, device):
    with lock(device):
        ready.set()
        time.sleep(TIMEOUT_S)


@pytest.mark.parametrize(
    ("device", "key"),
    [("cpu", "cpu"), ("cpu:0", "cpu"), ("cuda", "cuda:0"), ("cuda:0", "cuda:0"), ("cuda:1",) * 2],
)
def test_devices_by_string_and_by_torch(device, key):
    import torch  # not at the top: the processes of these tests start faster without

    assert device_key(device) == device_key(torch.device(device)) == key


@pytest.mark.parametrize("kind", ["flock", "filelock"], indirect=True)
def test_timings_of_several_processes_never_overlap(start, tmp_path):
    journal = tmp_path / "journal"
    for process in [start(time_repeatedly, journal, "cpu", 6) for _ in range(3)]:
        process.join(TIMEOUT_S)
    timings = spans(journal)
    assert len(timings) == 18
    assert all(first[1] <= second[0] for first, second in pairwise(timings))


def test_a_cpu_timing_never_overlaps_one_of_an_accelerator(start, tmp_path):
    journal = tmp_path / "journal"
    devices = ["cpu", "cuda:0", "cuda:1"]
    for process in [start(time_repeatedly, journal, device, 6) for device in devices]:
        process.join(TIMEOUT_S)
    cpu, others = spans(journal, "cpu"), spans(journal, "cuda")
    assert (len(cpu), len(others)) == (6, 12)
    assert not any(overlaps(a, b) for a in cpu for b in others)


def test_two_accelerators_may_be_timed_at_once(start):
    ready = SPAWN.Event()
    start(hold, ready, lock_for_timing, "cuda:0")
    assert ready.wait(TIMEOUT_S)
    with lock_for_timing("cuda:1", on_wait=pytest.fail):
        pass


@pytest.mark.parametrize(
    ("kind", "trainings", "device", "timed"),
    [
        ("flock", 2, "cpu", "cpu"),
        ("flock", 2, "cuda:1", "cuda:1"),
        ("flock", 2, "cuda:1", "cpu"),
        ("filelock", 1, "cuda:1", "cuda:1"),
    ],
    indirect=["kind"],
)
def test_trainings_pause_for_a_timing_and_continue(start, tmp_path, trainings, device, timed):
    journals = [tmp_path / str(number) for number in range(trainings)]
    for journal in journals:
        start(train_on, journal, device)
    eventually(lambda: all(spans(journal) for journal in journals))
    begin_wait = time.monotonic()
    with lock_for_timing(timed):
        assert time.monotonic() - begin_wait < 10
        begin = time.monotonic_ns()
        time.sleep(0.3)
        end = time.monotonic_ns()
    for journal in journals:
        eventually(lambda journal=journal: spans(journal)[-1][0] > end)
        assert not any(overlaps(step, (begin, end)) for step in spans(journal))


def test_timing_is_not_starved_by_short_trainings(start, tmp_path):
    journals = [tmp_path / "first", tmp_path / "second"]
    for journal in journals:
        start(train_briefly_and_repeatedly, journal)
    eventually(lambda: all(spans(journal) for journal in journals))
    begin_wait = time.monotonic()
    for _ in range(3):
        with lock_for_timing("cpu"):
            pass
    assert time.monotonic() - begin_wait < 10
    now = time.monotonic_ns()
    for journal in journals:  # and none of them starves after it
        eventually(lambda journal=journal: spans(journal)[-1][0] > now)


def test_trainings_share_a_device(start):
    ready = SPAWN.Event()
    start(hold, ready, share_for_training, "cpu")
    assert ready.wait(TIMEOUT_S)
    done = threading.Event()

    def train():
        with share_for_training("cpu"):
            done.set()

    threading.Thread(target=train, daemon=True).start()
    assert done.wait(TIMEOUT_S / 2)


@pytest.mark.parametrize("kind", ["filelock"], indirect=True)
def test_trainings_alternate_without_shared_locks(start, tmp_path):
    journals = [tmp_path / "first", tmp_path / "second"]
    for journal in journals:
        start(train_on, journal)
    eventually(lambda: all(len(spans(journal)) > 30 for journal in journals))  # two shares each
    first, second = (spans(journal) for journal in journals)
    assert not any(overlaps(a, b) for a in first for b in second)


@pytest.mark.parametrize("lock", [lock_for_timing, share_for_training])
def test_killed_process_frees_its_locks(start, lock):
    ready = SPAWN.Event()
    holder = start(hold, ready, lock, "cuda:1")
    assert ready.wait(TIMEOUT_S)
    waits = threading.Event()
    threading.Thread(target=lambda: waits.wait(TIMEOUT_S) and holder.kill(), daemon=True).start()
    with lock_for_timing("cuda:1", on_wait=waits.set):
        assert waits.is_set()


def wait_until_interrupted(sender):
    try:
        with lock_for_timing("cuda:1", on_wait=lambda: sender.send("waits")):
            pass
    except KeyboardInterrupt:
        sender.send("interrupted")


def test_an_interrupt_ends_the_wait(start):
    receiver, sender = SPAWN.Pipe(duplex=False)
    with lock_for_timing("cuda:1"):
        process = start(wait_until_interrupted, sender)
        assert receiver.poll(TIMEOUT_S) and receiver.recv() == "waits"
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGINT)
        assert receiver.poll(TIMEOUT_S) and receiver.recv() == "interrupted"
    with lock_for_timing("cuda:1", on_wait=pytest.fail):
        pass


def test_on_wait_is_called_once_for_two_waits():
    waits, done = [], threading.Event()

    def wait():
        with lock_for_timing("cpu", on_wait=lambda: waits.append("waits")):
            done.set()

    gate, lock = (device_lock._lock_file("cpu", part, shared=True, wait=False) for part in PARTS)
    threading.Thread(target=wait, daemon=True).start()
    eventually(lambda: waits)
    gate()
    eventually(
        lambda: device_lock._is_gate_closed("cpu")
    )  # it passed the gate and waits for the lock
    assert not done.wait(0.1)
    lock()
    assert done.wait(TIMEOUT_S)
    assert waits == ["waits"]


def test_on_wait_is_not_called_without_a_wait():
    for device in ("cpu", "cuda:1"):
        with lock_for_timing(device, on_wait=pytest.fail):
            pass


@pytest.mark.parametrize("inner", [lock_for_timing, share_for_training])
@pytest.mark.parametrize("outer", [lock_for_timing, share_for_training])
def test_nested_locks_are_an_error_and_no_deadlock(outer, inner):
    names = {lock_for_timing: "timing", share_for_training: "training"}
    with (
        pytest.raises(RuntimeError, match=f"a {names[inner]} inside a {names[outer]}"),
        outer("cpu"),
        inner("cuda:1"),
    ):
        pass
    # One after the other is fine.
    for lock in (lock_for_timing, share_for_training, lock_for_timing):
        with lock("cpu"):
            pass
    with lock_for_timing("cpu", on_wait=pytest.fail):
        pass


def test_clock_of_a_training_excludes_its_waits(monkeypatch):
    monkeypatch.setattr(device_lock, "_SECONDS_BETWEEN_CHECKS", 0)
    queued = threading.Event()

    def time_it():
        with lock_for_timing("cpu", on_wait=queued.set):
            time.sleep(0.5)

    with share_for_training("cpu") as share:
        wall, clock = time.perf_counter(), share.clock()
        other = threading.Thread(target=time_it)
        other.start()
        assert queued.wait(TIMEOUT_S)
        while share._waited_s == 0:
            share.yield_to_timing()
        wall, clock = time.perf_counter() - wall, share.clock() - clock
    other.join()
    assert wall - clock > 0.45


def test_yield_to_timing_is_cheap():
    with share_for_training("cpu") as share:

        def thousand():
            start = time.perf_counter()
            for _ in range(1000):
                share.yield_to_timing()
            return time.perf_counter() - start

        assert min(thousand() for _ in range(20)) / 1000 < 5e-6


@pytest.fixture
def umask():
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_lock_files_are_for_every_user(umask, tmp_path):
    with lock_for_timing("cuda:1"):
        files = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    names = [f"lolvit-bench-{device}.{part}" for device in ("cpu", "cuda-1") for part in PARTS]
    assert files == dict.fromkeys(names, 0o666)


def test_links_are_not_followed(tmp_path):
    victim = tmp_path / "victim"
    (tmp_path / "lolvit-bench-cpu.lock").symlink_to(victim)
    with pytest.raises(UserError, match=r"cannot lock .*lolvit-bench-cpu\.lock: .*; remove it"):
        lock_for_timing("cpu").__enter__()
    assert not victim.exists()


def test_missing_temporary_folder_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(UserError, match="set TMPDIR to another folder"), share_for_training("cpu"):
        pass


def test_deleted_lock_file_is_created_again(tmp_path):
    waits, got, release = threading.Event(), threading.Event(), threading.Event()

    def wait():
        with lock_for_timing("cpu", on_wait=waits.set):
            got.set()
            release.wait(TIMEOUT_S)

    other = threading.Thread(target=wait)
    with lock_for_timing("cpu"):
        other.start()
        assert waits.wait(TIMEOUT_S)
        time.sleep(0.1)  # it waits in the kernel now
        for part in PARTS:
            (tmp_path / f"lolvit-bench-cpu.{part}").unlink()
    assert got.wait(TIMEOUT_S)
    assert device_lock._is_gate_closed("cpu")
    release.set()
    other.join()


def test_forked_child_holds_no_lock():
    fork = multiprocessing.get_context("fork")
    runs = fork.Event()
    with lock_for_timing("cpu"):
        child = fork.Process(target=lambda: runs.set() or time.sleep(TIMEOUT_S), daemon=True)
        child.start()
        assert runs.wait(TIMEOUT_S)
    try:
        with lock_for_timing("cpu", on_wait=pytest.fail):
            pass
    finally:
        child.kill()
        child.join()


def test_forked_child_can_lock():
    fork = multiprocessing.get_context("fork")
    with lock_for_timing("cpu"):
        child = fork.Process(target=time_repeatedly, args=(os.devnull, "cuda:1", 0), daemon=True)
        child.start()
        child.join(TIMEOUT_S)
        assert child.exitcode == 0
        waiting = fork.Process(target=time_repeatedly, args=(os.devnull, "cpu", 1), daemon=True)
        waiting.start()
        time.sleep(0.1)
        assert waiting.is_alive()  # not an error: the parent holds the lock
    waiting.join(TIMEOUT_S)
    assert waiting.exitcode == 0
