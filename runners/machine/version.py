"""The version of this project, kept in one place: pyproject.toml."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

NAME = "lolvit-bench"
_ROOT = Path(__file__).resolve().parents[2]


def project_version(root: Path = _ROOT) -> str:
    """Version of the code that runs, such as "0.2.0"; "unknown" if nothing states it.

    A checkout at `root` states its own: the metadata of an editable install is as old as the
    install.
    """
    try:
        text = (root / "pyproject.toml").read_text(encoding="utf-8")
    except OSError:
        text = ""
    # tomllib exists from Python 3.11 on.
    if re.search(rf'^name = "{NAME}"$', text, re.MULTILINE):
        stated = re.search(r'^version = "(.+)"$', text, re.MULTILINE)
        if stated:
            return stated[1]
    try:
        return version(NAME)
    except PackageNotFoundError:
        return "unknown"
