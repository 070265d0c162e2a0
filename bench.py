"""Command line of LOLViT Bench: parse, run one command, map errors to exit codes.

Imports happen where they are used: `--help` and `list` must not wait for torch.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from io import TextIOWrapper
from typing import Any, NoReturn

from runners.cli import (
    ablate,
    compare,
    dashboard,
    data,
    diff,
    doctor,
    macs,
    measure,
    report,
    scale,
    space,
    sweep,
    zoo,
)
from runners.cli.output import only_json_on_stdout
from runners.cli.parser import EXIT_INTERRUPTED, EXIT_OK, EXIT_USAGE, Commands, Parser
from runners.records.paths import printable


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (an arm failed), 2 (usage) or 130 (interrupted)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Terminals and pipes of other encodings lack characters of the tables.
            stream.reconfigure(errors="backslashreplace")
    arguments = _parse(sys.argv[1:] if argv is None else argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        # A network or a library may print: with --json, that must not reach stdout.
        with only_json_on_stdout() if "json" in arguments and arguments.json else nullcontext():
            code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_OK
    except KeyboardInterrupt:
        hint = "; finished results are kept, --resume continues" if "resume" in arguments else ""
        return _fail(f"interrupted{hint}", EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            path = error.filename or "the output"
            return _fail(f"no space is left on the disk of {path}", EXIT_USAGE)
        if error.filename is None:
            raise
        name = printable(os.fsdecode(error.filename))
        return _fail(f"cannot use {name}: {error.strerror}", EXIT_USAGE)
    except Exception as error:
        if not _is_user_error(error):
            raise
        return _fail(str(error), EXIT_USAGE)
    return code


def _parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse a command line; options may stand before the command and among its arguments."""
    parser, commands = _parser()
    argv = _expand(argv)
    first = next((index for index, word in enumerate(argv) if word in commands.choices), None)
    if first is None or any(word in ("--version", "--help", "-h") for word in argv[:first]):
        return parser.parse_args(argv)
    command: Parser = commands.choices[argv[first]]
    rest = [*argv[:first], *argv[first + 1 :]]
    # Commands with commands of their own cannot mix options and arguments.
    has_commands = any(
        isinstance(action, argparse._SubParsersAction) for action in command._actions
    )
    return command.parse_args(rest) if has_commands else command.parse_intermixed_args(rest)


def _expand(argv: Sequence[str]) -> list[str]:
    """`--compare A B`, anywhere in the line, is short for the subcommand `compare A B`."""
    argv = list(argv)
    if "--compare" not in argv:
        return argv
    index = argv.index("--compare")
    return ["compare", *argv[index + 1 :], *argv[:index]]


def _is_user_error(error: Exception) -> bool:
    """Whether it is an error that a user can cause; each package has exceptions for those."""
    from attention_zoo.registry import MixerError
    from lolvit.fields import ArchitectureError
    from runners.records.errors import UserError
    from search_space.errors import SpaceError

    return isinstance(error, UserError | MixerError | ArchitectureError | SpaceError)


def _fail(message: str, code: int) -> int:
    from runners.records.errors import brief

    print(f"bench.py: {brief(message)}", file=sys.stderr)
    return code


_COMMANDS = (
    compare,
    ablate,
    sweep,
    space,
    dashboard,
    measure,
    macs,
    zoo,
    scale,
    report,
    diff,
    data,
    doctor,
)


class _Version(argparse.Action):
    """Prints the version, which is looked up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str, **options: Any) -> None:
        super().__init__(option_strings, argparse.SUPPRESS, nargs=0, **options)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> NoReturn:
        from runners.machine.version import NAME, project_version

        print(NAME, project_version())
        parser.exit()


def _parser() -> tuple[Parser, Commands]:
    parser = Parser(
        prog="bench.py",
        description="Benchmarks for light vision attention. LOLViT and FWA are reconstructions "
        "from the abstract of arXiv 2508.01385.",
        epilog="--compare A B C is short for the subcommand: compare A B C",
    )
    parser.add_argument("--version", action=_Version, help="print the version and exit")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    for command in _COMMANDS:
        command.add(commands)
    for choice in commands.choices.values():
        choice.add_argument("--version", action=_Version, help=argparse.SUPPRESS)
    return parser, commands


if __name__ == "__main__":
    raise SystemExit(main())
