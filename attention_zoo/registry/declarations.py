"""Read `@register(...)` declarations out of a source file, without running it."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Option:
    """One keyword-only argument of a mixer."""

    name: str
    annotation: str
    default: str


def read_declarations(path: Path) -> list[dict[str, Any]]:
    """The fields of an `Entry`, but for its module, of each mixer declared in a file."""
    source = path.read_text(encoding="utf-8")
    if "@register(" not in source:  # most files of a folder are not mixers: skip the parse
        return []
    found = []
    for node in ast.parse(source, filename=str(path)).body:
        if isinstance(node, ast.ClassDef):
            for call in node.decorator_list:
                if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "register":
                    found.append(_declaration(node, call))
    return found


def _declaration(node: ast.ClassDef, call: ast.Call) -> dict[str, Any]:
    arguments = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
    return {
        "name": ast.literal_eval(call.args[0]),
        "class_name": node.name,
        "docstring": ast.get_docstring(node) or "",
        "paper": arguments["paper"],
        "complexity": arguments["complexity"],
        "reconstructed": arguments.get("reconstructed", False),
        "limits": arguments.get("limits") or {},
        "options": tuple(_options(node)),
    }


def _options(node: ast.ClassDef) -> list[Option]:
    for item in node.body:
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            pairs = zip(item.args.kwonlyargs, item.args.kw_defaults, strict=True)
            return [
                Option(
                    arg.arg,
                    ast.unparse(arg.annotation) if arg.annotation else "",
                    ast.unparse(default) if default else "",
                )
                for arg, default in pairs
            ]
    return []
