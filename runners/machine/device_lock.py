"""Who may use a device of this machine: one timing alone, or any number of trainings together.

Each device has two lock files in the system's temporary folder. The lock proper is held shared by
trainings, exclusively by a timing. Whoever wants it passes the gate first, and a timing keeps the
gate shut from the moment it queues until it ends: no new training slips in before it, and those
under way see the shut gate when they `breathe` and step aside. The kernel frees the locks of a
process that dies, however it dies.

Rules of nesting. A thread holds one timing or one training at a time; a second one inside it would
wait for itself and raises RuntimeError instead. One after the other is fine. Who holds one must not
wait for another process, or thread, that takes one. A forked child holds nothing of its parent's.
Users whose temporary folders differ do not see each other's locks.
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

_SECONDS_BETWEEN_LOOKS = 1.0
_CPU = "cpu"
_thread = threading.local()
_files: weakref.WeakSet[io.FileIO] = weakref.WeakSet()


@contextmanager
def lock_for_timing(
    device: torch.device | str, on_wait: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Have a device alone, and with an accelerator see that nobody times the CPU meanwhile.

    Args:
        device: "cpu", "cuda:0", ...; "cuda" is "cuda:0", as this process numbers its devices.
        on_wait: called once if the device is not free at once.

    Raises:
        UserError: the lock files cannot be used.
        RuntimeError: this thread holds a timing or a training already.
    """
    key = device_key(device)
    say_once = functools.cache(on_wait)
    with _first_of_thread("timing"), ExitStack() as held:
        # The CPU first, here and in trainings: one order for all keeps two from waiting in a ring.
        if key != _CPU:
            _share(_CPU, held, say_once)
        _hold(key, "gate", held, shared=False, on_wait=say_once)
        _hold(key, "lock", held, shared=False, on_wait=say_once)
        yield


@contextmanager
def share_for_training(device: torch.device | str) -> Iterator[DeviceShare]:
    """Share a device, and the CPU, with other trainings; waits while one of the two is timed.

    Raises:
        UserError: the lock files cannot be used.
        RuntimeError: this thread holds a timing or a training already.
    """
    key = device_key(device)
    with _first_of_thread("training"), ExitStack() as held:
        yield DeviceShare((_CPU,) if key == _CPU else (_CPU, key), held)


class DeviceShare:
    """What a training holds between its start and its end."""

    def __init__(self, keys: tuple[str, ...], held: ExitStack) -> None:
        self._keys, self._held = keys, held
        self._waited_s = self._next_look = 0.0
        self._take()

    def yield_to_timing(self) -> None:
        """Let a timing that waits have the device, and come back when it is over.

        To be called after each step, with no work left queued on the device: all but about one
        call a second only compare two numbers.
        """
        now = time.perf_counter()
        if now < self._next_look:
            return
        if any(_shut(key) for key in self._keys):
            self._held.close()
            self._take()
            self._waited_s += time.perf_counter() - now
        else:
            self._next_look = now + _SECONDS_BETWEEN_LOOKS

    def clock(self) -> float:
        """Seconds that stand still while `breathe` waits: only differences mean something."""
        return time.perf_counter() - self._waited_s

    def _take(self) -> None:
        for key in self._keys:
            _share(key, self._held)
        self._next_look = time.perf_counter() + _SECONDS_BETWEEN_LOOKS


def device_key(device: torch.device | str) -> str:
    """The name under which a device is locked: "cpu", or kind and number."""
    kind, _, number = str(device).partition(":")
    return _CPU if kind == _CPU else f"{kind}:{number or 0}"


@contextmanager
def _first_of_thread(what: str) -> Iterator[None]:
    """Turn a thread that would wait for itself into an error."""
    holds = getattr(_thread, "holds", None)
    if holds is not None:
        raise RuntimeError(f"a {what} inside a {holds} would wait for itself")
    _thread.holds = what
    try:
        yield
    finally:
        _thread.holds = None


def _share(key: str, held: ExitStack, on_wait: Callable[[], None] = lambda: None) -> None:
    """Pass the gate, and hold the lock shared."""
    with ExitStack() as gate:
        _hold(key, "gate", gate, shared=True, on_wait=on_wait)
        _hold(key, "lock", held, shared=True, on_wait=on_wait)


def _shut(key: str) -> bool:
    """Whether a timing queues or runs."""
    release = _grab(key, "gate", shared=True, wait=False)
    if release is not None:
        release()
    return release is None


def _hold(
    key: str, part: str, held: ExitStack, *, shared: bool, on_wait: Callable[[], None]
) -> None:
    release = _grab(key, part, shared=shared, wait=False)
    if release is None:
        on_wait()
        release = _grab(key, part, shared=shared, wait=True)
        assert release is not None
    held.callback(release)


def _grab(key: str, part: str, *, shared: bool, wait: bool) -> Callable[[], None] | None:
    """Lock a file; how to release it, or None if that means to wait and `wait` is False."""
    path = Path(tempfile.gettempdir()) / f"lolvit-bench-{key.replace(':', '-')}.{part}"
    try:
        return _flock(path, shared, wait) if fcntl else _exclusive(path, wait)
    except OSError as error:
        raise UserError(
            f"cannot lock {path}: {error.strerror or error}; "
            "remove it, or set TMPDIR to another folder"
        ) from error


def _flock(path: Path, shared: bool, wait: bool) -> Callable[[], None] | None:
    """The kernel's lock. Waiting sleeps, and does not poll beside a timing; Ctrl-C ends it.

    filelock's ReadWriteLock would need filelock 3.21, and a data base file anybody may spoil.
    """
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    while True:
        with ExitStack() as undo:
            file = undo.enter_context(_open(path))
            try:
                fcntl.flock(file, kind if wait else kind | fcntl.LOCK_NB)
            except BlockingIOError:
                return None
            # What cleans the temporary folder may have taken the file away meanwhile.
            if os.fstat(file.fileno()).st_nlink:
                undo.pop_all()
                return file.close


def _open(path: Path) -> io.FileIO:
    """Open or make a file for every user of the machine, but through no link laid by one."""
    flags = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    while True:
        try:
            # Not created in the same call: some systems refuse that for another user's file.
            descriptor = os.open(path, flags | os.O_RDWR)
        except PermissionError:  # its maker is about to give it to all; reading is enough
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
    """Where the kernel has no shared locks: trainings take turns, a second or so each."""
    lock = FileLock(path, mode=0o666)
    try:
        lock.acquire(timeout=-1 if wait else 0)
    except Timeout:
        return None
    return lock.release


def _forget() -> None:
    """A forked child's copy of an open file would keep its parent's lock after the parent."""
    for file in list(_files):
        file.close()
    _thread.__dict__.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
