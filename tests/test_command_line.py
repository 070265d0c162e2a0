"""The command line starts fast, and no package imports it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from bench import _parse, _parser
from tests.bench_runs import ROOT, bench

PACKAGES = ("attention_zoo", "lolvit", "runners", "reports", "search_space")
HEAVY = {"torch", "optuna", "pandas", "matplotlib", "numpy", "ray", "scipy", "fvcore", "pydantic"}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--help"], 0),
        (["compare", "--help"], 0),
        (["list"], 0),
        (["data", "list"], 0),
        (["--compare", "nobody"], 2),
        (["compare", "none", "--dataset", "nothing"], 2),
    ],
    ids=str,
)
def test_what_needs_no_network_imports_nothing_heavy(tmp_path, arguments, code):
    done = bench(tmp_path, *arguments, PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == code
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "argparse" in imported
    assert imported & HEAVY == set()
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_command_and_option(tmp_path):
    text = bench(tmp_path, "--help").stdout
    assert all(word in text for word in ("compare", "list", "report", "data", "--compare A B C"))
    text = bench(tmp_path, "compare", "--help").stdout
    options = "dataset variant seeds epochs resolution device threads out cost-only json quiet"
    assert all(f"--{option}" in text for option in [*options.split(), "resume"])


def test_a_pipe_that_closes_is_no_error(tmp_path):
    line = f"{sys.executable} {ROOT / 'bench.py'} list | head -n 1"
    done = subprocess.run(line, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "") and done.stdout.count("\n") == 1


def test_the_console_script_is_bench_py(tmp_path):
    script = Path(sys.executable).with_name("lolvit-bench")
    if not script.exists():
        pytest.skip("the package is not installed")
    runs = [
        subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        for command in ((str(script), "list"), (sys.executable, str(ROOT / "bench.py"), "list"))
    ]
    assert runs[0].stdout == runs[1].stdout and runs[0].returncode == 0


def modules():
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def imported_names(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_no_package_imports_the_command_line():
    assert len(list(modules())) > 50
    importers = [
        str(path.relative_to(ROOT))
        for path in modules()
        if any(name.split(".")[0] == "bench" for name in imported_names(path))
    ]
    assert importers == []


def test_the_import_contracts_are_kept():
    script = Path(sys.executable).with_name("lint-imports")
    if not script.exists():
        pytest.skip("import-linter is not installed")
    done = subprocess.run((str(script), "--no-cache"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert " kept, 0 broken" in done.stdout


@pytest.mark.parametrize(
    "line",
    [
        "measure fwa@7x7x16 linear@7x7x16 --rounds 10 --quiet",
        "measure --rounds 10 fwa@7x7x16 --quiet linear@7x7x16",
        "--quiet measure fwa@7x7x16 --rounds 10 linear@7x7x16",
        "--rounds 10 --quiet measure fwa@7x7x16 linear@7x7x16",
    ],
)
def test_options_stand_anywhere(line):
    arguments = _parse(line.split())
    assert arguments.targets == ["fwa@7x7x16", "linear@7x7x16"]
    assert (arguments.rounds, arguments.quiet) == (10, True)


@pytest.mark.parametrize(("text", "seconds"), [("90", 90), ("90s", 90), ("2m", 120), ("1h", 3600)])
@pytest.mark.parametrize("command", ["measure x", "compare x", "sweep x.yaml", "ablate x.yaml"])
def test_a_time_is_written_in_one_way(command, text, seconds):
    assert _parse([*command.split(), "--time-budget", text]).time_budget == seconds


def test_an_old_spelling_works_and_names_the_new_one(capsys):
    assert _parse(["sweep", "x.yaml", "--processes", "3"]).workers == 3
    assert capsys.readouterr().err == "--processes is called --workers now\n"
    assert _parse(["measure", "x", "--processes", "3"]).processes == 3
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("option", ["--vers", "--roun 3", "--qui"])
def test_options_are_written_in_full(option, capsys):
    with pytest.raises(SystemExit) as caught:
        _parse(["measure", "x", *option.split()])
    assert caught.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_every_command_knows_the_version(capsys):
    _, commands = _parser()
    for name in commands.choices:
        with pytest.raises(SystemExit) as caught:
            _parse([name, "--version"])
        assert caught.value.code == 0
    assert len(set(capsys.readouterr().out.splitlines())) == 1
