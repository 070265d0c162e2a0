"""Refuse the private vocabulary of earlier versions in product code: python tests/lint_words.py

Identifiers are compared word by word (`told_values` holds `told`), text by phrases. Words that are
plain English in a sentence (each, known, given) are refused as whole identifiers only.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("attention_zoo", "lolvit", "search_space", "runners", "reports", "benchmarks")

IDENTIFIERS = frozenset(
    {"alone", "beside", "each", "found", "given", "heard", "known", "opened", "place", "said"}
    | {"shown", "started"}
)
"""Name what the value is instead: trial, row, match, path, reason, count ..."""
PARTS = frozenset(
    {"breathe", "contender", "contenders", "desk", "desks", "entrant", "entrants", "ledger"}
    | {"surroundings", "told"}
)
"""Refused as a part of an identifier, too."""
NAMES = frozenset({"side_by_side", "take_in"})
PHRASES = (
    "asked again",
    "at work on",
    "breathes?",
    "contenders?",
    "could not be had",
    "desks?",
    "doors?",
    "entrants?",
    "ledgers?",
    "in a blink",
    "looks? away",
    "nobody",
    "of (no )?use",
    "rooms?",
    "side_by_side",
    "surroundings",
    "take_in",
    "the house",
    "told",
)
TEXT = re.compile(rf"\b({'|'.join(PHRASES)})\b".replace(" ", r"\s+"), re.IGNORECASE)


def refused_words(source: str) -> Iterator[tuple[int, str]]:
    """Line number and word of everything refused in a Python source text."""
    for node in ast.walk(ast.parse(source)):
        line = getattr(node, "lineno", 0)
        for name in _names(node):
            bare = name.strip("_").lower()
            if bare in IDENTIFIERS or bare in NAMES or PARTS & set(bare.split("_")):
                yield line, name
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for match in TEXT.finditer(node.value):
                before = node.value.count("\n", 0, match.start())
                yield line + before, " ".join(match[0].split())


def _names(node: ast.AST) -> Iterator[str]:
    """Identifiers that a node introduces or uses."""
    for field in ("id", "arg", "attr", "name", "asname"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield from value.split(".")


def main() -> int:
    """Print FILE:LINE: WORD for every refused word; the exit code is 1 if there are any."""
    files = [ROOT / "bench.py", *(path for name in FOLDERS for path in (ROOT / name).rglob("*.py"))]
    count = 0
    for file in sorted(files):
        for line, word in sorted(refused_words(file.read_text(encoding="utf-8"))):
            print(f"{file.relative_to(ROOT)}:{line}: {word}")
            count += 1
    if count:
        print(f"{count} private words; see Style in CONTRIBUTING.md", file=sys.stderr)
    return int(count > 0)


if __name__ == "__main__":
    raise SystemExit(main())
