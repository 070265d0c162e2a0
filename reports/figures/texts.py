"""Texts of figures: in fonts that have their characters, and short enough for their place."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

_BASE = "sans-serif"
_LABEL_CHARACTERS = 30
_INVISIBLE = ("Cf", "Mn")
"""Categories of characters such as joiners and variation selectors, which may be left out."""
_BUNDLED = ("DejaVu", "STIXGeneral")
"""Matplotlib's own fonts that have ordinary characters in their places."""


def drawable(text: str) -> str:
    """A text whose characters all have a glyph in an installed font.

    Others are written as their code points, as in LaTeX tables: [U+4E2D].
    """
    missing = _missing(text)
    missing -= frozenset().union(*map(_characters, _fallbacks(missing)))
    return "".join(_code(mark) if ord(mark) in missing else mark for mark in text)


def font_of(text: str, weight: str = "normal") -> dict[str, Any]:
    """Family and weight for a drawable text: the usual font, then those that have what it lacks.

    Few fonts of other scripts are bold, so that a text that needs one is not.
    """
    fallbacks = _fallbacks(_missing(text))
    return {"family": [_BASE, *fallbacks], "weight": "normal" if fallbacks else weight}


def shorten(text: str, limit: int) -> str:
    """At most `limit` columns of text, wide characters counting two; the middle becomes "…"."""
    if _columns(text) <= limit:
        return text
    end = (limit - 1) // 2
    head, tail = _fitting(text, limit - 1 - end), _fitting(text[::-1], end)[::-1]
    # A mark without the character that carries it would join the dots.
    while tail and unicodedata.combining(tail[0]):
        tail = tail[1:]
    return f"{head.rstrip()}…{tail.lstrip()}"


def short_labels(texts: Sequence[str], limit: int = _LABEL_CHARACTERS) -> list[str]:
    """Labels of arms, drawable and shortened in the middle; different texts stay different.

    Where two would become equal, they are numbered by their place, as in the table.
    """
    short = [shorten(drawable(" ".join(text.split())), limit) for text in texts]
    of: dict[str, set[str]] = {}
    for label, text in zip(short, texts, strict=True):
        of.setdefault(label, set()).add(text)
    return [
        label if len(of[label]) == 1 else f"{label} (row {row})"
        for row, label in enumerate(short, 1)
    ]


def _columns(text: str) -> int:
    return sum(map(_width, text))


def _width(mark: str) -> int:
    return 0 if unicodedata.combining(mark) else 1 + (unicodedata.east_asian_width(mark) in "WF")


def _fitting(text: str, limit: int) -> str:
    """The beginning of a text, of at most `limit` columns."""
    used = 0
    for index, mark in enumerate(text):
        used += _width(mark)
        if used > limit:
            return text[:index]
    return text


def _code(mark: str) -> str:
    if unicodedata.category(mark) in _INVISIBLE and not unicodedata.combining(mark):
        return ""
    return f"[U+{ord(mark):04X}]"


def _missing(text: str) -> frozenset[int]:
    """Code points that the usual font lacks; a line break is none."""
    return frozenset(map(ord, text)) - {ord("\n")} - _characters(_BASE)


@cache
def _fallbacks(missing: frozenset[int]) -> tuple[str, ...]:
    """The fewest families, chosen greedily, that have as many of the code points as possible."""
    chosen = []
    while missing:
        best = max(_families(), key=lambda name: len(missing & _characters(name)), default="")
        if not best or not missing & _characters(best):
            break
        chosen.append(best)
        missing -= _characters(best)
    return tuple(chosen)


def _families() -> list[str]:
    """The installed families that have an upright font of the usual weight, sans serif first."""
    own = Path(matplotlib.get_data_path())
    families = {
        entry.name
        for entry in fontManager.ttflist
        if (entry.weight, entry.style, entry.stretch) == (400, "normal", "normal")
        and (own not in Path(entry.fname).parents or entry.name.startswith(_BUNDLED))
    }
    return sorted(families, key=lambda name: ("sans" not in name.lower(), name))


@cache
def _characters(family: str) -> frozenset[int]:
    """Code points with a glyph in the font that matplotlib takes for a family."""
    try:
        path = findfont(FontProperties(family=[family]), fallback_to_default=False)
        return frozenset(get_font(path).get_charmap())
    # A font that was removed, is damaged, or has pictures instead of outlines.
    except (OSError, RuntimeError, ValueError, NotImplementedError):
        return frozenset()
