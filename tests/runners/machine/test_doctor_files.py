"""What is read from the files of a system, odd ones included."""

from __future__ import annotations

import math

import pytest

from runners.machine.facts import (
    Machine,
    cpu_limit,
    cpu_model,
    governor,
    list_cpus,
    memory_sizes,
    online_cpus,
    stopped_periods,
    total_memory_bytes,
    turbo,
    usable_cores,
    usable_cpus,
)
from tests.runners.machine.fake_machine import CPU, cores, lay

V2, V1 = "sys/fs/cgroup", "sys/fs/cgroup/cpu,cpuacct"


@pytest.mark.parametrize(
    ("text", "cpus"),
    [
        ("0", {0}),
        (" 0-3,8\n", {0, 1, 2, 3, 8}),
        ("3-1", set()),
        ("", set()),
        ("all", set()),
        ("0,,1", set()),
        ("-1", set()),
    ],
)
def test_lists_of_cpus(text, cpus):
    assert list_cpus(text) == cpus


def test_a_mask_may_name_more_than_is_there(tmp_path):
    status = {"proc/self/status": "Cpus_allowed_list:\t0-127\n"}
    assert len(usable_cpus(lay(tmp_path, status))) == 128
    assert usable_cpus(lay(tmp_path, {f"{CPU}/online": "0-1"})) == {0, 1}


@pytest.mark.parametrize(
    ("files", "state"),
    [
        ({}, ""),
        ({"intel_pstate/no_turbo": "0"}, "on"),
        ({"intel_pstate/no_turbo": "1"}, "off"),
        ({"cpufreq/boost": "1"}, "on"),
        ({"cpufreq/boost": "0"}, "off"),
        ({"intel_pstate/no_turbo": "1", "cpufreq/boost": "1"}, "on"),
        ({"cpufreq/policy0/boost": "0", "cpufreq/policy1/boost": "1"}, "on"),
        ({"cpufreq/policy0/boost": "0", "cpufreq/policy1/boost": "0"}, "off"),
        ({"cpufreq/boost": "maybe"}, ""),
        ({"cpufreq/boost": ""}, ""),
    ],
    ids=str,
)
def test_turbo(tmp_path, files, state):
    assert turbo(lay(tmp_path, {f"{CPU}/{path}": text for path, text in files.items()})) == state


def test_the_governors_of_all_cpus(tmp_path):
    assert governor(Machine(tmp_path)) == ""
    files = {f"{CPU}/cpu{n}/cpufreq/scaling_governor": "performance\n" for n in range(12)}
    assert governor(lay(tmp_path, files)) == "performance"
    files = {f"{CPU}/cpu11/cpufreq/scaling_governor": "powersave\n"}
    assert governor(lay(tmp_path, files)) == "performance+powersave"


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"proc/self/cgroup": "0::/a/b"}, None),
        ({"proc/self/cgroup": "0::/a/b", f"{V2}/a/b/cpu.max": "max 100000"}, math.inf),
        ({"proc/self/cgroup": "0::/a/b", f"{V2}/a/b/cpu.max": "150000 100000"}, 1.5),
        ({"proc/self/cgroup": "0::/a/b", f"{V2}/a/b/cpu.max": "odd 100000"}, math.inf),
        ({"proc/self/cgroup": "0::/a/b", f"{V2}/a/b/cpu.max": "150000"}, math.inf),
        ({"proc/self/cgroup": "0::/a/b", f"{V2}/a/b/cpu.max": "1 0"}, math.inf),
        # A parent is stricter than its child.
        (
            {
                "proc/self/cgroup": "0::/a/b",
                f"{V2}/a/cpu.max": "50000 100000",
                f"{V2}/a/b/cpu.max": "200000 100000",
            },
            0.5,
        ),
        # A container sees its own group at the mount, or a path that leads outside.
        ({"proc/self/cgroup": "0::/docker/ab", f"{V2}/cpu.max": "200000 100000"}, 2.0),
        ({"proc/self/cgroup": "0::/../../x", f"{V2}/cpu.max": "200000 100000"}, 2.0),
        (
            {
                "proc/self/cgroup": "9:memory:/m\n4:cpu,cpuacct:/c\n0::/",
                f"{V1}/c/cpu.cfs_quota_us": "75000",
                f"{V1}/c/cpu.cfs_period_us": "50000",
                f"{V1}/cpu.cfs_quota_us": "-1",
                f"{V1}/cpu.cfs_period_us": "50000",
            },
            1.5,
        ),
        (
            {
                "proc/self/cgroup": "4:cpu,cpuacct:/",
                f"{V1}/cpu.cfs_quota_us": "-1",
                f"{V1}/cpu.cfs_period_us": "100000",
            },
            math.inf,
        ),
        ({"proc/self/cgroup": "nonsense\n\n::::"}, None),
    ],
    ids=lambda value: str(value)[:60],
)
def test_cpu_limits(tmp_path, files, limit):
    assert cpu_limit(lay(tmp_path, files)) == limit


def test_stops_of_all_levels_are_summed(tmp_path):
    machine = lay(tmp_path, {"proc/self/cgroup": "0::/a", f"{V2}/cpu.stat": "usage_usec 5"})
    assert stopped_periods(machine) is None
    stat = "nr_periods 9\nnr_throttled {}\nodd\nthrottled_usec x"
    machine = lay(tmp_path, {f"{V2}/{part}cpu.stat": stat.format(3) for part in ("", "a/")})
    assert stopped_periods(machine) == 6


def test_sizes_and_names(tmp_path):
    machine = lay(tmp_path, {"proc/meminfo": "MemTotal:  2048 kB\nodd\nHugePages_Total: 0\nX: y"})
    assert memory_sizes(machine) == {"MemTotal": 2048 * 1024, "HugePages_Total": 0}
    assert total_memory_bytes(machine) == 2048 * 1024
    machine = lay(tmp_path, {"proc/cpuinfo": "processor : 0\nmodel name\t: Some CPU @ 2 GHz\n"})
    assert cpu_model(machine) == "Some CPU @ 2 GHz"
    assert cpu_model(lay(tmp_path, {"proc/cpuinfo": "BogoMIPS: 50"}))


def test_files_that_refuse(tmp_path):
    machine = lay(tmp_path, {"a/b": "x"})
    assert machine.text("a") is None and machine.text("a/b/c") is None
    assert machine.text("a\0") is None and machine.matching("\0") == []
    (tmp_path / "binary").write_bytes(b"\xff\xfe12")
    assert machine.number("binary") is None and machine.table("binary") == {}


def test_this_machine():
    machine = Machine()
    if not machine.exists("proc/self/status"):
        pytest.skip("no Linux")
    assert len(usable_cpus(machine)) == usable_cores() <= len(online_cpus(machine))
    assert cpu_limit(machine) is None or cpu_limit(machine) > 0


def test_fake_cores(tmp_path):
    assert usable_cpus(lay(tmp_path, cores(4))) == {0, 1, 2, 3}
