"""What a command prints: the records of a run, a plain table, or JSON and nothing else."""

from __future__ import annotations

import atexit
import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runners.records.record import Record


_STDOUT, _STDERR = 1, 2
_held_json: ContextVar[list[str] | None] = ContextVar("held_json", default=None)


@contextlib.contextmanager
def only_json_on_stdout() -> Iterator[None]:
    """Send what the block and the processes it starts write to stdout to stderr instead.

    Networks and libraries print, also below Python's `sys.stdout`. What `print_json` is given is
    written to stdout when the block ends.
    """
    held: list[str] = []
    token = _held_json.set(held)
    try:
        with _stdout_to_stderr(), contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _held_json.reset(token)
        for text in held:
            print(text)


def print_json(value: Any) -> None:
    """Print a value as JSON; numbers that JSON lacks (infinite, undefined) become null."""
    text = json.dumps(_finite(value), indent=2, allow_nan=False)
    held = _held_json.get()
    if held is None:
        print(text)
    else:
        held.append(text)


@contextlib.contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """Make the descriptor of stdout another one of stderr for the block."""
    import ctypes

    if sys.stdout is not None:
        sys.stdout.flush()
    try:
        kept = os.dup(_STDOUT)
        os.dup2(_STDERR, _STDOUT)
    except OSError:  # one of them is closed: nothing can be written there
        yield
        return
    try:
        yield
    finally:
        ctypes.CDLL(None).fflush(None)  # what C libraries have buffered
        os.dup2(kept, _STDOUT)
        os.close(kept)
        _redirect_at_exit()


@cache
def _redirect_at_exit() -> None:
    """Keep also that from stdout which libraries print when the interpreter exits."""
    atexit.register(os.dup2, _STDERR, _STDOUT)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_records(records: Sequence[Record], folder: Path, *, as_json: bool) -> None:
    """Print the table of a run and where its files are, or its records as JSON."""
    if as_json:
        print_json([record.model_dump(mode="json") for record in records])
    else:
        print_comparison([record.flat() for record in records], folder)


def print_comparison(
    rows: Sequence[Mapping[str, Any]], folder: Path, *, force: bool = False
) -> None:
    """Print the table of flat records and where its files are."""
    from rich.console import Console

    import reports

    console = Console()
    summary = reports.summarise(rows, title=reports.comparison_title(rows), force=force)
    console.print(reports.comparison_grid(summary))
    console.print(f"\nFiles: {folder}/", markup=False, highlight=False, soft_wrap=True)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their titles; long cells fold."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
