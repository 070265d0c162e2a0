"""Read `@register(...)` declarations out of a source file, without running it."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

from attention_zoo.registry.errors import MixerError

OptionValue: TypeAlias = bool | int | float | str

_TYPES: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}


@dataclass(frozen=True)
class Option:
    """One keyword-only argument of a mixer: its annotation and its default as source text."""

    name: str
    annotation: str
    default: str

    @cached_property
    def types(self) -> frozenset[type]:
        """The plain types that the annotation names; empty where it allows anything else."""
        names = {name.strip() for name in self.annotation.split("|")} - {"None"}
        return frozenset(_TYPES[name] for name in names) if names <= set(_TYPES) else frozenset()

    @cached_property
    def default_value(self) -> OptionValue | None:
        """The default; None where it is no plain literal or has another type than the option."""
        try:
            return self.convert(ast.literal_eval(self.default))
        except (ValueError, SyntaxError):  # MixerError is a ValueError
            return None

    def convert(self, value: object) -> OptionValue:
        """The value in a type of this option: a whole number becomes a float if only that fits.

        Raises:
            MixerError: a value of another type, or one that is not finite.
        """
        for kind in _TYPES.values():  # bool before int, of which it is a subclass
            if isinstance(value, kind):
                value = kind(value)
                break
        else:
            raise MixerError(f"option {self.name!r} must be {self._type_names}, got {value!r}")
        if type(value) is int and float in self.types and int not in self.types:
            value = float(value) if abs(value) < 2**1023 else math.inf
        if isinstance(value, float):
            if not math.isfinite(value):
                raise MixerError(f"option {self.name!r} must be finite, got {value!r}")
            value += 0.0  # -0.0 becomes 0.0: equal values, equal texts
        if self.types and type(value) not in self.types:
            raise MixerError(f"option {self.name!r} must be {self._type_names}, got {value!r}")
        return value  # type: ignore[return-value]

    def parse(self, text: str) -> OptionValue:
        """The value that a text means for this option: true, 3, 0.5 or the text itself.

        Raises:
            MixerError: a text that means no value of the option's types.
        """
        types = self.types or frozenset(_TYPES.values())
        if bool in types and text.lower() in ("true", "false"):
            return text.lower() == "true"
        for kind in (int, float) if types & {int, float} else ():
            try:
                return self.convert(kind(text))
            except MixerError:
                raise
            except ValueError:
                continue
        return self.convert(text)

    @property
    def _type_names(self) -> str:
        return " or ".join(sorted(kind.__name__ for kind in self.types or _TYPES.values()))


def read_declarations(path: Path) -> list[dict[str, Any]]:
    """The fields of a `MixerEntry`, except module and file, of each mixer declared in a file."""
    source = path.read_text(encoding="utf-8")
    if "@register(" not in source:  # most files of a folder are not mixers: skip the parse
        return []
    return [
        _declaration(node, call)
        for node in ast.parse(source, filename=str(path)).body
        if isinstance(node, ast.ClassDef)
        for call in node.decorator_list
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "register"
    ]


def _declaration(node: ast.ClassDef, call: ast.Call) -> dict[str, Any]:
    try:
        arguments = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
        name = ast.literal_eval(call.args[0]) if call.args else arguments["name"]
        missing = [key for key in ("paper", "complexity") if key not in arguments]
    except (ValueError, KeyError):
        raise MixerError(
            f"line {call.lineno}: @register(...) must have a name, and literals as arguments"
        ) from None
    if missing:
        raise MixerError(f"line {call.lineno}: @register(...) lacks {' and '.join(missing)}")
    return {
        "name": name,
        "class_name": node.name,
        "docstring": ast.get_docstring(node) or "",
        "about": arguments.get("about", ""),
        "paper": arguments["paper"],
        "complexity": arguments["complexity"],
        "reconstructed": arguments.get("reconstructed", False),
        "differs": arguments.get("differs"),
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
