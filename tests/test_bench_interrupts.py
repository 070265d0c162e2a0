"""Whatever ends a run early, finished records are kept, and --resume continues from them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import optuna
import pytest

from runners.records.record import State
from runners.store.study import read_records
from tests.bench_runs import (
    TINY,
    bench,
    draw_images,
    one_line,
    session_of,
    start_on_one_core,
    wait_for,
)
from tests.runners.alive import all_end

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pins a process to one core")

# Long enough to be caught in the middle of the second arm.
RUN = ("compare", "none", "linear", *TINY, "--epochs", "40", "--out", "run")


@pytest.fixture
def workdir(tmp_path):
    draw_images(tmp_path / "images")
    return tmp_path


def trial_states(file):
    study = optuna.load_study(study_name="run", storage=f"sqlite:///{file}")
    return [trial.state.name for trial in study.trials]


def check_resume(workdir, before):
    """Resume; the record of the finished arm must not change by a byte."""
    done = bench(workdir, *RUN, "--resume")
    assert done.returncode == 0, done.stderr
    assert [line[:6] for line in done.stderr.splitlines()] == ["[1/1] "]
    after = read_records(workdir / "run/study.db")
    assert [(r.name, r.state) for r in after] == [
        ("none", State.FINISHED),
        ("linear", State.FINISHED),
    ]
    assert after[0].model_dump_json() == before[0].model_dump_json()
    assert after[1].quality.epochs == 40
    assert set(trial_states(workdir / "run/study.db")) <= {"COMPLETE", "FAIL"}
    assert trial_states(workdir / "run/study.db").count("COMPLETE") == 2
    table = (workdir / "run/table.md").read_text()
    assert "none" in table and "linear" in table


@pytest.mark.slow
def test_kill_9_in_the_second_arm(workdir):
    process = start_on_one_core(workdir, *RUN)
    wait_for(process, "[1/2]")
    while "RUNNING" not in trial_states(workdir / "run/study.db"):
        assert process.poll() is None
    children = session_of(process)
    process.kill()
    process.wait()
    process.stdout.close(), process.stderr.close()
    assert children and all_end(children, 10)
    before = read_records(workdir / "run/study.db")
    assert [(r.name, r.state) for r in before] == [("none", State.FINISHED)]
    assert trial_states(workdir / "run/study.db") == ["COMPLETE", "RUNNING"]
    check_resume(workdir, before)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_in_the_second_arm(workdir, number):
    process = start_on_one_core(workdir, *RUN)
    seen = wait_for(process, "[1/2]")
    children = session_of(process)
    os.killpg(process.pid, number)  # as a terminal does
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    one_line(err, "interrupted", "--resume")
    assert "Traceback" not in out + seen
    assert all_end(children, 10)
    before = read_records(workdir / "run/study.db")
    assert [r.name for r in before] == ["none"]
    for name in ("table.md", "table.csv", "table.tex", "records.csv"):
        assert "none" in (workdir / "run" / name).read_text(), name
    assert (workdir / "run/pareto.png").exists()
    if number == signal.SIGTERM:
        check_resume(workdir, before)


@pytest.mark.slow
def test_an_interrupt_before_anything_is_finished(workdir):
    process = start_on_one_core(workdir, *RUN)
    while not (workdir / "run/study.db").exists():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    one_line(err, "interrupted")
    assert out == ""
    again = bench(workdir, *RUN, "--resume")
    assert again.returncode == 0, again.stderr


@pytest.mark.slow
def test_a_disk_that_becomes_full(workdir):
    disk = workdir / "disk"
    disk.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(disk))
    try:
        if subprocess.run(mount, capture_output=True).returncode:
            pytest.skip("may not mount a small file system here")
    except FileNotFoundError:
        pytest.skip("has no mount")
    run = (*RUN[:-1], "disk/run")
    try:
        process = start_on_one_core(workdir, *run)
        wait_for(process, "[1/2]")
        with open(disk / "ballast", "wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(2**12))
            except OSError:
                pass
        _, err = process.communicate(timeout=60)
        assert process.returncode == 2
        one_line(err, "disk")
        before = read_records(disk / "run/study.db")
        assert [(r.name, r.state) for r in before] == [("none", State.FINISHED)]
        refused = bench(workdir, *run, "--resume")
        assert (refused.returncode, refused.stdout) == (2, "")
        one_line(refused.stderr, "cannot write to disk/run", "MiB")
        (disk / "ballast").unlink()
        # A run asks for 16 MiB; the study is well below the other 4.
        done = bench(workdir, *run, "--resume")
        assert done.returncode == 0, done.stderr
        after = read_records(disk / "run/study.db")
        assert [r.name for r in after] == ["none", "linear"] and after[0] == before[0]
        assert {r.state for r in after} == {State.FINISHED}
    finally:
        subprocess.run(("umount", "-l", str(disk)), check=True)


@pytest.mark.slow
def test_two_runs_in_one_folder(workdir):
    run = (*RUN, "--epochs", "500")
    process = start_on_one_core(workdir, *run)
    wait_for(process, "[1/2]")
    second = bench(workdir, *run, "--resume")
    assert (second.returncode, second.stdout) == (2, "")
    one_line(second.stderr, "another process is using run")
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert len(read_records(workdir / "run/study.db")) == 1
