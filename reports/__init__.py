"""Records to tables and pictures. Knows flat rows only: neither torch nor the rest of the house.

Importing this package is free; what draws or counts is imported by the call that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.diff import diff_runs
    from reports.diff_table import diff_grid
    from reports.files import write
    from reports.runs import merge
    from reports.summary import Summary, summarise
    from reports.sweep import publish
    from reports.sweep_table import sweep_terminal
    from reports.table import terminal

__all__ = [
    "Summary",
    "diff_grid",
    "diff_runs",
    "merge",
    "publish",
    "summarise",
    "sweep_terminal",
    "terminal",
    "write",
]

_HOMES = {
    "Summary": "reports.summary",
    "diff_grid": "reports.diff_table",
    "diff_runs": "reports.diff",
    "merge": "reports.runs",
    "publish": "reports.sweep",
    "summarise": "reports.summary",
    "sweep_terminal": "reports.sweep_table",
    "terminal": "reports.table",
    "write": "reports.files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
