"""Paths of any content: refused in one line before anything is written, or carried through."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from runners.records.errors import UserError, first_line
from runners.records.paths import LONGEST_OF_STUDY, check_path, printable
from tests.bench_runs import QUICK, ROOT, TINY, bench, bench_in_process, draw_images, one_line, tree

BAD = {
    "not UTF-8": ("a\udcffb", "not in UTF-8"),
    "line break": ("a\nb", "control character"),
    "carriage return": ("a\rb", "control character"),
    "escape": ("a\x1b[31mb", "control character"),
    "line separator": ("a\u2028b", "control character"),
    "long name": ("x" * 300, "too long"),
    "long name of wide characters": ("数" * 90, "too long"),
    "long path": ("/".join(["d" * 200] * 25), "too long"),
    "far too long": ("y" * 100_000, "too long"),
}
TABULAR = str(ROOT / "configs/lolvit-tabular.yaml")
COMMANDS = {
    "compare": ("compare", "none", "--dataset", "folder:images", *QUICK, "--out", "{}"),
    "data set": ("compare", "none", "--dataset", "folder:{}", *QUICK),
    "measure": ("measure", "none@8x8x8", "--out", "{}"),
    "mixer": ("macs", "none@8x8x8", "--mixer", "{}"),
    "scale": ("scale", "none", "--out", "{}"),
    "report": ("report", "{}"),
    "report into": ("report", "images", "--out", "{}"),
    "diff": ("diff", "images", "{}"),
    "sweep": ("sweep", TABULAR, "--engine", "tabular", "--out", "{}"),
    "sweep file": ("sweep", "{}"),
    "storage": ("sweep", TABULAR, "--engine", "tabular", "--storage", "sqlite:///{}"),
}


@pytest.mark.parametrize(("path", "words"), BAD.values(), ids=BAD.keys())
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_a_bad_path_is_refused_before_anything_is_written(tmp_path, command, path, words) -> None:
    draw_images(tmp_path / "images", train=2, val=1)
    before = tree(tmp_path)
    done = bench_in_process(tmp_path, *(part.replace("{}", path) for part in command))
    assert (done.returncode, done.stdout, tree(tmp_path)) == (2, "", before)
    one_line(done.stderr, words)
    assert len(done.stderr) < 500


@pytest.mark.parametrize("name", ["a\udcffb", "a\nb"])
def test_a_run_in_a_folder_of_bad_name_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    done = bench_in_process(tmp_path / name, "measure", "none@8x8x8")
    assert done.returncode == 2 and not list((tmp_path / name).iterdir())
    one_line(done.stderr)


@pytest.mark.parametrize("name", ["数据 集", "a'b\"c %s $x {y}", "é" * 60, "\u3000 x"])
def test_other_names_are_carried_through(tmp_path: Path, name: str) -> None:
    draw_images(tmp_path / "images", train=2, val=1).rename(tmp_path / name)
    # Names inside of class folders are printed in errors only.
    inside = tmp_path / name / "train/a"
    shutil.copy(inside / "0.png", os.fsencode(inside / "a\udcff\nb.png"))
    arguments = ("folder:" + name if part == "folder:images" else part for part in TINY)
    done = bench_in_process(
        tmp_path, "compare", "none", "--cost-only", *arguments, "--out", f"out {name}"
    )
    assert done.returncode == 0, done.stderr
    table = (tmp_path / f"out {name}" / "table.md").read_text(encoding="utf-8")
    assert "none on folder:" in table and str(tmp_path) not in table


def test_an_image_of_a_bad_name_is_named_in_an_error(tmp_path: Path) -> None:
    draw_images(tmp_path / "images", train=2, val=1)
    Path(os.fsdecode(os.fsencode(tmp_path / "images/val/a/x\udcff.png"))).write_bytes(b"")
    done = bench_in_process(tmp_path, "compare", "none", "--cost-only", *TINY)
    assert done.returncode == 2
    one_line(done.stderr, "images/val/a/x\\xff.png")


def test_a_terminal_that_lacks_characters_gets_escapes(tmp_path: Path) -> None:
    done = bench(tmp_path, "list", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "\\u2020" in done.stdout, done.stderr


def test_the_longest_paths_are_usable(tmp_path: Path) -> None:
    missing = LONGEST_OF_STUDY - len(os.fsencode(tmp_path))
    folder = tmp_path
    while missing:
        length = min(missing, 150) - 1
        if 0 < missing - length - 1 < 2:
            length -= 2
        folder, missing = folder / ("x" * length), missing - length - 1
    assert len(str(folder)) == LONGEST_OF_STUDY
    done = bench_in_process(
        tmp_path, "sweep", TABULAR, "--engine", "tabular", "--trials", "2", "--out", str(folder)
    )
    assert done.returncode == 0, done.stderr
    with pytest.raises(UserError, match="too long"):
        check_path(Path(f"{folder}x"), LONGEST_OF_STUDY)


@pytest.mark.parametrize("path", [path for path, _ in BAD.values()])
def test_printable_paths_are_short_and_encodable(path: str) -> None:
    assert len(printable(path)) <= 103 and printable(path).encode() and "\n" not in printable(path)


def test_reasons_are_utf8() -> None:
    assert first_line(ValueError("a\udcffb\nc")) == "a\\udcffb"
