"""Each check of the doctor: ok, warn and unknown."""

from __future__ import annotations

from collections import namedtuple
from dataclasses import replace
from types import SimpleNamespace

import pytest

from runners.machine.doctor import checks, devices
from runners.machine.doctor.counters import CpuTime, Sample, take_sample
from runners.machine.doctor.finding import UNKNOWN
from runners.machine.facts import Machine
from tests.runners.machine.fake_machine import (
    CPU,
    core_files,
    rapl_files,
    set_usable_cpus,
    write_files,
)

EMPTY = Sample({}, None, None, None)
GROUP = {"proc/self/cgroup": "0::/a"}
QUOTA = "sys/fs/cgroup/a/cpu.max"
GIB = 2**30


def cpu_flags(flags):
    return {"proc/cpuinfo": f"model name : x\nflags\t\t: fpu {flags}\n"}


@pytest.mark.parametrize(
    ("check", "files", "state", "phrase"),
    [
        (checks.check_turbo, {f"{CPU}/cpufreq/boost": "0"}, "ok", "off"),
        (checks.check_turbo, {f"{CPU}/cpufreq/boost": "1"}, "warn", f"echo 0 | sudo tee /{CPU}"),
        (checks.check_turbo, {f"{CPU}/intel_pstate/no_turbo": "0"}, "warn", "echo 1 | sudo"),
        (checks.check_turbo, {f"{CPU}/cpufreq/policy0/boost": "1"}, "warn", "policy*/boost"),
        (checks.check_turbo, {}, "unknown", "warms up"),
        (checks.check_governor, {f"{CPU}/cpu0/cpufreq/scaling_governor": "performance"}, "ok", ""),
        (checks.check_governor, {f"{CPU}/cpu0/cpufreq/scaling_governor": "schedutil"}, "warn", ""),
        (checks.check_governor, {f"{CPU}/cpu0/cpufreq/scaling_governor": ""}, "unknown", ""),
        (checks.check_cpu_limit, GROUP | {QUOTA: "max 100000"}, "ok", "none"),
        (checks.check_cpu_limit, {}, "unknown", ""),
        (devices.check_virtual, cpu_flags("sse"), "ok", "no"),
        (devices.check_virtual, cpu_flags("sse") | {".dockerenv": ""}, "ok", "container (Docker)"),
        (
            devices.check_virtual,
            cpu_flags("sse") | {"proc/self/cgroup": "0::/kubepods/x"},
            "ok",
            "container (kubepods)",
        ),
        (
            devices.check_virtual,
            cpu_flags("hypervisor") | {"sys/class/dmi/id/product_name": "KVM"},
            "warn",
            "yes: KVM",
        ),
        (devices.check_virtual, {"sys/hypervisor/type": "xen"}, "warn", "yes: xen"),
        (devices.check_virtual, {"proc/cpuinfo": "Features : fp"}, "unknown", ""),
        (devices.check_energy, rapl_files(0) | rapl_files(1), "ok", "RAPL"),
        (devices.check_energy, rapl_files(0, "odd"), "unknown", "whole number"),
        (devices.check_energy, {}, "unknown", "powercap is missing"),
    ],
)
def test_checks_of_files(tmp_path, check, files, state, phrase):
    finding = check(write_files(tmp_path, files))
    assert finding.state == state
    assert_complete(finding, phrase)
    if state == "unknown" and check is not devices.check_energy:
        assert finding.value == UNKNOWN


def assert_complete(finding, phrase=""):
    assert finding.check and finding.value and finding.meaning
    assert phrase in f"{finding.value} {finding.meaning}"


def quota(cores):
    return GROUP | {QUOTA: f"{cores * 100000:.0f} 100000"}


@pytest.mark.parametrize(
    ("check", "usable", "files", "state", "phrase"),
    [
        (checks.check_cpu_limit, (0, 1), quota(2), "ok", "2 cores for 2"),
        (checks.check_cpu_limit, range(4), quota(2.5), "warn", "--threads 2"),
        (checks.check_cpu_limit, range(4), quota(0.5), "warn", "no number"),
        (checks.check_affinity, range(4), core_files(4), "ok", "4 of 4"),
        (checks.check_affinity, range(4), core_files(8), "warn", "4 of 8"),
        (checks.check_affinity, (), core_files(8), "unknown", ""),
        (checks.check_affinity, range(4), {f"{CPU}/online": "?"}, "unknown", ""),
        (checks.check_siblings, range(4), core_files(4), "ok", "4 cores"),
        (checks.check_siblings, (), core_files(4), "ok", "4 cores"),
        (
            checks.check_siblings,
            range(4),
            core_files(4, siblings=True),
            "warn",
            "at most 2 threads",
        ),
        (checks.check_siblings, (0, 2), core_files(4, siblings=True), "warn", "another program"),
        (checks.check_siblings, range(5), core_files(4), "unknown", ""),
    ],
)
def test_checks_of_cores(fake_psutil, tmp_path, check, usable, files, state, phrase):
    set_usable_cpus(fake_psutil, *usable)
    finding = check(write_files(tmp_path, files))
    assert finding.state == state
    assert_complete(finding, phrase)


@pytest.mark.parametrize(
    ("sensors", "state", "value"),
    [
        ({"x86_pkg_temp": [52.4]}, "ok", "52 °C (x86_pkg_temp)"),
        ({"k10temp": [40.0, 91.0], "nvme": [99.0]}, "warn", "91 °C (k10temp)"),
        # A hot disk is no hot CPU; a sensor that is off reports 0 or nonsense.
        ({"nvme": [91.0]}, "unknown", UNKNOWN),
        ({"cpu": [0.0, 250.0]}, "unknown", UNKNOWN),
        ({}, "unknown", UNKNOWN),
    ],
)
def test_temperature(fake_psutil, sensors, state, value):
    assert checks.check_temperature().state == "unknown"
    fake_psutil.sensors_temperatures = lambda: {
        name: [SimpleNamespace(current=degrees) for degrees in values]
        for name, values in sensors.items()
    }
    finding = checks.check_temperature()
    assert (finding.state, finding.value) == (state, value)


@pytest.mark.parametrize(
    ("available", "state", "value"),
    [(4 * GIB, "ok", "4.0 of 8.0 GiB"), (999, "warn", "0.0 of 8.0 GiB")],
)
def test_memory(fake_psutil, available, state, value):
    assert checks.check_memory().state == "unknown"
    fake_psutil.virtual_memory = lambda: SimpleNamespace(total=8 * GIB, available=available)
    finding = checks.check_memory()
    assert finding.state == state and value in finding.value


def samples(*times):
    """Samples of CPU 0 to n, each given by (busy, idle, stolen) seconds."""
    return [
        Sample({number: CpuTime(*cpu) for number, cpu in enumerate(cpus)}, None, None, None)
        for cpus in times
    ]


@pytest.mark.parametrize(
    ("busy", "stolen", "states"),
    [
        (2, 0, ("ok", "ok")),
        (40, 0, ("warn", "ok")),
        (40, 4, ("warn", "warn")),
        (0, 0, ("ok", "ok")),
    ],
)
def test_load_and_stolen_time(fake_psutil, busy, stolen, states):
    fake_psutil.getloadavg = lambda: (0.25, 0.2, 0.1)
    later = (10 + busy, 150 - busy, stolen)
    # CPU 2 is not usable: what it does is no load here.
    before, after = samples([(10, 100, 0)] * 2 + [(0, 0, 0)], [later, later, (50, 0, 0)])
    load = checks.check_load(before, after, {0, 1})
    assert (load.state, checks.check_stolen(before, after, {0, 1}).state) == states
    assert "of 2 usable cores busy, load average 0.25" in load.value
    assert load.value.startswith(f"{busy / (50 + stolen):.0%}")


def test_load_without_counters(fake_psutil):
    before, after = samples([(10, 100, 0)], [(10, 100, 0)])
    for pair in ((EMPTY, EMPTY), (before, after)):
        assert checks.check_load(*pair, {0}).state == "unknown"
        assert checks.check_stolen(*pair, {0}).state == "unknown"
    (later,) = samples([(10, 150, 0)])
    assert "load average" not in checks.check_load(before, later, {0}).value


@pytest.mark.parametrize(
    ("check", "field"),
    [(checks.check_heat, "heat_events"), (checks.check_cpu_stops, "throttled_periods")],
)
def test_throttling(check, field):
    none, five, nine = (replace(EMPTY, **{field: count}) for count in (None, 5, 9))
    assert check(none, five).state == check(five, none).state == "unknown"
    assert check(five, five).state == "ok" and "0 times" in check(five, five).value
    assert check(five, nine).state == "warn"
    assert "4 times in the sample, 9" in check(five, nine).value


def test_swap(fake_psutil):
    def check(total, *swapped):
        fake_psutil.swap_memory = lambda: SimpleNamespace(total=total, used=GIB)
        return checks.check_swap(*(replace(EMPTY, swapped_bytes=count) for count in swapped))

    assert checks.check_swap(EMPTY, EMPTY).state == "unknown"
    assert check(0, None, None).state == "ok"
    assert check(2 * GIB, None, 4096).state == "unknown"
    assert check(2 * GIB, 4096, 4096).state == "ok"
    assert "1.0 of 2.0 GiB" in check(2 * GIB, 4096, 4096).value
    assert check(2 * GIB, 4096, 16384).state == "warn"
    assert "12 KiB moved" in check(2 * GIB, 4096, 16384).value


LinuxTimes = namedtuple(
    "LinuxTimes", "user nice system idle iowait irq softirq steal guest guest_nice"
)
MacTimes = namedtuple("MacTimes", "user nice system idle")


def test_sample_of_all_counters(fake_psutil, tmp_path):
    assert take_sample(Machine(tmp_path)) == EMPTY
    throttle = f"{CPU}/cpu{{}}/thermal_throttle/{{}}_throttle_count"
    files = {
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.stat": "nr_throttled 6",
        throttle.format(0, "core"): "1",
        throttle.format(0, "package"): "2",
        throttle.format(1, "core"): "odd",
    }
    fake_psutil.cpu_times = lambda percpu: [MacTimes(1.0, 0.0, 0.0, 2.0)]
    fake_psutil.swap_memory = lambda: SimpleNamespace(sin=3, sout=4)
    sample = take_sample(write_files(tmp_path, files))
    assert sample == Sample({0: CpuTime(1.0, 2.0, 0.0)}, 3, 6, 7)


def test_cpu_times_are_split_and_numbered(fake_psutil, tmp_path):
    """Guests are within user and nice; psutil leaves out the numbers of offline CPUs."""
    rows = [LinuxTimes(1, 2, 4, 100, 50, 8, 16, 32, 1, 2), LinuxTimes(5, 0, 0, 9, *[0] * 6)]
    fake_psutil.cpu_times = lambda percpu: rows
    expected = CpuTime(31, 150, 32), CpuTime(5, 9, 0)
    assert tuple(take_sample(Machine(tmp_path)).cpu_times.values()) == expected
    machine = write_files(tmp_path, {f"{CPU}/online": "0,2"})
    assert take_sample(machine).cpu_times == dict(zip((0, 2), expected, strict=True))
