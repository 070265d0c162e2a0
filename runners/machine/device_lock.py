"""Device locks: one timing has a device exclusively, any number of trainings share it.

Each device has two lock files in the system's temporary folder. The lock proper is held shared by
trainings, exclusively by a timing. Both pass the gate first, and a timing keeps the gate closed
from the moment it queues until it ends: no new training overtakes it, and running ones see the
closed gate in `yield_to_timing` and release the device. The kernel frees the locks of a process
that dies, however it dies.

Rules of nesting: a thread holds one timing or one training at a time; a second one inside it would
wait for itself and raises RuntimeError instead. A holder must not wait for another process or
thread that takes a lock. A forked child holds none of its parent's locks. Users whose temporary
folders differ do not see each other's locks.
"""

from __future__ import annotations

import functools
import io
import os
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from runners.records.errors import UserError

if TYPE_CHECKING:
    import torch

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_SECONDS_BETWEEN_CHECKS = 1.0
_CPU = "cpu"
_thread = threading.local()
_files: weakref.WeakSet[io.FileIO] = weakref.WeakSet()


@contextmanager
def lock_for_timing(
    device: torch.device | str, on_wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Lock a device exclusively; with an accelerator, also exclude timings of the CPU.

    Args:
        device: "cpu", "cuda:0", ...; "cuda" is "cuda:0", as this process numbers its devices.
        on_wait: called once if the device is not free at once.

    Raises:
        UserError: the lock files cannot be used.
        RuntimeError: this thread holds a timing or a training already.
    """
    key = device_key(device)
    notify_once = functools.cache(on_wait)
    with _once_per_thread("timing"), ExitStack() as locks:
        # The CPU first, here and in trainings: one order for all prevents deadlocks.
        if key != _CPU:
            _lock_shared(_CPU, locks, notify_once)
        _acquire(key, "gate", locks, shared=False, on_wait=notify_once)
        _acquire(key, "lock", locks, shared=False, on_wait=notify_once)
        yield


@contextmanager
def share_for_training(device: torch.device | str) -> Iterator[DeviceShare]:
    """Share a device, and the CPU, with other trainings; waits while one of the two is timed.

    Raises:
        UserError: the lock files cannot be used.
        RuntimeError: this thread holds a timing or a training already.
    """
    key = device_key(device)
    with _once_per_thread("training"), ExitStack() as locks:
        yield DeviceShare((_CPU,) if key == _CPU else (_CPU, key), locks)


class DeviceShare:
    """The shared locks that a training holds from its start to its end."""

    def __init__(self, keys: tuple[str, ...], locks: ExitStack) -> None:
        self._keys, self._locks = keys, locks
        self._waited_s = self._next_check = 0.0
        self._take()

    def yield_to_timing(self) -> None:
        """Release the device to a timing that waits, and return once it has ended.

        Call it after each step, with no work left queued on the device. All but about one call a
        second only compare two numbers.
        """
        now = time.perf_counter()
        if now < self._next_check:
            return
        if any(_is_gate_closed(key) for key in self._keys):
            self._locks.close()
            self._take()
            self._waited_s += time.perf_counter() - now
        else:
            self._next_check = now + _SECONDS_BETWEEN_CHECKS

    def clock(self) -> float:
        """Seconds without the waits of `yield_to_timing`; only differences are meaningful."""
        return time.perf_counter() - self._waited_s

    def _take(self) -> None:
        for key in self._keys:
            _lock_shared(key, self._locks)
        self._next_check = time.perf_counter() + _SECONDS_BETWEEN_CHECKS


def device_key(device: torch.device | str) -> str:
    """The name of a device in lock files: "cpu", or kind and number."""
    kind, _, number = str(device).partition(":")
    return _CPU if kind == _CPU else f"{kind}:{number or 0}"


@contextmanager
def _once_per_thread(use: str) -> Iterator[None]:
    """Raise an error where a thread would wait for itself."""
    current = getattr(_thread, "use", None)
    if current is not None:
        raise RuntimeError(f"a {use} inside a {current} would wait for itself")
    _thread.use = use
    try:
        yield
    finally:
        _thread.use = None


def _lock_shared(key: str, locks: ExitStack, on_wait: Callable[[], None] = lambda: None) -> None:
    """Pass the gate, then hold the lock shared."""
    with ExitStack() as gate:
        _acquire(key, "gate", gate, shared=True, on_wait=on_wait)
        _acquire(key, "lock", locks, shared=True, on_wait=on_wait)


def _is_gate_closed(key: str) -> bool:
    """Whether a timing waits or runs."""
    release = _lock_file(key, "gate", shared=True, wait=False)
    if release is not None:
        release()
    return release is None


def _acquire(
    key: str, part: str, locks: ExitStack, *, shared: bool, on_wait: Callable[[], None]
) -> None:
    release = _lock_file(key, part, shared=shared, wait=False)
    if release is None:
        on_wait()
        release = _lock_file(key, part, shared=shared, wait=True)
        assert release is not None
    locks.callback(release)


def _lock_file(key: str, part: str, *, shared: bool, wait: bool) -> Callable[[], None] | None:
    """Lock a file and return its release; None if it is taken and `wait` is False."""
    path = Path(tempfile.gettempdir()) / f"lolvit-bench-{key.replace(':', '-')}.{part}"
    try:
        return _flock(path, shared, wait) if fcntl else _exclusive(path, wait)
    except OSError as error:
        raise UserError(
            f"cannot lock {path}: {error.strerror or error}; "
            "remove it, or set TMPDIR to another folder"
        ) from error


def _flock(path: Path, shared: bool, wait: bool) -> Callable[[], None] | None:
    """The kernel's lock. A waiting process sleeps, so it disturbs no timing; Ctrl-C ends the wait.

    filelock's ReadWriteLock would need filelock 3.21, and a database file that any user can damage.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        with ExitStack() as undo:
            file = undo.enter_context(_open(path))
            try:
                fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            # A cleaner of the temporary folder may have removed the file meanwhile.
            if os.fstat(file.fileno()).st_nlink:
                undo.pop_all()
                return file.close


def _open(path: Path) -> io.FileIO:
    """Open or create a file for every user of the machine, without following links."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        try:
            # Not created in the same call: some systems refuse that for another user's file.
            descriptor = os.open(path, flags | os.O_RDWR)
        except PermissionError:  # its creator is about to chmod it; reading is enough
            descriptor = os.open(path, flags | os.O_RDONLY)
        except FileNotFoundError:
            try:
                descriptor = os.open(path, flags | os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
            except FileExistsError:
                continue
            os.fchmod(descriptor, 0o666)  # whatever the umask
        file = io.FileIO(descriptor)
        _files.add(file)
        return file


def _exclusive(path: Path, wait: bool) -> Callable[[], None] | None:
    """Where the kernel has no shared locks: trainings alternate, about a second each."""
    lock = FileLock(path, mode=0o666)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        return None
    return lock.release


def _close_in_child() -> None:
    """Close a forked child's copies, which would keep its parent's locks after the parent."""
    for file in list(_files):
        file.close()
    _thread.__dict__.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)
