"""`bench.py measure` and `macs`; one run in a process of its own, the others in this process."""

from __future__ import annotations

import csv
import json

import pytest

from lolvit import build, variant
from runners.records.record import State
from runners.store.study import read_records
from tests.bench_runs import QUICK, bench_in_process, one_line

SHORT = (*QUICK, "--quiet")
FACTORIES = """
import os
import torch
from torch import nn

def good():
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10))
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), pool)

def raises():
    raise ValueError("no weights found\\nsecond line")

def dictionary():
    return {"a": 1}

def crashes():
    os._exit(3)

class Endless(nn.Module):
    def forward(self, x):
        while True:
            pass

def endless():
    return Endless()

class Fourier(nn.Module):
    def forward(self, x):
        return torch.fft.fft2(x).real

def uncounted():
    return nn.Sequential(nn.Conv2d(3, 4, 1), Fourier())

class Cheat(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        y = self.conv(x)
        return 1.5 * y if torch.onnx.is_in_onnx_export() else y

def cheat():
    return Cheat()
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measure")
    (folder / "nets.py").write_text(FACTORIES)
    return folder


def records(folder, name):
    return {record.name: record for record in read_records(folder / name / "study.db")}


@pytest.fixture(scope="module")
def mixed(folder):
    """Good and bad targets of every kind in one call."""
    bad = ("nets:raises", "nets:dictionary", "nets:crashes@8", "nets:uncounted@8")
    unknown = ("lolvit_xz", "fwa@0x0x64", "fwa@8x4x8", "nets:absent", "fwa:windou=3")
    targets = ("fwa@8x8x16", *bad, "nets:good@16", *unknown, "lolvit_nano@16x16x1")
    return bench_in_process(folder, "measure", *targets, *SHORT, "--out", "mixed")


def test_bad_targets_have_a_line_each_and_do_not_affect_the_others(folder, mixed):
    assert mixed.returncode == 2 and "Traceback" not in mixed.stderr + mixed.stdout
    lines = mixed.stderr.splitlines()
    for fragments in (
        ("lolvit_xz", "lolvit_x"),
        ("fwa@0x0x64", "at least 1"),
        ("fwa@8x4x8", "square"),
        ("windou", "window"),
        ("nets:raises", "ValueError: no weights found"),
        ("nets:dictionary", "dict, not a torch.nn.Module"),
        ("nets:absent", "absent"),
    ):
        assert any(all(text in line for text in fragments) for line in lines), fragments
    assert all(line.startswith("bench.py: ") for line in lines)
    results = records(folder, "mixed")
    done = {name for name, record in results.items() if record.state is State.FINISHED}
    assert done == {"fwa@8x8x16", "nets:good@16", "lolvit_nano@16x16x1"}
    assert "exit code 3" in results["nets:crashes@8"].reason
    assert "aten::_fft_c2c" in results["nets:uncounted@8"].reason


def test_records_of_a_measurement(folder, mixed):
    results = records(folder, "mixed")
    network = variant("lolvit_nano", resolution=16, in_channels=1)
    nano = results["lolvit_nano@16x16x1"]
    assert nano.architecture_hash == network.hash and nano.quality is None and nano.costs
    built = build(network, seed=0)
    assert nano.costs.macs == built.macs(16, 16) == nano.costs.macs_by_module[""]
    assert nano.costs.params == sum(p.numel() for p in built.parameters())
    for record in results.values():
        if record.costs is None:
            continue
        costs = record.costs
        assert len(costs.latency_ms_samples) == sum(costs.latency_rounds) == 10
        assert costs.latency_stopped in ("10 rounds", "precision 2 %")
        assert [rung.batch for rung in costs.throughput_ladder] == [1, 2, 4]
        assert costs.peak_memory_bytes and costs.peak_training_memory_bytes
        assert (
            costs.energy_mj_per_image is not None
            or "not" in costs.energy_source
            or ("no " in costs.energy_source)
        )
        assert costs.fingerprint["protocol"] == 2
    with (folder / "mixed/table.csv").open() as file:
        assert [row["arm"] for row in csv.DictReader(file)] == list(results)


@pytest.mark.slow
def test_forms_are_checked_against_eager_before_they_are_timed(folder):
    done = bench_in_process(
        folder, "measure", "nets:cheat@8", "nets:good@16", *SHORT,
        "--forms", "eager", "deploy", "onnx", "--out", "forms",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    results = records(folder, "forms")
    cheated = results.pop("nets:cheat@8 [onnx]")
    assert cheated.state is State.FAILED and cheated.costs is None
    assert "parity" in cheated.reason and "differ from eager ones by 0." in cheated.reason
    assert len(results) == 5
    for name, record in results.items():
        assert record.costs and record.costs.form in name
        if record.costs.form != "eager":
            assert record.costs.parity is not None and record.costs.parity <= 1e-4
    assert "1 of 1 BatchNorms folded" in results["nets:good@16 [deploy]"].costs.form_note
    assert "parity" in (folder / "forms/table.md").read_text()


@pytest.mark.slow
def test_allowed_uncounted_operators_are_marked(folder):
    done = bench_in_process(
        folder, "measure", "nets:uncounted@8", "nets:good@8", *SHORT,
        "--allow-uncounted", "--explain", "--modules", "--out", "allowed",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "‡" in done.stdout and "aten::_fft_c2c" in done.stdout
    assert "nothing to explain" in done.stdout
    for counter in ("fvcore", "ptflops pytorch", "ptflops aten", "torch FlopCounterMode"):
        assert f"nets:good@8: what {counter}" in done.stdout
    assert done.stdout.count("remainder") == 4
    assert "MACs by module: nets:good@8" in done.stdout


@pytest.mark.slow
def test_batch_that_does_not_fit(folder):
    arguments = ("nets:good@16", *SHORT, "--batch", "100000000", "--out", "huge")
    done = bench_in_process(folder, "measure", *arguments)
    assert done.returncode == 2
    one_line(done.stderr, "nets:good@16", "batch of 100000000 does not fit")
    assert "Status" in done.stdout


@pytest.mark.slow
def test_several_processes_and_json(folder):
    arguments = ("nets:good@8", "fwa@8x8x16", *SHORT, "--processes", "2", "--json")
    done = bench_in_process(folder, "measure", *arguments, "--out", "twice")
    assert done.returncode == 0, done.stderr
    for record in json.loads(done.stdout):
        assert record["costs"]["latency_rounds"] == [10, 10]


@pytest.mark.parametrize(
    ("arguments", "fragments"),
    [
        (("fwa@8", "fwa@8"), ("twice",)),
        (("fwa@8", "--forms", "fast"), ("unknown form", "deploy")),
        (("fwa@8", "--forms", "eager", "eager"), ("twice",)),
        (("fwa@8", "--precision", "2"), ("--precision",)),
        (("fwa@8", "--threads", "9999"), ("cores",)),
        (("fwa@8", "--device", "cuda"), ("cuda",)),
        (("timm:vit_tiny_patch16_224",), ("timm",)),
        ((), ("TARGET",)),
    ],
    ids=str,
)
def test_usage_errors(folder, arguments, fragments):
    if fragments == ("cuda",):
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("this machine has a CUDA device")
    if fragments == ("timm",):
        from runners.measure.targets.target import TargetError
        from runners.measure.targets.timm import import_timm

        try:
            import_timm()
        except TargetError:
            pass
        else:
            pytest.skip("timm works on this machine")
    done = bench_in_process(folder, "measure", *arguments, "--out", "refused")
    assert done.returncode == 2
    one_line(done.stderr, *fragments)
    assert not (folder / "refused").exists()


@pytest.mark.slow
def test_a_network_that_runs_for_ever_fails_alone(folder):
    command = ("measure", "nets:endless", "nets:good@32", *SHORT, "--patience", "15s")
    done = bench_in_process(folder, *command, "--out", "endless")
    assert done.returncode == 1, done.stderr
    endless, good = read_records(folder / "endless/study.db")
    assert (endless.state, good.state) == (State.FAILED, State.FINISHED)
    assert endless.reason == "made no progress for 15 s (--patience)"


def test_macs_by_formula(folder):
    targets = ("lolvit_xs", "nets:good", "softmax@8")
    done = bench_in_process(folder, "macs", *targets, "--sides", "32", "64", "--json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)
    network = build(variant("lolvit_xs"))
    assert results["lolvit_xs"] == {str(side): network.macs(side, side) for side in (32, 64)}
    assert results["nets:good"]["32"] == 16 * 16 * 27 * 8 + 80
    table = bench_in_process(folder, "macs", "lolvit_xs", "lolvit_xz", "--sides", "224")
    assert table.returncode == 2 and "56,518,732" in table.stdout
    one_line(table.stderr, "lolvit_xz", "lolvit_x")
