"""Every command that a page shows is one that the command line accepts."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import bench

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/tutorial.md", "docs/measuring.md", "docs/searching.md")
COMMAND = re.compile(r"^    (?:(?:python )?bench\.py|lolvit-bench) (?! )(.*)$", re.MULTILINE)


def commands(page: str) -> list[list[str]]:
    text = (ROOT / page).read_text(encoding="utf-8")
    lines = [shlex.split(line, comments=True) for line in COMMAND.findall(text)]
    return [words[: words.index(">>")] if ">>" in words else words for words in lines]


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_are_parsed(page):
    assert commands(page)
    for words in commands(page):
        if words == ["--version"]:
            continue
        bench._parse(words)


@pytest.mark.parametrize("page", PAGES)
def test_the_sweep_files_of_a_page_exist(page):
    for words in commands(page):
        for word in words:
            assert not word.startswith("configs/") or (ROOT / word).is_file(), word
