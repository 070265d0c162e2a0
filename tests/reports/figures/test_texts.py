"""Texts of figures: drawn in any script without boxes or warnings, short, and inside the figure."""

from __future__ import annotations

import unicodedata

import matplotlib
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font

from reports.comparison.pareto import pareto_figure
from reports.comparison.summary import summarise
from reports.figures import texts
from reports.figures.canvas import new_figure, pdf, png, write_texts
from reports.figures.texts import drawable, font_of, short_labels, shorten
from reports.scaling.figure import scaling_figure
from tests.reports.rows import row
from tests.reports.scaling.test_scaling import row as scale_row

NAMES = {
    "Chinese": "注意力机制",
    "Cyrillic": "внимание",
    "Arabic": "انتباه",
    "Devanagari": "ध्यान",
    "Korean": "어텐션",
    "emoji": "a😀b👩\u200d🚀\ufe0f",
    "not UTF-8": "a\udcff",
    "control": "a\x07\x1b[0mb",
    "private": "\ue000\U000fffff",
    "combined": "e\u0301cole",
    "plain": "fwa:window=4",
}
ANY = st.text(max_size=40)


@given(ANY)
def test_every_character_has_a_glyph_in_a_named_font(text):
    shown = drawable(text)
    style = font_of(shown)
    glyphs = set(map(ord, "\n"))
    for family in style["family"]:
        glyphs |= set(get_font(findfont(FontProperties(family=[family]))).get_charmap())
    assert set(map(ord, shown)) <= glyphs
    assert drawable(shown) == shown


def test_characters_without_a_font_are_written_as_in_latex(monkeypatch):
    monkeypatch.setattr(texts, "_families", list)
    texts._fallbacks.cache_clear()
    assert drawable("a中\udcff\u200d") == "a[U+4E2D][U+DCFF]" + "\u200d" * (
        drawable("\u200d") != ""
    )
    assert font_of("plain", "bold") == {"family": ["sans-serif"], "weight": "bold"}
    texts._fallbacks.cache_clear()


def test_a_fallback_is_an_installed_font_that_has_what_is_missing():
    # STIXGeneral comes with matplotlib and has letters that DejaVu Sans lacks.
    characters = get_font(findfont(FontProperties(family=["STIXGeneral"]))).get_charmap()
    usual = get_font(findfont(FontProperties(family=["sans-serif"]))).get_charmap()
    only = [code for code in characters if code not in usual and chr(code).isalpha()]
    assert only
    text = f"a{chr(only[0])}"
    assert drawable(text) == text
    style = font_of(text, "bold")
    assert len(style["family"]) == 2 and style["weight"] == "normal"
    assert style["family"][1] in {entry.name for entry in fontManager.ttflist}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_names_in_any_script_draw_without_warnings(name, caplog):
    rows = [row(name, dataset_note=name * 9), row(name * 9, accuracy=0.6, latency=9.0)]
    figure = pareto_figure(summarise(rows, title=f"{name} on {name}"))
    for part in (figure, scaling_figure([scale_row(name, side, 1.0, 0) for side in (7, 14)])):
        assert png(part) and pdf(part)
    assert not [record for record in caplog.records if record.name.startswith("matplotlib")]


@given(ANY, st.integers(3, 30))
def test_shortened_texts_keep_both_ends(text, limit):
    short = shorten(text, limit)
    wide = sum(1 + (unicodedata.east_asian_width(mark) in "WF") for mark in short)
    marks = sum(unicodedata.combining(mark) > 0 for mark in short)
    assert wide - 2 * marks <= limit
    if short != text:
        head, _, tail = short.partition("…") if "…" not in text else (short[:1], "", short[-1:])
        assert text.startswith(head.rstrip("…")) and text.endswith(tail.lstrip("…"))


@given(st.lists(st.text("ab中", max_size=9), unique=True, max_size=9), st.integers(3, 6))
def test_different_names_stay_different(names, limit):
    assert len(set(short_labels([f"xxxx{name}yyyy" for name in names], limit))) == len(names)


def test_equal_names_stay_equal():
    assert short_labels(["a" * 50, "a" * 50])[0] == short_labels(["a" * 50])[0]


@pytest.mark.parametrize("text", ["word " * 200, "x" * 1000, "W" * 300, "中" * 300, "注意 " * 100])
@pytest.mark.parametrize("width", [11, 15])
def test_no_text_leaves_the_figure(text, width):
    figure = new_figure(width, 5.6)
    write_texts(figure, text, text, text, left=0.068, top=0.145, lines=5)
    for written in figure.texts:
        assert written.get_text() != ""
        assert written.get_window_extent().x1 <= figure.bbox.width
    assert "…" in figure.texts[0].get_text() and figure.texts[0].get_text()[0] == drawable(text)[0]


def test_a_title_keeps_its_end():
    figure = new_figure(11, 5.6)
    write_texts(figure, f"{'x' * 300} on cifar10", "", "", left=0.068, top=0.145, lines=5)
    assert figure.texts[0].get_text().endswith("on cifar10")


def test_no_global_setting_is_changed():
    before = dict(matplotlib.rcParams)
    drawable("中"), font_of("中")
    assert dict(matplotlib.rcParams) == before
