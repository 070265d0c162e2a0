"""Costs of all arms together; one that has none says why and leaves the others alone."""

from __future__ import annotations

import json
import multiprocessing

import pytest
import torch

import lolvit
from runners.measure import costs
from runners.measure.costs import measure, throughput_batch, timing_lock
from runners.measure.fingerprint import fingerprint, usable_cores
from runners.measure.macs import UncountedOperator
from runners.record import PROTOCOL_VERSION, Costs

CPU = torch.device("cpu")


def nano(mixer="none", resolution=16):
    mixers = (lolvit.MixerConfig(mixer),) * 3
    return lolvit.variant("lolvit_nano", resolution=resolution, in_channels=1, mixers=mixers)


def measured(monkeypatch, architectures):
    monkeypatch.setattr(costs, "LATENCY_ROUNDS", 10)
    monkeypatch.setattr(costs, "THROUGHPUT_ROUNDS", 3)
    monkeypatch.setattr(costs, "BUDGET_S", 0.0)
    stages = []
    found = measure(
        architectures, CPU, latency_threads=1, throughput_threads=1, on_stage=stages.append
    )
    return found, stages


def test_costs_of_two(monkeypatch):
    arms = {"none": nano(), "linear": nano("linear")}
    threads = torch.get_num_threads()
    found, stages = measured(monkeypatch, arms)
    assert list(found) == ["none", "linear"] and len(stages) == 3
    assert torch.get_num_threads() == threads
    for name, cost in found.items():
        network = lolvit.build(arms[name], seed=0)
        assert isinstance(cost, Costs)
        assert cost.params == sum(p.numel() for p in network.parameters())
        assert cost.macs == network.macs(16, 16) == sum(cost.macs_by_operator.values())
        assert cost.macs_ptflops and cost.other_ops["batch_norm"] > 0
        assert len(cost.latency_ms_samples) == 10
        assert cost.latency_ms_min <= cost.latency_ms_median <= max(cost.latency_ms_samples)
        assert (cost.latency_threads, cost.throughput_threads) == (1, 1)
        assert cost.throughput_batch == throughput_batch(16) == 64
        assert cost.throughput_images_per_s > 1e3 / cost.latency_ms_median / 4
        assert cost.peak_memory_bytes > 4 * cost.params
        assert Costs.model_validate(json.loads(cost.model_dump_json())) == cost
    assert found["linear"].macs > found["none"].macs
    assert found["linear"].fingerprint == found["none"].fingerprint


def test_an_arm_without_costs_leaves_the_others(monkeypatch):
    count = costs.macs.count
    linear = nano("linear")
    broken = lolvit.build(linear).macs(16, 16)

    def refusing(network, *image):
        if network.macs(16, 16) == broken:
            raise UncountedOperator("no counting rule for operator aten::x in module y\nsecond")
        return count(network, *image)

    monkeypatch.setattr(costs.macs, "count", refusing)
    found, _ = measured(monkeypatch, {"linear": linear, "none": nano()})
    reason = "UncountedOperator: no counting rule for operator aten::x in module y"
    assert found["linear"] == reason
    assert isinstance(found["none"], Costs)


@pytest.mark.parametrize("error", [ValueError(), RuntimeError("two\nlines"), KeyError("k")])
def test_no_arm_has_costs(monkeypatch, error):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(costs, "build", broken)
    found, _ = measured(monkeypatch, {"none": nano()})
    assert found["none"].startswith(type(error).__name__) and "\n" not in found["none"]


def test_what_fails_at_the_large_batch_only_fails_alone(monkeypatch):
    build = costs.build

    def refuse_batches(_, args):
        if len(args[0]) > 1:
            raise ZeroDivisionError("division by zero")

    def fragile(architecture, seed):
        network = build(architecture, seed=seed)
        if architecture == nano("linear"):
            network.register_forward_pre_hook(refuse_batches)
        return network

    monkeypatch.setattr(costs, "build", fragile)
    found, _ = measured(monkeypatch, {"none": nano(), "linear": nano("linear")})
    assert found["linear"] == "ZeroDivisionError: division by zero"
    assert isinstance(found["none"], Costs)


def hold(locked, done):
    with timing_lock(CPU):
        locked.set()
        done.wait(30)


def test_two_processes_never_time_at_once(monkeypatch, tmp_path):
    monkeypatch.setattr(costs.tempfile, "gettempdir", lambda: str(tmp_path))
    fork = multiprocessing.get_context("fork")
    locked, done = fork.Event(), fork.Event()
    other = fork.Process(target=hold, args=(locked, done))
    other.start()
    assert locked.wait(30)
    (file,) = tmp_path.iterdir()
    with pytest.raises(TimeoutError):
        costs.FileLock(file).acquire(timeout=0.05)
    done.set()
    other.join()
    with timing_lock(CPU):
        pass


def test_the_fingerprint_is_plain_and_stable():
    found = fingerprint(CPU)
    assert fingerprint(CPU) == found == json.loads(json.dumps(found))
    assert {type(value) for value in found.values()} <= {str, int, bool}
    assert found["device"] == "cpu" and found["torch"] == torch.__version__
    assert found["protocol"] == PROTOCOL_VERSION and found["cores"] == usable_cores() >= 1
    assert found["cpu"] and found["system"] and found["python"]
    assert len(found["commit"]) in (0, 12)
