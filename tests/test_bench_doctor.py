"""`bench.py doctor` on the machine that runs the tests."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from runners.cli import doctor
from runners.machine.doctor import Finding
from tests.bench_runs import ROOT, bench, bench_in_process, environment, one_line


def test_one_line_per_check_without_torch(tmp_path):
    done = bench(tmp_path, "doctor", COLUMNS="400", PYTHONPROFILEIMPORTTIME="1")
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert "numpy" in imported and not imported & {"torch", "pandas", "scipy", "pydantic"}
    titles, *lines = done.stdout.splitlines()
    assert titles.split() == ["check", "value", "meaning"]
    assert len(lines) >= 15 and {line.split()[0] for line in lines} <= {"ok", "warn", "?"}
    assert list(tmp_path.iterdir()) == []


def test_findings_as_json(tmp_path):
    done = bench_in_process(tmp_path, "doctor", "--json")
    rows = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(set(row) == {"check", "state", "found", "means"} for row in rows)
    assert {row["state"] for row in rows} <= {"ok", "warn", "unknown"}
    assert all(text and "\n" not in text for row in rows for text in row.values())


@pytest.mark.parametrize("arguments", [["--jsn"], ["now"]])
def test_wrong_arguments_are_refused(tmp_path, arguments):
    done = bench_in_process(tmp_path, "doctor", *arguments)
    assert done.returncode == 2 and done.stdout == ""
    one_line(done.stderr, arguments[0])


@pytest.mark.parametrize("width", [40, 80, 400])
def test_table_fits_the_width_and_keeps_brackets(monkeypatch, capsys, width):
    monkeypatch.setenv("COLUMNS", str(width))
    sentence = "a hot chip lowers its clock in the middle of a run; let it cool"
    doctor._print([Finding("temperature", "warn", "91 °C [/hot]", sentence)])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert any("91 °C [/hot]" in line for line in lines)
    assert len(lines) == {40: 5, 80: 4, 400: 2}[width]


def test_energy_and_doctor_import_no_torch():
    code = (
        "import sys, runners.machine.energy, runners.machine.doctor; print('torch' in sys.modules)"
    )
    done = subprocess.run(
        (sys.executable, "-c", code), cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    assert (done.stdout.strip(), done.stderr) == ("False", "")
