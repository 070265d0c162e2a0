"""Draw docs/images/architecture.svg from the packages and the import contracts of pyproject.toml.

Run it after a package or a layer was added: python docs/make_architecture_diagram.py
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import tomllib

ROOT = Path(__file__).resolve().parents[1]
FILE = ROOT / "docs/images/architecture.svg"

CAPTIONS = {
    "cli": "parse the command line: one file per command",
    "jobs": "decide which architectures to evaluate, with which budget",
    "evaluators": "measure and train an architecture, or look it up",
    "search": "samplers, mutation, halving rungs, warm starts, history",
    "engines": "run evaluations in local processes or on Ray",
    "evaluate": "architecture + budget → one record",
    "measure": "MACs, time, memory, forms, targets",
    "training": "recipe, loop, checkpoints",
    "arms": "names typed",
    "data": "data sets",
    "machine": "facts, locks",
    "processes": "isolation",
    "progress": "listener, display",
    "store": "studies",
    "records": "record types, and the errors that users see",
    "search_space": "architectures to search",
    "reports": "tables, figures",
    "lolvit": "architectures as data, and as networks",
    "attention_zoo": "token mixers, one per file",
}
STEPS = ("cli", "jobs", "engines", "evaluate", "store", "reports")
"""The data flow, in the order in which docs/architecture.md numbers it."""

WIDTH, MARGIN, GAP = 980, 20, 8
LOW, HIGH = 34, 50
"""Heights of a row: of one or two boxes, whose text is one line, and of more."""
LEFT = 64
"""Where the boxes begin: the arrow of the imports is left of them."""
COLOURS = {"runners": ("#e8f0fa", "#2f5f9e"), "": ("#f4f4f2", "#6b6b66")}
STEP_COLOUR = "#c2551b"


@dataclass(frozen=True)
class Contracts:
    """What the diagram shows: rows of names, from the importing to the imported."""

    packages: Sequence[Sequence[str]]
    runners: Sequence[Sequence[str]]
    forbidden: Mapping[str, frozenset[str]]


def read_contracts() -> Contracts:
    """Read the layers and the forbidden imports of import-linter's configuration."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts: list[dict[str, Any]] = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layers = {
        tuple(contract.get("containers", ())): [
            [name.strip() for name in layer.split("|")] for layer in contract["layers"]
        ]
        for contract in contracts
        if contract["type"] == "layers"
    }
    forbidden = {
        contract["source_modules"][0]: frozenset(contract["forbidden_modules"])
        for contract in contracts
        if contract["type"] == "forbidden" and len(contract["source_modules"]) == 1
    }
    return Contracts(layers[()], layers[("runners",)], forbidden)


def draw(contracts: Contracts) -> str:
    """The diagram as SVG.

    Raises:
        KeyError: a package has no caption.
    """
    right, body = WIDTH - MARGIN, []
    y = MARGIN
    for row in contracts.packages:
        if row == ["runners"]:
            inner = 34 + sum(_height(names) + GAP for names in contracts.runners)
            body.append(_rectangle(LEFT, y, right - LEFT, inner, "#ffffff", COLOURS["runners"][1]))
            body.append(_text(LEFT + 14, y + 22, "runners/", size=15, bold=True, anchor="start"))
            top = y + 34
            for names in contracts.runners:
                body += _row(names, top, LEFT + GAP, right - GAP, "runners", {})
                top += _height(names) + GAP
            y += inner + GAP
        else:
            notes = {name: _note(name, contracts) for name in row}
            body += _row(row, y, LEFT, right, "", notes)
            y += _height(row) + GAP
    bottom = y - GAP
    body += _arrow(MARGIN + 14, MARGIN, bottom)
    body.append(_step_mark(LEFT + 12, bottom + 26, ""))
    body.append(
        _text(
            LEFT + 28,
            bottom + 31,
            "steps of the data flow, as numbered in the text",
            anchor="start",
        )
    )
    height = bottom + 26 + 10 + MARGIN
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="Helvetica, Arial, sans-serif">'
    )
    title = "<title>Packages of LOLViT Bench and their allowed imports</title>"
    background = f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    return "\n".join([head, title, background, *body, "</svg>"]) + "\n"


def _row(
    names: Sequence[str], y: int, left: int, right: int, parent: str, notes: Mapping[str, str]
) -> list[str]:
    """Boxes of equal width, which together fill the row."""
    width, height = (right - left - GAP * (len(names) - 1)) / len(names), _height(names)
    fill, stroke = COLOURS[parent]
    parts = []
    for index, name in enumerate(names):
        x = left + index * (width + GAP)
        is_file = (ROOT / parent / f"{name}.py").exists()
        label = f"{name}.py" if is_file else f"{name}/"
        caption = " · ".join(text for text in (CAPTIONS[name], notes.get(name)) if text)
        parts.append(_rectangle(x, y, width, height, fill, stroke))
        if height == LOW:
            parts.append(_text(x + 34, y + 22, label, size=15, bold=True, anchor="start"))
            parts.append(_text(x + 166, y + 22, caption, anchor="start"))
        else:
            parts.append(_text(x + width / 2, y + 22, label, size=15, bold=True))
            parts.append(_text(x + width / 2, y + 39, caption, size=12))
        if name in STEPS:
            parts.append(_step_mark(x + 17, y + 17, str(STEPS.index(name) + 1)))
    return parts


def _height(names: Sequence[str]) -> int:
    return LOW if len(names) <= 2 else HIGH


def _note(name: str, contracts: Contracts) -> str:
    forbidden = contracts.forbidden.get(name, frozenset())
    others = {other for row in contracts.packages for other in row} - {name}
    notes = ["independent"] if others <= forbidden else []
    return ", ".join(notes + ["no torch"] * ("torch" in forbidden))


def _rectangle(x: float, y: float, width: float, height: float, fill: str, stroke: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="6" '
        f'fill="{fill}" stroke="{stroke}"/>'
    )


def _text(
    x: float, y: float, text: str, *, size: int = 13, bold: bool = False, anchor: str = "middle"
) -> str:
    weight, colour = ("bold", "#1c1c1a") if bold else ("normal", "#44443f")
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
    )


def _step_mark(x: float, y: float, text: str) -> str:
    circle = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="9" fill="{STEP_COLOUR}"/>'
    return circle + (
        f'<text x="{x:.1f}" y="{y + 4:.1f}" font-size="12" font-weight="bold" '
        f'text-anchor="middle" fill="#ffffff">{text}</text>'
    )


def _arrow(x: float, top: float, bottom: float) -> list[str]:
    middle = (top + bottom) / 2
    return [
        f'<path d="M {x} {top} V {bottom - 8}" stroke="#44443f" stroke-width="2" fill="none"/>',
        f'<path d="M {x - 6} {bottom - 10} L {x} {bottom} L {x + 6} {bottom - 10} Z" '
        f'fill="#44443f"/>',
        f'<text transform="translate({x - 8} {middle}) rotate(-90)" font-size="13" '
        f'text-anchor="middle" fill="#44443f">may import what is below</text>',
    ]


if __name__ == "__main__":
    FILE.write_text(draw(read_contracts()), encoding="utf-8")
    print(f"wrote {FILE.relative_to(ROOT)}")
