"""Costs of all variants together; a failing one has a reason and affects no other."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch

import lolvit
from lolvit import MixerConfig
from runners.machine.fingerprint import fingerprint, usable_cores
from runners.measure.costs import measure_costs
from runners.measure.forms.variant import COMPILE, DEPLOY, EAGER, ONNX, FormVariant
from runners.measure.targets import MixerTarget, NetworkTarget, parse_target
from runners.measure.timing.protocol import MeasurementProtocol, Rounds
from runners.records.record import PROTOCOL_VERSION, Costs
from runners.records.unavailable import Unavailable
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")
PLAIN_MACS = 8 * 8 * 9 * (4 + 16)
QUICK = MeasurementProtocol(
    latency=Rounds(most=12, least=2, budget_s=1e9), throughput_threads=1, largest_batch=16
)


def nano(mixer):
    mixers = (MixerConfig(mixer),) * 3
    return lolvit.variant("lolvit_nano", resolution=16, in_channels=1, mixers=mixers)


GOOD = {
    "none": FormVariant(NetworkTarget("none", nano("none"))),
    "linear": FormVariant(NetworkTarget("linear", nano("linear"))),
    "mixer": FormVariant(parse_target("linear@8x8x16")),
    "plain": FormVariant(Odd("Plain")),
    "plain, deployed": FormVariant(Odd("Plain"), DEPLOY),
    "plain, exported": FormVariant(Odd("Plain"), ONNX),
    "deployed alone": FormVariant(Odd("Several"), DEPLOY),
}
BAD = {
    "typo": (
        FormVariant(MixerTarget("typo", MixerConfig("fwa", (("window", "x"),)), 16, 2, 8)),
        "window must be",
    ),
    "refused": (FormVariant(Odd("Plain", refused="no such thing\nat all")), "no such thing$"),
    "raises": (FormVariant(Odd("Raises")), "^LookupError: nothing here$"),
    "uncounted": (FormVariant(Odd("Uncounted")), "^UncountedOperator: .*aten::_fft_c2c"),
    "wrong formula": (
        FormVariant(Odd("Plain", claimed_macs=7)),
        f"^CostError: {PLAIN_MACS} MACs were counted, but the formula gives 7$",
    ),
    "dies": (FormVariant(Odd("Dies")), "exit code 3$"),
    "batches": (FormVariant(Odd("SmallBatchesOnly")), "^ZeroDivisionError: "),
    "dies of batches": (FormVariant(Odd("DiesOfBatches")), "exit code 4$"),
    "no export": (
        FormVariant(Odd("NotExportable"), ONNX),
        "^FormError: .*cannot be exported to ONNX",
    ),
    "cheats": (FormVariant(Odd("OtherWhenExported"), ONNX), r"^FormError: parity: .* by 0\.0"),
    "not a number": (FormVariant(Odd("NotANumber"), DEPLOY), "^FormError: parity: .* by inf"),
}
FACTORY = "import torch\ndef make():\n    return torch.nn.Conv2d(2, 5, 3)\n"


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory):
    """A folder on the import path with a module for the child processes."""
    folder = tmp_path_factory.mktemp("costs")
    (folder / "cost_factory.py").write_text(FACTORY)
    importlib.invalidate_caches()
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(sys, "path", [*sys.path, str(folder)])
        yield folder
    sys.modules.pop("cost_factory", None)


@pytest.fixture(scope="module")
def session():
    """All variants measured at once: (costs, stages)."""
    threads, stages = torch.get_num_threads(), []
    bad = {name: variant for name, (variant, _) in BAD.items()}
    factory = {"factory": FormVariant(parse_target("cost_factory:make@6x6x2"))}
    costs = measure_costs({**bad, **GOOD, **factory}, CPU, QUICK, stages.append)
    assert list(costs) == [*BAD, *GOOD, "factory"]
    assert torch.get_num_threads() == threads
    # No exported file remains.
    assert not any(path.is_dir() for path in Path(tempfile.gettempdir()).glob("lolvit-bench-*"))
    return costs, stages


@pytest.mark.parametrize("name", [*GOOD, "factory"])
def test_costs_of_good_variants(session, name):
    cost = session[0][name]
    assert isinstance(cost, Costs), cost
    assert cost.macs == sum(cost.macs_by_operator.values()) == cost.macs_by_module[""] > 0
    assert cost.macs_uncounted == [] and cost.macs_ptflops
    samples = cost.latency_ms_samples
    assert len(samples) == sum(cost.latency_rounds) == sum(cost.latency_blocks) == 12
    assert (cost.latency_blocks, cost.latency_stopped) == ([10, 2], "12 rounds")
    assert cost.latency_ms_min == min(samples) > 0
    assert cost.latency_ms_median == np.median(samples)
    assert 0 <= cost.latency_ms_iqr <= max(samples) - min(samples)
    assert (cost.latency_threads, cost.throughput_threads) == (1, 1)
    rungs = [rung.batch for rung in cost.throughput_ladder]
    assert rungs == [1, 2, 4, 8, 16] and cost.throughput_batch in rungs
    assert (cost.largest_batch, cost.out_of_memory_batch) == (16, None)
    assert cost.throughput_images_per_s > 1e3 / cost.latency_ms_median / 4
    assert cost.peak_memory_bytes > 0
    assert cost.energy_mj_per_image is not None or cost.energy_source
    assert cost.fingerprint == fingerprint(CPU)
    assert Costs.model_validate(json.loads(cost.model_dump_json())) == cost


@pytest.mark.parametrize("name", ["none", "linear"])
def test_costs_of_networks(session, name):
    cost, network = session[0][name], lolvit.build(nano(name), seed=0)
    assert cost.params == sum(p.numel() for p in network.parameters())
    assert cost.macs == network.macs(16, 16)
    assert cost.other_ops["batch_norm"] > 0
    assert cost.peak_memory_bytes > 4 * cost.params
    assert cost.peak_training_memory_bytes > max(cost.peak_memory_bytes, 16 * cost.params)
    assert cost.training_memory_batch == 8
    assert session[0]["linear"].macs > session[0]["none"].macs


def test_costs_of_a_factory(session):
    cost = session[0]["factory"]
    assert (cost.macs, cost.params) == (5 * 2 * 9 * 4 * 4, 5 * 2 * 9 + 5)


def test_costs_of_forms(session):
    eager, deployed, exported = (
        session[0][name] for name in ("plain", "plain, deployed", "plain, exported")
    )
    assert (eager.form, deployed.form, exported.form) == (EAGER, DEPLOY, ONNX)
    assert eager.macs == deployed.macs == exported.macs == PLAIN_MACS
    assert eager.parity is None and eager.form_note == ""
    assert 0 <= deployed.parity <= 1e-4 and "2 of 2 BatchNorms folded" in deployed.form_note
    assert 0 <= exported.parity <= 1e-4 and exported.form_note.startswith("exported in ")
    assert exported.form_seconds > 0 == eager.form_seconds
    for cost in (deployed, exported):
        assert cost.peak_training_memory_bytes is None and cost.training_memory_reason


@pytest.mark.parametrize("name", BAD)
def test_bad_variants_have_a_reason(session, name):
    cost = session[0][name]
    assert isinstance(cost, Unavailable) and "\n" not in cost.reason
    assert re.search(BAD[name][1], cost.reason)
    assert cost.is_user_error == (name in ("typo", "refused"))


def test_stages_are_reported(session):
    stages = session[1]
    assert stages[0].startswith("counting") and stages[-1].startswith("timing")
    climbed = ["batches", "dies of batches", *GOOD, "factory"]
    assert stages[1:-1] == [f"finding the best batch size of {name}" for name in climbed]


def test_no_variant_has_costs():
    stages = []
    costs = measure_costs({"raises": BAD["raises"][0]}, CPU, QUICK, stages.append)
    assert costs == {"raises": Unavailable("LookupError: nothing here")} and len(stages) == 1
    assert measure_costs({}, CPU, QUICK) == {}


def test_two_processes_give_rounds_of_both():
    stages = []
    protocol = MeasurementProtocol(Rounds(3, 3, 1e9), throughput_threads=1, processes=2, batch=2)
    pair = {"one": FormVariant(Odd("Plain")), "other": FormVariant(Odd("Plain", side=4))}
    for cost in measure_costs(pair, CPU, protocol, stages.append).values():
        assert (cost.latency_rounds, cost.latency_blocks) == ([3, 3], [3, 3])
        assert len(cost.latency_ms_samples) == 6 and cost.latency_stopped == "3 rounds"
        assert (cost.throughput_batch, cost.throughput_ladder) == (2, [])
    assert [stage for stage in stages if stage.startswith("timing")] == [
        f"timing in interleaved rounds, process {number} of 2" for number in (1, 2)
    ]


@pytest.mark.parametrize("names", [("Plain",), ("Plain", "Several")])
def test_stop_by_precision_is_recorded(names):
    rounds = Rounds(most=200, least=5, budget_s=1e9, precision=50.0)
    variants = {name: FormVariant(Odd(name)) for name in names}
    protocol = MeasurementProtocol(rounds, throughput_threads=1, batch=1)
    for cost in measure_costs(variants, CPU, protocol).values():
        assert cost.latency_stopped == "precision 5000 %" and cost.latency_blocks == [10]


def test_allowed_uncounted_operators_mark_the_row():
    protocol = MeasurementProtocol(
        Rounds(2, 2, 1e9), throughput_threads=1, batch=1, allow_uncounted=True
    )
    variants = {name: FormVariant(Odd(name)) for name in ("Uncounted", "Plain")}
    costs = measure_costs(variants, CPU, protocol)
    assert costs["Uncounted"].macs_uncounted == ["aten::_fft_c2c"]
    assert costs["Uncounted"].macs == costs["Plain"].macs == PLAIN_MACS
    assert costs["Plain"].macs_uncounted == []


def test_memory_limit_is_recorded():
    protocol = MeasurementProtocol(
        Rounds(2, 2, 1e9), throughput_threads=1, to_the_edge=True, memory_bytes=200 * 2**20
    )
    cost = measure_costs({"greedy": FormVariant(Odd("Greedy"))}, CPU, protocol)["greedy"]
    assert cost.out_of_memory_batch == cost.largest_batch + 1 <= 13
    assert cost.throughput_ladder[-1].batch == cost.largest_batch


def test_untrainable_network_is_still_measured():
    """It raises, or memory runs out: 8 images of 16 MiB and their gradients."""
    protocol = MeasurementProtocol(
        Rounds(2, 2, 1e9), throughput_threads=1, batch=1, memory_bytes=100 * 2**20
    )
    variants = {name: FormVariant(Odd(name)) for name in ("Untrainable", "Greedy")}
    costs = measure_costs(variants, CPU, protocol)
    for cost in costs.values():
        assert isinstance(cost, Costs) and cost.peak_training_memory_bytes is None
    assert costs["Untrainable"].training_memory_reason == "RuntimeError: for inference only"
    assert "memory" in costs["Greedy"].training_memory_reason


@pytest.mark.parametrize("batch", [10**9, 10**12])
def test_batch_that_does_not_fit_is_a_user_error(batch):
    protocol = MeasurementProtocol(Rounds(2, 2, 1e9), throughput_threads=1, batch=batch)
    cost = measure_costs({"plain": FormVariant(Odd("Plain"))}, CPU, protocol)["plain"]
    assert cost.is_user_error and f"batch of {batch} does not fit" in cost.reason


@pytest.mark.slow
@pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler on this machine"
)
def test_costs_of_a_compiled_form():
    protocol = MeasurementProtocol(Rounds(3, 3, 1e9), throughput_threads=1, largest_batch=2)
    variants = {form: FormVariant(Odd("Plain"), form) for form in (EAGER, COMPILE)}
    cheat = {"cheat": FormVariant(Odd("OtherWhenCompiled"), COMPILE)}
    costs = measure_costs(variants | cheat, CPU, protocol)
    cost = costs[COMPILE]
    assert cost.parity <= 1e-4 and cost.form_note.startswith("compiled in ")
    assert cost.peak_memory_bytes is None and cost.throughput_ladder == []
    assert len(cost.latency_ms_samples) == 3 == len(costs[EAGER].latency_ms_samples)
    assert "UncountedOperator" not in costs["cheat"].reason and "parity" in costs["cheat"].reason


def test_fingerprint_is_plain_and_stable():
    facts = fingerprint(CPU)
    assert fingerprint(CPU) == facts == json.loads(json.dumps(facts))
    assert {type(value) for value in facts.values()} <= {str, int, bool}
    assert facts["device"] == "cpu" and facts["torch"] == torch.__version__
    assert facts["protocol"] == PROTOCOL_VERSION and facts["cores"] == usable_cores() >= 1
    assert facts["cpu"] and facts["system"] and facts["python"]
    assert len(facts["commit"]) in (0, 12)
