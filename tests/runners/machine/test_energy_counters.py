"""Energy by a counter that is there, or a reason."""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path

import pytest
import torch

from runners.machine.energy import CounterError, EnergyCounter, counter, measure_energy, per_image
from runners.machine.energy.meter import Zone
from tests.runners.machine.fake_machine import lay, package

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


def rapl(root, *zones):
    for zone in zones:
        lay(root, zone)
    return counter(CPU, root)


def test_packages_are_summed_and_nothing_else(tmp_path):
    inner = {"sys/class/powercap/intel-rapl:0:0/energy_uj": "7"}
    found = rapl(tmp_path, package(0, 100), package(1, 500), package(2, 9, name="psys"), inner)
    assert found.source.startswith("RAPL, 2 CPU packages without DRAM") and "idle" in found.source
    assert found.read_mj() == 0
    rapl(tmp_path, package(0, 350), package(1, 600), package(2, 900, name="psys"))
    assert found.read_mj() == pytest.approx(0.35)


def test_each_package_wraps_on_its_own(tmp_path):
    found = rapl(tmp_path, package(0, 900), package(1, 100))
    rapl(tmp_path, package(0, 50), package(1, 200))
    assert found.read_mj() == pytest.approx(0.15 + 0.1)
    rapl(tmp_path, package(0, 60), package(1, 150))
    assert found.read_mj() == pytest.approx(0.25 + 0.01 + 0.95)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no readable RAPL counter: /sys/class/powercap is missing"),
        ({"sys/class/powercap/dtpm/name": "x"}, "names no CPU package"),
        (package(0, name="psys"), "names no CPU package"),
        (package(0, "many"), "/sys/class/powercap/intel-rapl:0/energy_uj does not hold"),
        ({"sys/class/powercap/intel-rapl:0/name": "package-0"}, "No such file"),
    ],
)
def test_reasons_for_no_rapl(tmp_path, files, words):
    found = rapl(tmp_path, files)
    assert isinstance(found, str) and words in found and "\n" not in found


def test_a_counter_for_root_alone(tmp_path, monkeypatch):
    lay(tmp_path, package(0))
    file = tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj"
    file.chmod(0)
    if os.access(file, os.R_OK):  # the tests run as root, who may read it
        read = Path.read_text

        def refuse(path, *words, **named):
            if path == file:
                raise PermissionError(13, "Permission denied", str(path))
            return read(path, *words, **named)

        monkeypatch.setattr(Path, "read_text", refuse)
    assert counter(CPU, tmp_path) == (
        "/sys/class/powercap/intel-rapl:0/energy_uj needs root to read"
    )


def test_a_counter_that_goes_back_or_away(tmp_path):
    found = rapl(tmp_path, package(0, 900, most=0))
    rapl(tmp_path, package(0, 800, most=0))
    with pytest.raises(CounterError, match="went back"):
        found.read_mj()
    (tmp_path / "sys/class/powercap/intel-rapl:0/energy_uj").unlink()
    assert "No such file" in measure_energy(lambda: None, 1, found)


def test_other_devices_have_none():
    assert counter(torch.device("meta")) == "no energy counter is known for meta"


class Clock:
    """Time that passes only while a call runs; its counter moves in steps."""

    def __init__(self, monkeypatch, milliwatts=2000.0, step_s=0.001, call_s=0.004):
        self.now, self.calls = 100.0, 0
        self.milliwatts, self.step_s, self.call_s = milliwatts, step_s, call_s
        monkeypatch.setattr(per_image.time, "monotonic", lambda: self.now)
        self.counter = EnergyCounter("fake", [Zone(self.read_uj, 10**6)])

    def call(self):
        self.calls += 1
        self.now += self.call_s

    def read_uj(self):
        steps = int(self.now / self.step_s)
        return int(steps * self.step_s * self.milliwatts * 1000) % (10**6 + 1)


def test_energy_of_an_image_is_power_times_time(monkeypatch):
    clock = Clock(monkeypatch)
    found = measure_energy(clock.call, 2, clock.counter)
    assert found == pytest.approx(2000 * 0.004 / 2, rel=0.01)
    assert clock.now == pytest.approx(101, abs=0.02)


def test_a_slow_counter_gets_more_time(monkeypatch):
    clock = Clock(monkeypatch, step_s=0.3)
    found = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert found == pytest.approx(2000 * 0.004, rel=0.01)
    assert 103 < clock.now < 105


def test_long_calls_get_their_ten_movements(monkeypatch):
    clock = Clock(monkeypatch, call_s=2.0, milliwatts=100.0)
    found = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert found == pytest.approx(200, rel=0.01) and clock.calls == per_image.TICKS + 1


def test_a_counter_that_moves_too_seldom_gives_no_number(monkeypatch):
    clock = Clock(monkeypatch, step_s=0.9)
    found = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert found == "the energy counter moved 5 times in 5.0 s: too few"


def test_a_counter_that_stands_still_gives_no_number(monkeypatch):
    clock = Clock(monkeypatch, milliwatts=0)
    found = measure_energy(clock.call, 1, clock.counter, seconds=1.0)
    assert found == "the energy counter moved 0 times in 1.0 s: too few"


def test_what_fails_in_the_call_is_no_matter_of_the_counter(monkeypatch):
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


def test_a_board_is_counted_once_it_has_caught_up(board):
    found = counter(CUDA)
    assert found.source.startswith("NVML, whole board") and board.waits == 0
    board.millijoules += 30
    assert found.read_mj() == 30 and board.waits == 1


def test_a_board_that_stops_to_answer(board):
    found = counter(CUDA)
    board.nvmlDeviceGetTotalEnergyConsumption = None
    assert "TypeError" in measure_energy(lambda: None, 1, found)


@pytest.mark.parametrize(
    "name", ["nvmlInit", "nvmlDeviceGetHandleByUUID", "nvmlDeviceGetTotalEnergyConsumption"]
)
def test_a_board_without_a_counter(board, monkeypatch, name):
    def refuse(*_):
        raise RuntimeError("Not Supported\nat all")

    monkeypatch.setattr(board, name, refuse)
    assert counter(CUDA) == "no NVML energy counter: RuntimeError: Not Supported"


def test_no_pynvml(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert counter(CUDA) == "pynvml is not installed"


def test_this_machine_counts_or_says_why_not():
    found = counter(CPU)
    assert isinstance(found, EnergyCounter) or "\n" not in found
