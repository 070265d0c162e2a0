"""Argument types and a parser whose errors are one line."""

from __future__ import annotations

import argparse
from typing import NoReturn, TypeAlias

EXIT_FINE, EXIT_ARM_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130

Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without repeating the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_USAGE, f"bench.py: {message}; see {self.prog} --help\n")


def positive(text: str) -> int:
    """An argument that is a whole number of at least 1."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return value
