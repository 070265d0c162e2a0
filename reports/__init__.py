"""Records to tables and pictures. Knows flat rows only: neither torch nor the rest of the house.

Importing this package is free; what draws or counts is imported by the call that needs it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reports.comparison.runs import merge
    from reports.comparison.summary import Summary, summarise
    from reports.comparison.table import terminal
    from reports.diff.diff import diff_runs
    from reports.diff.table import diff_grid
    from reports.files import write
    from reports.sweep.publish import publish
    from reports.sweep.table import sweep_terminal

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
    "Summary": "reports.comparison.summary",
    "diff_grid": "reports.diff.table",
    "diff_runs": "reports.diff.diff",
    "merge": "reports.comparison.runs",
    "publish": "reports.sweep.publish",
    "summarise": "reports.comparison.summary",
    "sweep_terminal": "reports.sweep.table",
    "terminal": "reports.comparison.table",
    "write": "reports.files",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
