"""The word check of `make lint` finds private vocabulary and leaves plain English alone."""

from __future__ import annotations

import pytest

from tests import lint_words


def words(source):
    return [word for _, word in lint_words.refused_words(source)]


@pytest.mark.parametrize(
    ("source", "refused"),
    [
        ("found = 1", ["found"]),
        ("def f(*, known): ...", ["known"]),
        ("import a as each", ["each"]),
        ("from rooms.desk import x", []),  # what is imported is refused where it is defined
        ("x.take_in(told_values)", ["take_in", "told_values"]),
        ("class Desk: ...", ["Desk"]),
        ("_place = lambda said: said", ["_place", "said", "said"]),
        ("f'{x} is of no use'", ["of no use"]),
        ('"""The room\n    of the\n    house."""', ["room", "the house"]),
    ],
)
def test_private_words_are_refused(source, refused):
    assert sorted(words(source)) == sorted(refused)


@pytest.mark.parametrize(
    "source",
    [
        '"each row is found at a known place"',
        "placement = unknown = founder = 1",
        "# the desk in a comment\nx = 1",
        "'a bedroom, outdoors'",
    ],
)
def test_plain_english_is_accepted(source):
    assert words(source) == []


def test_a_refused_word_is_reported_with_its_line():
    source = 'x = 1\ny = """first\nthe ledger\n"""\n'
    assert list(lint_words.refused_words(source)) == [(3, "ledger")]


def test_the_product_code_holds_none(capsys):
    assert lint_words.main() == 0, capsys.readouterr().out
