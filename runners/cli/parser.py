"""Argument types and a parser whose errors are one line."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from runners.processes.patience import DEFAULT_PATIENCE_S

EXIT_OK, EXIT_ARM_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class _OldSpelling(argparse.Action):
    """An option that has another name now: it works, and names the new one."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        value: Any,
        old: Any = None,
    ) -> None:
        new = "--" + self.dest.replace("_", "-")
        print(f"{old} is called {new} now", file=sys.stderr)
        setattr(namespace, self.dest, value)


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage; has options of common kinds.

    Options are written in full: an abbreviation may mean another option in the next version.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **options})

    def error(self, message: str) -> NoReturn:
        from runners.records.errors import brief

        self.exit(EXIT_USAGE, f"bench.py: {brief(message)}; see {self.prog} --help\n")

    def flag(self, name: str, text: str) -> None:
        """Add an option without a value."""
        self.add_argument(name, action="store_true", help=text)

    def number(
        self, name: str, text: str, default: int | None = None, metavar: str | None = None
    ) -> None:
        """Add an option that is a whole number of at least 1; the help ends with its default."""
        text += "" if default is None else " (default: %(default)s)"
        self.add_argument(name, type=positive, default=default, metavar=metavar, help=text)

    def old_spelling(self, old: str, new: str) -> None:
        """Keep an earlier name of a number, out of the help."""
        self.add_argument(
            old,
            dest=new.removeprefix("--").replace("-", "_"),
            type=positive,
            action=_OldSpelling,
            default=argparse.SUPPRESS,
            help=argparse.SUPPRESS,
        )

    def mixer_files(self) -> None:
        """Add `--mixer`."""
        text = "Python file that declares more mixers; may be repeated"
        self.add_argument(
            "--mixer", type=path, action="append", default=[], metavar="FILE", help=text
        )

    def patience(self) -> None:
        """Add `--patience`."""
        self.add_argument(
            "--patience",
            type=seconds,
            default=DEFAULT_PATIENCE_S,
            metavar="TIME",
            help="an evaluation that makes no progress for so long has failed (default: 1h)",
        )

    def out(self, text: str = "default: a new folder below runs/") -> None:
        """Add `--out`."""
        self.add_argument("--out", type=path, metavar="FOLDER", help=text)


def path(text: str) -> Path:
    """An argument that is a path, of something that may exist or not."""
    from runners.records.errors import UserError
    from runners.records.paths import check_path

    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    try:
        check_path(Path(text))
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)


def positive(text: str) -> int:
    """An argument that is a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return value


def non_negative(text: str) -> int:
    """An argument that is a whole number of at least 0."""
    if not (text.isascii() and text.isdecimal()):
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 0, got {text!r}")
    return int(text)


def at_least_two(text: str) -> int:
    """An argument that is a whole number of at least 2: one value has no spread."""
    if positive(text) < 2:
        raise argparse.ArgumentTypeError(f"must be at least 2, got {text!r}")
    return positive(text)


def seconds(text: str) -> float:
    """An argument that is a time: "2h", "90m", "1h30m", "45s", or plain seconds."""
    match = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text.strip())
    hours, minutes, rest = (int(part or 0) for part in match.groups()) if match else (0, 0, 0)
    total = 3600 * hours + 60 * minutes + rest
    if not total:
        raise argparse.ArgumentTypeError(f"must be a time as in 2h, 90m or 45s, got {text!r}")
    return float(total)


def port(text: str) -> int:
    """An argument that is a port of TCP."""
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"must be from 1 to 65535, got {text!r}")
    return int(text)


def non_empty(text: str) -> str:
    """An argument that is not empty."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty")
    return text


def one_line_text(text: str) -> str:
    """An argument that names something: printable, on one line, not empty."""
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError(f"must be printable text on one line, got {text[:40]!a}")
    return text


def precision(text: str) -> float:
    """An argument that is a share below 100 %."""
    if share(text) >= 1:
        raise argparse.ArgumentTypeError(f"must be below 100%, got {text!r}")
    return share(text)


def share(text: str) -> float:
    """An argument that is a share: "5%", "5 %" or "0.05"; a bare 5 could mean either."""
    match = re.fullmatch(r"\s*([0-9]+\.?[0-9]*|\.[0-9]+)\s*(%?)\s*", text)
    value = float(match[1]) / (100 if match[2] else 1) if match else 1.0
    if match is None or (not match[2] and value >= 1):
        raise argparse.ArgumentTypeError(
            f"must be a percentage as in 5% or a fraction below 1 as in 0.05, got {text!r}"
        )
    return value
