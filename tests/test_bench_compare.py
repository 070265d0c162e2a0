"""`bench.py compare` from end to end, on a few tiny images."""

from __future__ import annotations

import csv
import json
import shutil
import signal

import pytest
from PIL import Image

from bench import main
from lolvit import build, from_dict
from runners.records.record import Record, State
from runners.store.study import read_records
from tests.bench_runs import FILES, TINY, bench, bench_in_process, draw_images, one_line, tree


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    draw_images(folder / "images")
    return folder


@pytest.fixture(scope="module")
def finished(workdir):
    """Two arms, two seeds, as a user types it; the folder and what was printed."""
    arguments = (*TINY, "--seeds", "2", "--out", "run", "--compare", "none", "linear")
    done = bench_in_process(workdir, *arguments)
    assert done.returncode == 0, done.stderr
    return workdir / "run", done


def test_all_files_are_written(finished):
    folder, _ = finished
    assert {path.name for path in folder.iterdir()} - {".lock"} == FILES
    assert all((folder / name).stat().st_size > 200 for name in FILES)
    assert (folder / "pareto.pdf").read_bytes().startswith(b"%PDF")
    with Image.open(folder / "pareto.png") as image:
        image.verify()
        assert min(image.size) > 300
    tables = {kind: (folder / f"table.{kind}").read_text() for kind in ("md", "csv", "tex")}
    assert all("none" in table and "linear" in table for table in tables.values())
    assert r"\toprule" in tables["tex"]


def test_progress_and_tables_are_printed(finished):
    _, done = finished
    lines = done.stderr.splitlines()
    assert [line.split()[0] for line in lines] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert all("test accuracy in" in line for line in lines)
    first, last = done.stdout.index("Costs"), done.stdout.index("none, linear on folder:images")
    assert first < last and done.stdout.rstrip().endswith("Files: run/")
    assert "\x1b" not in done.stdout + done.stderr


def test_the_records(finished):
    folder, _ = finished
    records = read_records(folder / "study.db")
    keys = [(name, seed) for name in ("none", "linear") for seed in (0, 1)]
    assert [(r.name, r.seed) for r in records] == keys
    for r in records:
        network = build(from_dict(r.architecture), seed=0)
        assert r.state is State.FINISHED and r.reason == ""
        assert r.costs.macs == network.macs(16, 16)
        assert r.costs.params == sum(p.numel() for p in network.parameters())
        assert (r.quality.train_images, r.quality.val_images, r.quality.test_images) == (33, 3, 12)
        assert (r.provenance.resolution, r.provenance.recipe["epochs"]) == (16, 1)
        assert len(r.costs.latency_ms_samples) >= 10
    none, _, linear, _ = records
    assert none.costs == records[1].costs and none.costs != linear.costs
    assert len(none.costs.latency_ms_samples) == len(linear.costs.latency_ms_samples)
    changed = [k for k in none.architecture if none.architecture[k] != linear.architecture[k]]
    assert changed == ["mixers"]
    assert none.provenance.recipe == linear.provenance.recipe
    with open(folder / "records.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["name"], int(row["seed"])) for row in rows] == keys
    assert set(records[0].flat()) <= set(rows[0])
    assert [int(row["macs"]) for row in rows] == [r.costs.macs for r in records]


def test_resuming_a_finished_run_evaluates_nothing(finished):
    folder, _ = finished
    before = read_records(folder / "study.db")
    again = bench_in_process(
        folder.parent, *TINY, "--seeds", "2", "--out", "run", "--resume", "--json", "--compare",
        "none", "linear",
    )  # fmt: skip
    assert again.returncode == 0 and again.stderr == ""
    printed = [Record.model_validate(row) for row in json.loads(again.stdout)]
    assert printed == before == read_records(folder / "study.db")


def test_a_used_folder_is_refused(finished):
    folder, _ = finished
    before = tree(folder)
    done = bench_in_process(folder.parent, "compare", "none", "linear", *TINY, "--out", "run")
    assert (done.returncode, done.stdout) == (2, "")
    one_line(done.stderr, "--out run is already used", "--resume")
    assert tree(folder) == before


def test_report_writes_everything_again_without_torch(finished, tmp_path):
    folder, _ = finished
    copied = shutil.copytree(folder, tmp_path / "copied", ignore=shutil.ignore_patterns("*[!b]"))
    assert [path.name for path in copied.iterdir()] == ["study.db"]
    done = bench(tmp_path, "report", "copied", PYTHONPROFILEIMPORTTIME="1")
    assert done.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "pandas" in imported and "torch" not in imported
    assert {path.name for path in copied.iterdir()} == {"study.db", "report"}
    for name in ("table.md", "table.csv", "table.tex", "records.csv", "pareto.png", "pareto.pdf"):
        assert (copied / "report" / name).read_bytes() == (folder / name).read_bytes(), name
    assert "none, linear on folder:images" in done.stdout


@pytest.mark.slow
def test_an_output_without_space_loses_no_file(finished):
    folder, _ = finished
    for options in ([], ["--json"]):
        with open("/dev/full", "w") as full:
            done = bench(
                folder.parent, "compare", "none", "linear", *TINY, "--seeds", "2", "--out", "run",
                "--resume", "--quiet", *options, stdout=full,
            )  # fmt: skip
        assert done.returncode == 2
        one_line(done.stderr, "no space is left")
        if not options:
            continue
        assert {path.name for path in folder.iterdir()} - {".lock"} == FILES


@pytest.fixture
def run_main(workdir, monkeypatch):
    """The console entry point, in this process."""
    monkeypatch.chdir(workdir)
    monkeypatch.setenv("COLUMNS", "160")
    handler = signal.getsignal(signal.SIGTERM)
    yield main
    signal.signal(signal.SIGTERM, handler)


def test_costs_only_quietly(run_main, workdir, capfd):
    arguments = ["none", "ghostnet_0.5", "--compare", *TINY, "--cost-only", "--quiet"]
    assert run_main([*arguments, "--out", "costs"]) == 0
    out, err = capfd.readouterr()
    assert err == "" and "Accuracy" not in out and out.count("Latency") >= 1
    records = read_records(workdir / "costs/study.db")
    assert [r.name for r in records] == ["none", "ghostnet_0.5"]
    assert all(r.quality is None and r.state is State.FINISHED for r in records)
    assert {path.name for path in (workdir / "costs").iterdir()} >= FILES - {
        "pareto.pdf",
        "pareto.png",
    }


def test_json_is_all_that_is_printed(run_main, workdir, capfd):
    assert run_main(["--json", *TINY, "--compare", "none"]) == 0
    out, err = capfd.readouterr()
    (row,) = json.loads(out)
    assert Record.model_validate(row).quality is not None
    assert err.startswith("[1/1] none, seed 0: ")
    (folder,) = (workdir / "runs").iterdir()
    assert folder.name.endswith("-none")
    assert run_main(["--json", *TINY, "--quiet", "--compare", "none", "--resume"]) == 0
    out, err = capfd.readouterr()
    assert json.loads(out) == [row] and err == ""


MIXERS = '''
import torch
from attention_zoo import Mixer, register


class Still(Mixer):
    def macs(self, height, width):
        return 0


@register("raises", paper="none", complexity="0")
class Raises(Still):
    """Breaks in training."""

    def forward(self, x):
        if self.training:
            raise ValueError("broken on purpose\\nsecond line")
        return x


@register("nan", paper="none", complexity="0")
class Nan(Still):
    """Not a number in training."""

    def forward(self, x):
        return x * float("nan") if self.training else x


@register("uncounted", paper="none", complexity="0")
class Uncounted(Still):
    """An operator that nobody counts."""

    def forward(self, x):
        return torch.fft.fft2(x).real
'''
REASONS = {
    "raises": "ValueError: broken on purpose",
    "nan": "NonFiniteLoss: loss became nan at epoch 1, step 1",
    "uncounted": "no counting rule for operator aten::_fft_c2c in module backbone.stages.",
}


@pytest.fixture(scope="module")
def package(workdir):
    """An installed third-party package, as far as the interpreter can tell."""
    site = workdir / "site"
    info = site / "bad_mixers-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "bad_mixers.py").write_text(MIXERS)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-mixers\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[attention_zoo]\nbad = bad_mixers\n")
    return str(site)


@pytest.mark.slow
def test_arms_that_fail_leave_the_others_intact(workdir, package):
    names = ["none", *REASONS]
    done = bench(workdir, "compare", *names, *TINY, "--out", "bad", PYTHONPATH=package)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stdout
    records = {r.name: r for r in read_records(workdir / "bad/study.db")}
    assert list(records) == names
    assert records["none"].state is State.FINISHED and records["none"].quality is not None
    table = (workdir / "bad/table.md").read_text()
    for name, reason in REASONS.items():
        assert records[name].state is State.FAILED and reason in records[name].reason
        assert "\n" not in records[name].reason
        assert (records[name].costs is None) == (name == "uncounted")
        assert reason in table.replace("\\", "") and name in done.stdout
        assert f"{name}, seed 0: failed: {records[name].reason}" in done.stderr


def test_mixers_of_another_package_are_listed(workdir, package):
    done = bench(workdir, "list", PYTHONPATH=package)
    assert done.returncode == 0
    assert all(name in done.stdout for name in REASONS)
    assert "Not a number in training." in done.stdout


@pytest.mark.slow
def test_a_torchvision_that_does_not_load_costs_no_column(workdir, tmp_path):
    """It was built for another torch, and ptflops imports it wherever it is installed."""
    (tmp_path / "torchvision").mkdir()
    broken = 'raise RuntimeError("operator torchvision::nms does not exist")\n'
    (tmp_path / "torchvision/__init__.py").write_text(broken)
    arguments = ("compare", "none", "--cost-only", "--json", *TINY)
    done = bench(workdir, *arguments, "--out", "broken", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(done.stdout)
    assert record["state"] == "finished" and record["costs"]["macs_ptflops"] > 0
