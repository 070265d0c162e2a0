"""`bench.py sweep`, `space` and `dashboard` as users type them."""

from __future__ import annotations

import csv
import json
import signal
import socket
import subprocess
import urllib.request

import pytest

from tests.bench_runs import BENCH, ROOT, bench, environment

CHEAP = {
    "space": "tiny",
    "objectives": {"macs": "minimize", "params": "maximize"},
    "sampler": "random",
    "trials": 12,
}
TABULAR = ROOT / "configs" / "lolvit-tabular.yaml"
FRONT = {"front.csv", "front.md", "front.tex", "front.png", "front.pdf"}
FILES = FRONT | {"trials.csv", "publications.csv", "study.db", "sweep.json"}


def write(folder, name="sweep.yaml", **changes):
    told = {key: value for key, value in {**CHEAP, **changes}.items() if value is not None}
    (folder / name).write_text(json.dumps(told))
    return name


def visible(folder):
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


def test_a_sweep_publishes_its_front_and_goes_on(tmp_path):
    file = write(tmp_path)
    first = bench(tmp_path, "sweep", file, "--out", "run", "--quiet")
    assert first.returncode == 0, first.stderr
    assert visible(tmp_path / "run") == FILES
    assert "of 12 finished trials; see run" in first.stdout
    again = bench(tmp_path, "sweep", file, "--out", "run", "--quiet", "--resume", "--trials", "20")
    assert again.returncode == 0, again.stderr
    with (tmp_path / "run" / "trials.csv").open() as lines:
        states = [row["state"] for row in csv.DictReader(lines)]
    assert states.count("finished") == 20
    with (tmp_path / "run" / "publications.csv").open() as lines:
        assert len(list(csv.DictReader(lines))) == 2
    before = {path: path.read_bytes() for path in (tmp_path / "run").glob("*.csv")}
    idle = bench(tmp_path, "sweep", file, "--out", "run", "--quiet", "--resume", "--trials", "20")
    assert idle.returncode == 0
    assert {path: path.read_bytes() for path in (tmp_path / "run").glob("*.csv")} == before


@pytest.mark.slow
def test_resume_begins_where_there_is_nothing_to_resume(tmp_path):
    file = write(tmp_path)
    for _ in range(2):
        done = bench(tmp_path, "sweep", file, "--resume", "--quiet")
        assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.endswith("-sweep")


def test_a_tabular_sweep_says_what_it_is(tmp_path):
    done = bench(tmp_path, "sweep", str(TABULAR), "--engine", "tabular", "--trials", "30")
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    told = (run / "front.md").read_text()
    assert "surrogate" in told and "tabulated benchmark" in told and "pruned" in told


@pytest.mark.slow
def test_a_front_warms_up_another_sweep(tmp_path):
    file = write(tmp_path)
    bench(tmp_path, "sweep", file, "--out", "one", "--quiet")
    with (tmp_path / "one" / "front.csv").open() as lines:
        wanted = [row["architecture_hash"] for row in csv.DictReader(lines)]
    for number, option in enumerate((("--from", "one"), ("--enqueue", "one/front.csv"))):
        other = tmp_path / f"other{number}"
        done = bench(tmp_path, "sweep", file, "--out", other.name, "--quiet", *option)
        assert done.returncode == 0, done.stderr
        with (other / "trials.csv").open() as lines:
            rows = sorted(csv.DictReader(lines), key=lambda row: int(row["trial"]))
        assert [row["architecture_hash"] for row in rows][: len(wanted)] == wanted


def test_ctrl_c_publishes_and_leaves_nothing_running(tmp_path):
    file = write(tmp_path, trials=100_000)
    process = subprocess.Popen(
        (*BENCH, "sweep", file, "--out", "run"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    study = tmp_path / "run" / "study.db"
    while not study.exists() or study.stat().st_size < 150_000:
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip().splitlines()[-1].endswith("--resume goes on")
    assert visible(tmp_path / "run") > FRONT
    trials = str(sum(1 for _ in (tmp_path / "run" / "trials.csv").open()) + 5)
    more = ("--out", "run", "--resume", "--trials", trials, "--quiet")
    assert bench(tmp_path, "sweep", file, *more).returncode == 0


MISTAKES = {
    "unknown dimension": ({"space": {"preset": "tiny", "dimensions": {"widht": [1]}}}, "widht"),
    "empty choice": ({"space": {"preset": "tiny", "dimensions": {"width": []}}}, "width"),
    "impossible constraint": (
        {"space": {"preset": "tiny", "constraints": ["macs <= 10"]}},
        "'macs <= 10' excludes most",
    ),
    "unknown sampler": ({"sampler": "tpee"}, "did you mean 'tpe'?"),
    "sampler option": ({"sampler": {"name": "tpe", "options": {"population": 3}}}, "has no option"),
    "sampler value": ({"sampler": {"name": "nsga2", "options": {"population": 1}}}, "nsga2"),
    "unknown key": ({"trails": 3}, "did you mean 'trials'?"),
    "unknown inner key": ({"latency": {"round": 3}}, "latency.round"),
    "unknown objective": ({"objectives": {"latency": "minimize"}}, "did you mean 'latency_ms'?"),
    "unknown direction": ({"objectives": {"macs": "min"}}, "objectives.macs"),
    "no objective": ({"objectives": {}}, "objectives: name at least one"),
    "no trials": ({"trials": 0}, "trials"),
    "no training": ({"objectives": {"val_accuracy": "maximize"}}, "needs a section `training`"),
    "idle training": ({"training": {}}, "val_accuracy is not among the objectives"),
    "idle rungs": ({"rungs": {}}, "val_accuracy is not among the objectives"),
    "unknown data": (
        {"objectives": {"val_accuracy": "maximize"}, "training": {"dataset": "mnits"}},
        "mnits",
    ),
    "unknown variant": ({"enqueue": ["lolvit_nan"]}, "did you mean 'lolvit_nano'?"),
    "no space": ({"space": None}, "`space` is missing"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_file_is_one_line(tmp_path, mistake):
    changes, expected = MISTAKES[mistake]
    file = write(tmp_path, **changes)
    one_line(bench(tmp_path, "sweep", file, "--out", "run"), expected)
    assert not (tmp_path / "run").exists() or mistake == "impossible constraint"


OPTIONS = {
    "no file": (("none.yaml",), "cannot read none.yaml"),
    "unknown storage": (("sweep.yaml", "--storage", "mysql://u:secret@h/d"), "or postgresql:"),
    "no server": (
        ("sweep.yaml", "--storage", "postgresql://u:secret@127.0.0.1:9/d"),
        "cannot use postgresql",
    ),
    "address": (("sweep.yaml", "--address", "auto"), "--address needs --engine ray"),
    "time": (("sweep.yaml", "--time-budget", "soon"), "must be a time as in 2h"),
    "table": (("sweep.yaml", "--engine", "tabular"), "knows one space only"),
    "nothing to begin with": (("sweep.yaml", "--from", "nowhere"), "has no front.csv"),
    "a file of others": (("sweep.yaml", "--enqueue", "sweep.yaml"), "must be a list of mappings"),
}


@pytest.mark.parametrize("mistake", OPTIONS)
def test_a_mistaken_option_is_one_line(tmp_path, mistake):
    arguments, expected = OPTIONS[mistake]
    write(tmp_path)
    done = bench(tmp_path, "sweep", *arguments, "--out", "run")
    one_line(done, expected)
    assert "secret" not in done.stderr + done.stdout


def test_a_run_of_another_config_is_left_as_it_is(tmp_path):
    bench(tmp_path, "sweep", write(tmp_path), "--out", "run", "--quiet")
    before = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    other = write(tmp_path, "other.yaml", sampler="tpe")
    done = bench(tmp_path, "sweep", other, "--out", "run", "--resume")
    one_line(done, "was begun with another sampler.name")
    one_line(bench(tmp_path, "sweep", other, "--out", "run"), "add --resume")
    one_line(bench(tmp_path, "report", "run"), "run is a sweep: its report is front.md")
    after = {path.name: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    assert {n: b for n, b in after.items() if not n.startswith("study.db-")} == before


def one_line(done, expected):
    assert done.returncode == 2, done.stderr
    (line,) = done.stderr.strip().splitlines()
    assert line.startswith("bench.py: ") and expected in line, line


def test_a_space_is_described_before_it_is_searched(tmp_path):
    file = write(tmp_path, space={"preset": "tiny", "constraints": ["macs <= 1.5e6"]})
    done = bench(tmp_path, "space", file)
    assert done.returncode == 0, done.stderr
    for part in (
        "fwa.window",
        "architectures",
        "feasible",
        "macs <= 1.5e+06 excludes",
        "example 3",
    ):
        assert part in done.stdout
    assert bench(tmp_path, "space", "full").returncode == 0
    one_line(bench(tmp_path, "space", "tinny"), "did you mean 'tiny'?")


@pytest.mark.slow
@pytest.mark.parametrize("file", sorted((ROOT / "configs").glob("*.yaml")), ids=lambda f: f.stem)
def test_shipped_sweeps_can_be_described(tmp_path, file):
    done = bench(tmp_path, "space", str(file), "--no-estimate", "--draws", "50")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_dashboard_shows_the_study_on_loopback(tmp_path):
    pytest.importorskip("optuna_dashboard")
    bench(tmp_path, "sweep", write(tmp_path), "--out", "run", "--quiet")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        (*BENCH, "dashboard", "run", "--port", str(port)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=30) as page:
            (study,) = json.load(page)["study_summaries"]
        assert study["study_name"] == "sweep"
        one_line(bench(tmp_path, "dashboard", "run", "--port", str(port)), "cannot serve on")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    one_line(bench(tmp_path, "dashboard", "."), "holds no study")


@pytest.mark.slow
def test_the_quick_sweep_trains_for_real(tmp_path):
    file = ROOT / "configs" / "lolvit-quick.yaml"
    done = subprocess.run(
        (*BENCH, "sweep", str(file), "--out", "run"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=1500,
        env=environment(),
    )
    assert done.returncode == 0, done.stderr
    with (tmp_path / "run" / "trials.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    real = [row for row in rows if row["state"] in ("finished", "pruned")]
    assert len(real) >= 20
    # Chance is 0.1; one epoch of a small network may stay near it, the whole training does not.
    whole = [float(row["val_accuracy"]) for row in real if row["state"] == "finished"]
    assert len(whole) >= 4 and min(whole) > 0.3 and max(whole) > 0.6
    assert not list((tmp_path / "run" / "checkpoints").iterdir())
    assert visible(tmp_path / "run") == FILES | {"checkpoints"}
