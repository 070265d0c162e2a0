"""`bench.py measure` and `macs` as users type them."""

from __future__ import annotations

import csv
import json

import pytest

from lolvit import build, variant
from runners.records.record import State
from runners.store.study import stored_records
from tests.bench_runs import QUICK, bench, one_line

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
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("measure")
    (folder / "nets.py").write_text(FACTORIES)
    return folder


def records(place, name):
    return {record.name: record for record in stored_records(place / name / "study.db")}


@pytest.fixture(scope="module")
def mixed(place):
    """Good and bad targets of every kind in one call."""
    bad = ("nets:raises", "nets:dictionary", "nets:crashes@8", "nets:uncounted@8")
    unknown = ("lolvit_xz", "fwa@0x0x64", "fwa@8x4x8", "nets:absent", "fwa:windou=3")
    targets = ("fwa@8x8x16", *bad, "nets:good@16", *unknown, "lolvit_nano@16x16x1")
    return bench(place, "measure", *targets, *SHORT, "--out", "mixed")


def test_bad_targets_get_a_line_each_and_leave_the_others_alone(place, mixed):
    assert mixed.returncode == 2 and "Traceback" not in mixed.stderr + mixed.stdout
    lines = mixed.stderr.splitlines()
    for words in (
        ("lolvit_xz", "lolvit_x"),
        ("fwa@0x0x64", "at least 1"),
        ("fwa@8x4x8", "square"),
        ("windou", "window"),
        ("nets:raises", "ValueError: no weights found"),
        ("nets:dictionary", "dict, not a torch.nn.Module"),
        ("nets:absent", "absent"),
    ):
        assert any(all(word in line for word in words) for line in lines), words
    assert all(line.startswith("bench.py: ") for line in lines)
    found = records(place, "mixed")
    done = {name for name, record in found.items() if record.state is State.FINISHED}
    assert done == {"fwa@8x8x16", "nets:good@16", "lolvit_nano@16x16x1"}
    assert "exit code 3" in found["nets:crashes@8"].reason
    assert "aten::fft_fft2" in found["nets:uncounted@8"].reason


def test_the_records_of_a_measurement(place, mixed):
    found = records(place, "mixed")
    network = variant("lolvit_nano", resolution=16, in_channels=1)
    nano = found["lolvit_nano@16x16x1"]
    assert nano.architecture_hash == network.hash and nano.quality is None and nano.costs
    built = build(network, seed=0)
    assert nano.costs.macs == built.macs(16, 16) == nano.costs.macs_by_module[""]
    assert nano.costs.params == sum(p.numel() for p in built.parameters())
    for record in found.values():
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
    with (place / "mixed/table.csv").open() as file:
        assert [row["arm"] for row in csv.DictReader(file)] == list(found)


@pytest.mark.slow
def test_forms_are_held_against_eager_before_they_are_timed(place):
    done = bench(
        place, "measure", "nets:cheat@8", "nets:good@16", *SHORT,
        "--forms", "eager", "deploy", "onnx", "--out", "forms",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    found = records(place, "forms")
    cheated = found.pop("nets:cheat@8 [onnx]")
    assert cheated.state is State.FAILED and cheated.costs is None
    assert "parity" in cheated.reason and "differ from eager ones by 0." in cheated.reason
    assert len(found) == 5
    for name, record in found.items():
        assert record.costs and record.costs.form in name
        if record.costs.form != "eager":
            assert record.costs.parity is not None and record.costs.parity <= 1e-4
    assert "1 of 1 BatchNorms folded" in found["nets:good@16 [deploy]"].costs.form_note
    assert "parity" in (place / "forms/table.md").read_text()


@pytest.mark.slow
def test_uncounted_operators_may_be_allowed_and_are_marked(place):
    done = bench(
        place, "measure", "nets:uncounted@8", "nets:good@8", *SHORT,
        "--allow-uncounted", "--explain", "--modules", "--out", "allowed",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "‡" in done.stdout and "aten::fft_fft2" in done.stdout
    assert "nothing to explain" in done.stdout
    for counter in ("fvcore", "ptflops pytorch", "ptflops aten", "torch FlopCounterMode"):
        assert f"nets:good@8: what {counter}" in done.stdout
    assert done.stdout.count("remainder") == 4
    assert "MACs by module: nets:good@8" in done.stdout


@pytest.mark.slow
def test_a_batch_that_does_not_fit(place):
    arguments = ("nets:good@16", *SHORT, "--batch", "100000000", "--out", "huge")
    done = bench(place, "measure", *arguments)
    assert done.returncode == 2
    one_line(done.stderr, "nets:good@16", "batch of 100000000 does not fit")
    assert "Status" in done.stdout


@pytest.mark.slow
def test_several_processes_and_json(place):
    arguments = ("nets:good@8", "fwa@8x8x16", *SHORT, "--processes", "2", "--json")
    done = bench(place, "measure", *arguments, "--out", "twice")
    assert done.returncode == 0, done.stderr
    for record in json.loads(done.stdout):
        assert record["costs"]["latency_rounds"] == [10, 10]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fwa", "fwa"), ("twice",)),
        (("fwa", "--forms", "fast"), ("unknown form", "deploy")),
        (("fwa", "--forms", "eager", "eager"), ("twice",)),
        (("fwa", "--precision", "2"), ("--precision",)),
        (("fwa", "--threads", "9999"), ("cores",)),
        (("fwa", "--device", "cuda"), ("cuda",)),
        (("timm:vit_tiny_patch16_224",), ("timm",)),
        ((), ("TARGET",)),
    ],
    ids=str,
)
def test_refusals(place, arguments, words):
    if words == ("cuda",):
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available():
            pytest.skip("there is a CUDA device here")
    if words == ("timm",):
        from runners.measure.targets.target import TargetError
        from runners.measure.targets.timm import import_timm

        try:
            import_timm()
        except TargetError:
            pass
        else:
            pytest.skip("timm works here")
    done = bench(place, "measure", *arguments, "--out", "refused")
    assert done.returncode == 2
    one_line(done.stderr, *words)
    assert not (place / "refused").exists()


def test_macs_by_formula(place):
    targets = ("lolvit_xs", "nets:good", "softmax")
    done = bench(place, "macs", *targets, "--sides", "32", "64", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    network = build(variant("lolvit_xs"))
    assert found["lolvit_xs"] == {str(side): network.macs(side, side) for side in (32, 64)}
    assert found["nets:good"]["32"] == 16 * 16 * 27 * 8 + 80
    table = bench(place, "macs", "lolvit_xs", "lolvit_xz", "--sides", "224")
    assert table.returncode == 2 and "56,518,732" in table.stdout
    one_line(table.stderr, "lolvit_xz", "lolvit_x")
