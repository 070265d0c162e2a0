"""Energy counters of the hardware, and the reasons where there is none."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest
import torch

from runners.machine import energy
from runners.machine.energy import (
    CounterError,
    EnergyCounter,
    Zone,
    measure_energy,
    open_counter,
)
from runners.records.unavailable import Unavailable
from tests.runners.machine.fake_machine import rapl_files, write_files

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def rapl(root, *zones):
    for zone in zones:
        write_files(root, zone)
    return open_counter(CPU, root)


def test_packages_are_summed_and_nothing_else(tmp_path):
    inner = {"sys/class/powercap/intel-rapl:0:0/energy_uj": "7"}
    counter = rapl(
        tmp_path, rapl_files(0, 100), rapl_files(1, 500), rapl_files(2, 9, name="psys"), inner
    )
    assert (
        counter.source.startswith("RAPL, 2 CPU packages without DRAM") and "idle" in counter.source
    )
    assert counter.read_mj() == 0
    rapl(tmp_path, rapl_files(0, 350), rapl_files(1, 600), rapl_files(2, 900, name="psys"))
    assert counter.read_mj() == pytest.approx(0.35)


def test_each_package_wraps_around_on_its_own(tmp_path):
    counter = rapl(tmp_path, rapl_files(0, 900), rapl_files(1, 100))
    rapl(tmp_path, rapl_files(0, 50), rapl_files(1, 200))
    assert counter.read_mj() == pytest.approx(0.15 + 0.1)
    rapl(tmp_path, rapl_files(0, 60), rapl_files(1, 150))
    assert counter.read_mj() == pytest.approx(0.25 + 0.01 + 0.95)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no readable RAPL counter: /sys/class/powercap is missing"),
        ({"sys/class/powercap/dtpm/name": "x"}, "lists no CPU package"),
        (rapl_files(0, name="psys"), "lists no CPU package"),
        (rapl_files(0, "many"), "/sys/class/powercap/intel-rapl:0/energy_uj does not hold"),
        ({"sys/class/powercap/intel-rapl:0/name": "package-0"}, "No such file"),
    ],
)
def test_reasons_for_missing_rapl(tmp_path, files, words):
    counter = rapl(tmp_path, files)
    assert isinstance(counter, Unavailable)
    assert words in counter.reason and "\n" not in counter.reason


def test_rapl_counter_readable_by_root_only(tmp_path, monkeypatch):
    write_files(tmp_path, rapl_files(0))
    file = tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj"
    file.chmod(0)
    if os.access(file, os.R_OK):  # the tests run as root, who may read it
        read = Path.read_text

        def refuse(path, *words, **named):
            if path == file:
                raise PermissionError(13, "Permission denied", str(path))
            return read(path, *words, **named)

        monkeypatch.setattr(Path, "read_text", refuse)
    reason = "/sys/class/powercap/intel-rapl:0/energy_uj needs root to read"
    assert open_counter(CPU, tmp_path) == Unavailable(reason)


def test_rapl_counter_that_decreases_or_disappears(tmp_path):
    counter = rapl(tmp_path, rapl_files(0, 900, most=0))
    rapl(tmp_path, rapl_files(0, 800, most=0))
    with pytest.raises(CounterError, match="decreased"):
        counter.read_mj()
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()
    assert "No such file" in measure_energy(lambda: None, 1, counter).reason


def test_other_devices_have_no_counter():
    reason = "no energy counter is supported for meta"
    assert open_counter(torch.device("meta")) == Unavailable(reason)


class Clock:
    """Time that passes only while a call runs; its counter moves in steps."""

    def __init__(self, monkeypatch, milliwatts=2000.0, step_s=0.001, call_s=0.004):
        self.now, self.calls = 100.0, 0
        self.milliwatts, self.step_s, self.call_s = milliwatts, step_s, call_s
        monkeypatch.setattr(energy.time, "monotonic", lambda: self.now)
        self.counter = EnergyCounter("fake", [Zone(self.read_uj, 10**6)])

    def call(self):
        self.calls += 1
        self.now += self.call_s

    def read_uj(self):
        steps = int(self.now / self.step_s)
        return int(steps * self.step_s * self.milliwatts * 1000) % (10**6 + 1)


def test_energy_of_an_image_is_power_times_time(monkeypatch):
    clock = Clock(monkeypatch)
    measured = measure_energy(clock.call, 2, clock.counter)
    assert measured == pytest.approx(2000 * 0.004 / 2, rel=0.01)
    assert clock.now == pytest.approx(101, abs=0.02)


def test_slow_counter_gets_more_time(monkeypatch):
    clock = Clock(monkeypatch, step_s=0.3)
    measured = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert measured == pytest.approx(2000 * 0.004, rel=0.01)
    assert 103 < clock.now < 105


def test_long_calls_wait_for_ten_advances(monkeypatch):
    clock = Clock(monkeypatch, call_s=2.0, milliwatts=100.0)
    measured = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert measured == pytest.approx(200, rel=0.01) and clock.calls == energy.TICKS + 1


def test_too_slow_counter_gives_no_number(monkeypatch):
    clock = Clock(monkeypatch, step_s=0.9)
    measured = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert measured == Unavailable("the energy counter advanced only 5 times in 5.0 s")


def test_constant_counter_gives_no_number(monkeypatch):
    clock = Clock(monkeypatch, milliwatts=0)
    measured = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert measured == Unavailable("the energy counter advanced only 0 times in 1.0 s")


def test_errors_of_the_call_propagate(monkeypatch):
    clock = Clock(monkeypatch)

    def broken():
        raise OSError("out of everything")

    with pytest.raises(OSError, match="everything"):
        measure_energy(broken, 1, clock.counter)


class Board(types.ModuleType):
    """As much of pynvml as is used, with one board."""

    def __init__(self):
        super().__init__("pynvml")
        self.millijoules, self.waits = 5000, 0

    def nvmlInit(self):
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid):
        assert uuid == "GPU-1234"
        return "handle"

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        assert handle == "handle"
        return self.millijoules


@pytest.fixture
def board(monkeypatch):
    made = Board()

    def wait(device):
        assert device == CUDA
        made.waits += 1

    monkeypatch.setitem(sys.modules, "pynvml", made)
    properties = types.SimpleNamespace(uuid="1234")
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: properties)
    monkeypatch.setattr(torch.cuda, "synchronize", wait)
    return made


def test_board_is_synchronized_before_each_reading(board):
    counter = open_counter(CUDA)
    assert counter.source.startswith("NVML, whole board") and board.waits == 0
    board.millijoules += 30
    assert counter.read_mj() == 30 and board.waits == 1


def test_board_that_stops_answering(board):
    counter = open_counter(CUDA)
    board.nvmlDeviceGetTotalEnergyConsumption = None
    assert "TypeError" in measure_energy(lambda: None, 1, counter).reason


@pytest.mark.parametrize(
    "name", ["nvmlInit", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetTotalEnergyConsumption"]
)
def test_board_without_a_counter(board, monkeypatch, name):
    def refuse(*_):
        raise RuntimeError("Not Supported\nat all")

    monkeypatch.setattr(board, name, refuse)
    assert open_counter(CUDA) == Unavailable("no NVML energy counter: RuntimeError: Not Supported")


def test_missing_pynvml(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert open_counter(CUDA) == Unavailable("pynvml is not installed")


def test_this_machine_has_a_counter_or_a_reason():
    counter = open_counter(CPU)
    assert isinstance(counter, EnergyCounter) or "\n" not in counter.reason
