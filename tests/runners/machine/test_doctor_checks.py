"""Each check of the doctor: fine, a warning, not known."""

from __future__ import annotations

import pytest

from runners.machine.doctor import clocks, limits, load, memory, surroundings, throttling
from runners.machine.doctor.finding import NOT_KNOWN
from runners.machine.doctor.sample import Sample, Ticks, parse_stat, take_sample
from runners.machine.facts import Machine
from tests.runners.machine.fake_machine import CPU, cores, lay, package

EMPTY = Sample({}, None, None, None)
ZONE, HWMON = "sys/class/thermal/thermal_zone0", "sys/class/hwmon/hwmon3"
GROUP = {"proc/self/cgroup": "0::/a"}
QUOTA = "sys/fs/cgroup/a/cpu.max"
MEMORY = "MemTotal: 8388608 kB\nMemAvailable: {} kB\n"
SWAP = "SwapTotal: {} kB\nSwapFree: {} kB\n"


def info(flags):
    return {"proc/cpuinfo": f"model name : x\nflags\t\t: fpu {flags}\n"}


@pytest.mark.parametrize(
    ("check", "files", "state", "words"),
    [
        (clocks.check_turbo, {f"{CPU}/cpufreq/boost": "0"}, "ok", "off"),
        (clocks.check_turbo, {f"{CPU}/cpufreq/boost": "1"}, "warn", f"echo 0 | sudo tee /{CPU}"),
        (clocks.check_turbo, {f"{CPU}/intel_pstate/no_turbo": "0"}, "warn", "echo 1 | sudo"),
        (clocks.check_turbo, {f"{CPU}/cpufreq/policy0/boost": "1"}, "warn", "policy*/boost"),
        (clocks.check_turbo, {}, "unknown", "warms up"),
        (clocks.check_governor, {f"{CPU}/cpu0/cpufreq/scaling_governor": "performance"}, "ok", ""),
        (clocks.check_governor, {f"{CPU}/cpu0/cpufreq/scaling_governor": "schedutil"}, "warn", ""),
        (clocks.check_governor, {f"{CPU}/cpu0/cpufreq/scaling_governor": ""}, "unknown", ""),
        (
            clocks.check_temperature,
            {f"{ZONE}/type": "x86_pkg_temp", f"{ZONE}/temp": "52499"},
            "ok",
            "52 °C (x86_pkg_temp)",
        ),
        (
            clocks.check_temperature,
            {f"{HWMON}/name": "k10temp", f"{HWMON}/temp1_input": "91000"},
            "warn",
            "91 °C (k10temp)",
        ),
        # A hot disk is no hot CPU; a sensor that is off shows 0 or nonsense.
        (
            clocks.check_temperature,
            {f"{HWMON}/name": "nvme", f"{HWMON}/temp1_input": "91000"},
            "unknown",
            "",
        ),
        (clocks.check_temperature, {f"{ZONE}/type": "cpu", f"{ZONE}/temp": "0"}, "unknown", ""),
        (clocks.check_temperature, {f"{ZONE}/type": "cpu", f"{ZONE}/temp": "N/A"}, "unknown", ""),
        (limits.check_cpu_limit, GROUP | {QUOTA: "max 100000"}, "ok", "none"),
        (
            limits.check_cpu_limit,
            GROUP | cores(2) | {QUOTA: "200000 100000"},
            "ok",
            "2 cores' time for 2",
        ),
        (limits.check_cpu_limit, GROUP | cores(4) | {QUOTA: "250000 100000"}, "warn", "threads 2"),
        (limits.check_cpu_limit, GROUP | cores(4) | {QUOTA: "50000 100000"}, "warn", "no number"),
        (limits.check_cpu_limit, {}, "unknown", ""),
        (limits.check_affinity, cores(4), "ok", "4 of 4"),
        (limits.check_affinity, cores(4) | {f"{CPU}/online": "0-7"}, "warn", "4 of 8"),
        (limits.check_affinity, {f"{CPU}/online": "0-7"}, "unknown", ""),
        (limits.check_affinity, cores(4) | {f"{CPU}/online": "?"}, "unknown", ""),
        (limits.check_siblings, cores(4), "ok", "4 cores"),
        (limits.check_siblings, cores(4, siblings=True), "warn", "at most 2 threads"),
        (
            limits.check_siblings,
            cores(4, siblings=True) | {"proc/self/status": "Cpus_allowed_list: 0,2"},
            "warn",
            "someone else's",
        ),
        (
            limits.check_siblings,
            cores(4) | {f"{CPU}/cpu3/topology/thread_siblings_list": "?"},
            "unknown",
            "",
        ),
        (memory.check_memory, {"proc/meminfo": MEMORY.format(4194304)}, "ok", "4.0 of 8.0 GiB"),
        (memory.check_memory, {"proc/meminfo": MEMORY.format(999)}, "warn", "0.0 of 8.0 GiB"),
        (memory.check_memory, {"proc/meminfo": "MemTotal: many kB"}, "unknown", ""),
        (surroundings.check_virtual, info("sse"), "ok", "no"),
        (surroundings.check_virtual, info("sse") | {".dockerenv": ""}, "ok", "container (Docker)"),
        (
            surroundings.check_virtual,
            info("sse") | {"proc/self/cgroup": "0::/kubepods/x"},
            "ok",
            "container (kubepods)",
        ),
        (
            surroundings.check_virtual,
            info("hypervisor") | {"sys/class/dmi/id/product_name": "KVM"},
            "warn",
            "yes: KVM",
        ),
        (surroundings.check_virtual, {"sys/hypervisor/type": "xen"}, "warn", "yes: xen"),
        (surroundings.check_virtual, {"proc/cpuinfo": "Features : fp"}, "unknown", ""),
        (surroundings.check_energy, package(0) | package(1), "ok", "RAPL"),
        (surroundings.check_energy, package(0, "odd"), "unknown", "whole number"),
        (surroundings.check_energy, {}, "unknown", "powercap is missing"),
    ],
)
def test_what_files_tell(tmp_path, check, files, state, words):
    found = check(lay(tmp_path, files))
    assert found.state == state and found.check and found.found and found.means
    assert words in f"{found.found} {found.means}"
    if state == "unknown" and check is not surroundings.check_energy:
        assert found.found == NOT_KNOWN


def stat(*cpus):
    lines = [f"cpu{number} {ticks}" for number, ticks in enumerate(cpus)]
    return "\n".join(["cpu 1 2 3 4", *lines, "intr 5 5", "ctxt 7", ""])


def test_ticks_of_each_cpu():
    found = parse_stat(stat("1 2 4 100 50 8 16 32 1 2", "5 0 0 9"))
    assert found == {0: Ticks(31, 150, 32), 1: Ticks(5, 9, 0)}
    assert parse_stat("") == parse_stat(stat("a b c d", "1 2", "-1 2 3 4")) == {}


def samples(*stats):
    return [Sample(parse_stat(text), None, None, None) for text in stats]


@pytest.mark.parametrize(
    ("busy", "stolen", "states"),
    [
        (2, 0, ("ok", "ok")),
        (40, 0, ("warn", "ok")),
        (40, 4, ("warn", "warn")),
        (0, 0, ("ok", "ok")),
        (None, 0, ("unknown", "unknown")),
    ],
)
def test_load_of_others_and_of_neighbours(tmp_path, busy, stolen, states):
    machine = lay(tmp_path, {"proc/loadavg": "0.25 0.2 0.1 1/99 7"})
    later = f"{10 + busy} 0 0 {150 - busy} 0 0 0 {stolen}" if busy is not None else "10 0 0 100"
    # CPU 2 is not ours: what it does is no load here.
    before, after = samples(
        stat("10 0 0 100", "10 0 0 100", "0 0 0 0"), stat(later, later, "50 0 0 0")
    )
    found = load.check_load(machine, before, after, {0, 1})
    hosts = load.check_stolen(before, after, {0, 1})
    assert (found.state, hosts.state) == states
    if busy is not None:
        assert "of 2 usable cores busy, load average 0.25" in found.found
        assert f"{found.found}".startswith(f"{busy / (50 + stolen):.0%}")


def test_load_without_counters():
    machine = Machine()
    assert load.check_load(machine, EMPTY, EMPTY, {0}).state == "unknown"
    assert load.check_stolen(EMPTY, EMPTY, frozenset()).state == "unknown"


@pytest.mark.parametrize(
    ("check", "field"),
    [(throttling.check_heat, "heat_events"), (throttling.check_stops, "stopped_periods")],
)
def test_throttling(check, field):
    none, five, nine = (
        Sample(**({"ticks": {}, "heat_events": None} | rest | {field: count}))
        for count in (None, 5, 9)
        for rest in ({"stopped_periods": None, "swapped_pages": None},)
    )
    assert check(none, five).state == check(five, none).state == "unknown"
    assert check(five, five).state == "ok" and "0 times" in check(five, five).found
    assert check(five, nine).state == "warn" and "4 times in the sample, 9" in (
        check(five, nine).found
    )


def test_swap(tmp_path):
    def check(text, *pages):
        machine = lay(tmp_path, {"proc/meminfo": text})
        return memory.check_swap(machine, *(Sample({}, None, None, each) for each in pages))

    half = SWAP.format(2097152, 1048576)
    assert check("MemTotal: 5 kB", 0, 0).state == "unknown"
    assert check(SWAP.format(0, 0), None, None).state == "ok"
    assert check(half, None, 4).state == "unknown"
    assert check(half, 4, 4).state == "ok" and "1.0 of 2.0 GiB" in check(half, 4, 4).found
    assert check(half, 4, 7).state == "warn" and "3 pages" in check(half, 4, 7).found


def test_a_sample_of_everything(tmp_path):
    assert take_sample(Machine(tmp_path)) == EMPTY
    throttle = f"{CPU}/cpu{{}}/thermal_throttle/{{}}_throttle_count"
    files = {
        "proc/stat": stat("1 0 0 2"),
        "proc/vmstat": "nr_free_pages 5\npswpin 3\npswpout 4\n",
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.stat": "nr_throttled 6",
        throttle.format(0, "core"): "1",
        throttle.format(0, "package"): "2",
        throttle.format(1, "core"): "odd",
    }
    assert take_sample(lay(tmp_path, files)) == Sample({0: Ticks(1, 2, 0)}, 3, 6, 7)
    assert take_sample(lay(tmp_path, {"proc/vmstat": "pswpin 3"})).swapped_pages is None
