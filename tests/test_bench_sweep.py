"""The command `sweep`, as a process only where signals matter."""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess

import pytest

from tests.bench_runs import BENCH, ROOT, bench_in_process, environment, one_line

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
    config = {key: value for key, value in {**CHEAP, **changes}.items() if value is not None}
    (folder / name).write_text(json.dumps(config))
    return name


def read_csv(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def visible(folder):
    return {path.name for path in folder.iterdir() if not path.name.startswith(".")}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a sweep of 12 trials in `run`; not to be changed."""
    folder = tmp_path_factory.mktemp("sweep")
    done = bench_in_process(folder, "sweep", write(folder), "--out", "run", "--quiet")
    assert done.returncode == 0, done.stderr
    (folder / "stdout").write_text(done.stdout)
    return folder


@pytest.fixture
def sweep(finished, tmp_path):
    """A copy of the finished sweep."""
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_a_sweep_publishes_its_front(finished):
    assert visible(finished / "run") == FILES
    assert "of 12 finished trials; see run" in (finished / "stdout").read_text()


def test_a_resumed_sweep_adds_trials_and_a_publication(sweep):
    more = ("--out", "run", "--quiet", "--resume", "--trials", "20")
    again = bench_in_process(sweep, "sweep", "sweep.yaml", *more)
    assert again.returncode == 0, again.stderr
    states = [row["state"] for row in read_csv(sweep / "run" / "trials.csv")]
    assert states.count("finished") == 20
    assert len(read_csv(sweep / "run" / "publications.csv")) == 2
    before = {path: path.read_bytes() for path in (sweep / "run").glob("*.csv")}
    idle = bench_in_process(sweep, "sweep", "sweep.yaml", *more)
    assert idle.returncode == 0
    assert {path: path.read_bytes() for path in (sweep / "run").glob("*.csv")} == before


@pytest.mark.slow
def test_resume_starts_a_sweep_that_does_not_exist(tmp_path):
    file = write(tmp_path)
    for _ in range(2):
        done = bench_in_process(tmp_path, "sweep", file, "--resume", "--quiet")
        assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert run.name.endswith("-sweep")


def test_the_report_of_a_tabular_sweep_names_its_source(tmp_path):
    done = bench_in_process(
        tmp_path, "sweep", str(TABULAR), "--engine", "tabular", "--trials", "30"
    )
    assert done.returncode == 0, done.stderr
    (run,) = (tmp_path / "runs").iterdir()
    page = (run / "front.md").read_text()
    assert "surrogate" in page and "tabulated benchmark" in page and "pruned" in page


def test_json_is_the_front_and_nothing_else(tmp_path):
    done = bench_in_process(tmp_path, "sweep", write(tmp_path), "--out", "run", "--json")
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert (printed["folder"], printed["counts"]) == ("run", {"finished": 12})
    assert printed["objectives"] == {"macs": "minimize", "params": "maximize"}
    front = [row["architecture_hash"] for row in read_csv(tmp_path / "run/front.csv")]
    assert [row["architecture_hash"] for row in printed["front"]] == front


@pytest.mark.slow
def test_a_sweep_starts_with_the_front_of_another(sweep):
    front = [row["architecture_hash"] for row in read_csv(sweep / "run" / "front.csv")]
    for number, option in enumerate((("--from", "run"), ("--enqueue", "run/front.csv"))):
        other = sweep / f"other{number}"
        done = bench_in_process(
            sweep, "sweep", "sweep.yaml", "--out", other.name, "--quiet", *option
        )
        assert done.returncode == 0, done.stderr
        rows = sorted(read_csv(other / "trials.csv"), key=lambda row: int(row["trial"]))
        assert [row["architecture_hash"] for row in rows][: len(front)] == front


@pytest.mark.slow
def test_ctrl_c_publishes_and_the_sweep_can_be_resumed(tmp_path):
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
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip().splitlines()[-1].endswith("--resume continues")
    assert visible(tmp_path / "run") > FRONT
    trials = str(len((tmp_path / "run" / "trials.csv").read_text().splitlines()) + 5)
    more = ("--out", "run", "--resume", "--trials", trials, "--quiet")
    assert bench_in_process(tmp_path, "sweep", file, *more).returncode == 0


INVALID_FILES = {
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
    "no objective": ({"objectives": {}}, "objectives: at least one is required"),
    "no trials": ({"trials": 0}, "trials"),
    "no training": ({"objectives": {"val_accuracy": "maximize"}}, "requires a section `training`"),
    "training without accuracy": (
        {"training": {}},
        "`training` requires the objective val_accuracy",
    ),
    "rungs without accuracy": ({"rungs": {}}, "`rungs` require the objective val_accuracy"),
    "unknown data": (
        {"objectives": {"val_accuracy": "maximize"}, "training": {"dataset": "mnits"}},
        "mnits",
    ),
    "unknown variant": ({"enqueue": ["lolvit_nan"]}, "did you mean 'lolvit_nano'?"),
    "no space": ({"space": None}, "`space` is missing"),
}


@pytest.mark.parametrize("case", INVALID_FILES)
def test_an_error_in_the_file_is_one_line(tmp_path, case):
    changes, message = INVALID_FILES[case]
    file = write(tmp_path, **changes)
    assert_usage_error(bench_in_process(tmp_path, "sweep", file, "--out", "run"), message)
    assert not (tmp_path / "run").exists() or case == "impossible constraint"


INVALID_OPTIONS = {
    "no file": (("none.yaml",), "cannot read none.yaml"),
    "unknown storage": (("sweep.yaml", "--storage", "mysql://u:secret@h/d"), "or postgresql:"),
    "no server": (
        ("sweep.yaml", "--storage", "postgresql://u:secret@127.0.0.1:9/d"),
        "cannot use postgresql",
    ),
    "address": (("sweep.yaml", "--address", "auto"), "--address requires --engine ray"),
    "time": (("sweep.yaml", "--time-budget", "soon"), "must be a time as in 2h"),
    "table": (("sweep.yaml", "--engine", "tabular"), "works on one space only"),
    "no front": (("sweep.yaml", "--from", "nowhere"), "has no front.csv"),
    "not a list of values": (
        ("sweep.yaml", "--enqueue", "sweep.yaml"),
        "must be a list of mappings",
    ),
}


@pytest.mark.parametrize("case", INVALID_OPTIONS)
def test_an_invalid_option_is_one_line(tmp_path, case):
    arguments, message = INVALID_OPTIONS[case]
    write(tmp_path)
    done = bench_in_process(tmp_path, "sweep", *arguments, "--out", "run")
    assert_usage_error(done, message)
    assert "secret" not in done.stderr + done.stdout


def test_a_run_of_another_config_is_not_changed(sweep):
    before = {path.name: path.read_bytes() for path in (sweep / "run").iterdir()}
    other = write(sweep, "other.yaml", sampler="tpe")
    done = bench_in_process(sweep, "sweep", other, "--out", "run", "--resume")
    assert_usage_error(done, "was started with a different sampler.name")
    assert_usage_error(bench_in_process(sweep, "sweep", other, "--out", "run"), "add --resume")
    after = {path.name: path.read_bytes() for path in (sweep / "run").iterdir()}
    assert {n: b for n, b in after.items() if not n.startswith("study.db-")} == before


def assert_usage_error(done, message):
    assert done.returncode == 2, done.stderr
    one_line(done.stderr, message)


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
    rows = read_csv(tmp_path / "run" / "trials.csv")
    real = [row for row in rows if row["state"] in ("finished", "pruned")]
    assert len(real) >= 20
    # Chance is 0.1; one epoch of a small network may stay near it, the whole training does not.
    whole = [float(row["val_accuracy"]) for row in real if row["state"] == "finished"]
    assert len(whole) >= 4 and min(whole) > 0.3 and max(whole) > 0.6
    assert not list((tmp_path / "run" / "checkpoints").iterdir())
    assert visible(tmp_path / "run") == FILES | {"checkpoints"}
