"""The files in cluster/, their YAML documents, and the sweeps that they start."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "cluster"
FILES = sorted(path for path in CLUSTER.rglob("*") if path.is_file())
YAML_FILES = [path for path in FILES if path.suffix == ".yaml"]
PAGES = [path for path in FILES if path.suffix == ".md"]
SCRIPTS = [path for path in FILES if path.suffix in (".sh", ".sbatch")]

_LINE = re.compile(r"python3? \S*bench\.py sweep ([^\n`;>]*)")
_VALUES = {"budget": "28000", "name": "demo", "shared": "/shared", "config": "sweep.yaml"}
_VALUES["storage"] = "postgresql://lolvit@db.example.org:5432/lolvit"


def relative(path: Path) -> str:
    return str(path.relative_to(CLUSTER))


def documents(name: str) -> list[Any]:
    return list(YAML(typ="safe", pure=True).load_all(CLUSTER / name))


def sweeps() -> list[tuple[str, list[str]]]:
    """File and arguments of every `bench.py sweep` in cluster/."""
    lines = []
    for path in FILES:
        texts = [path.read_text()]
        if path in YAML_FILES:
            texts = [text for document in documents(relative(path)) for text in _commands(document)]
        for text in texts:
            for line in _LINE.findall(text.replace("\\\n", " ")):
                lines.append((relative(path), [_fill(word) for word in shlex.split(line)]))
    return [(name, [word for word in words if word != "$@"]) for name, words in lines]


def _commands(node: Any) -> Iterator[str]:
    """All strings of a document; a list of strings is one command."""
    if isinstance(node, list) and all(isinstance(item, str) for item in node):
        yield shlex.join(node)
        yield from node
    elif isinstance(node, list | dict):
        for item in node.values() if isinstance(node, dict) else node:
            yield from _commands(item)
    elif isinstance(node, str):
        yield node


def _fill(word: str) -> str:
    return re.sub(r"\$\{?([a-z]+)\}?", lambda match: _VALUES[match[1]], word)
