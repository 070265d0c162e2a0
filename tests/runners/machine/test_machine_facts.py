"""Facts about a machine from its files and from psutil, malformed ones included."""

from __future__ import annotations

import math
import os
import re
import warnings
from types import SimpleNamespace

import pytest

from runners.machine.facts import (
    Machine,
    available_memory_bytes,
    cpu_limit,
    cpu_model,
    governor,
    online_cpus,
    parse_cpu_list,
    query_psutil,
    swap,
    throttled_periods,
    total_memory_bytes,
    turbo,
    usable_cores,
    usable_cpus,
)
from tests.runners.machine.fake_machine import CPU, set_usable_cpus, write_files

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
def test_parse_cpu_list(text, cpus):
    assert parse_cpu_list(text) == cpus


def test_usable_and_online_cpus(fake_psutil, tmp_path):
    assert usable_cpus() == online_cpus(Machine(tmp_path)) == frozenset()
    assert usable_cores() == os.cpu_count()
    set_usable_cpus(fake_psutil, 0, 2, 5)
    assert usable_cpus() == {0, 2, 5} and usable_cores() == 3
    assert online_cpus(write_files(tmp_path, {f"{CPU}/online": "0-1,4"})) == {0, 1, 4}


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
    assert (
        turbo(write_files(tmp_path, {f"{CPU}/{path}": text for path, text in files.items()}))
        == state
    )


def test_governors_of_all_cpus(tmp_path):
    assert governor(Machine(tmp_path)) == ""
    files = {f"{CPU}/cpu{n}/cpufreq/scaling_governor": "performance\n" for n in range(12)}
    assert governor(write_files(tmp_path, files)) == "performance"
    files = {f"{CPU}/cpu11/cpufreq/scaling_governor": "powersave\n"}
    assert governor(write_files(tmp_path, files)) == "performance+powersave"


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
    assert cpu_limit(write_files(tmp_path, files)) == limit


def test_throttled_periods_of_all_levels_are_summed(tmp_path):
    machine = write_files(tmp_path, {"proc/self/cgroup": "0::/a", f"{V2}/cpu.stat": "usage_usec 5"})
    assert throttled_periods(machine) is None
    stat = "nr_periods 9\nnr_throttled {}\nodd\nthrottled_usec x"
    machine = write_files(tmp_path, {f"{V2}/{part}cpu.stat": stat.format(3) for part in ("", "a/")})
    assert throttled_periods(machine) == 6


def test_memory_sizes(fake_psutil):
    assert total_memory_bytes() == 0 and available_memory_bytes() is None and swap() is None
    fake_psutil.virtual_memory = lambda: SimpleNamespace(total=2**30, available=2**20)
    assert (total_memory_bytes(), available_memory_bytes()) == (2**30, 2**20)


def test_cpu_model(tmp_path):
    info = {"proc/cpuinfo": "processor : 0\nmodel name\t: Some CPU @ 2 GHz\n"}
    assert cpu_model(write_files(tmp_path, info)) == "Some CPU @ 2 GHz"
    assert cpu_model(write_files(tmp_path, {"proc/cpuinfo": "BogoMIPS: 50"}))


def test_psutil_warnings_about_swap_mean_unknown(fake_psutil):
    def warn():
        warnings.warn("no swap counters", RuntimeWarning, stacklevel=1)
        return SimpleNamespace(total=0, used=0, sin=0, sout=0)

    fake_psutil.swap_memory = warn
    assert swap() is None


def test_psutil_errors_mean_unknown(fake_psutil):
    fake_psutil.cpu_times = lambda: 1 / 0
    assert query_psutil(lambda ps: ps.cpu_times()) is None
    assert query_psutil(lambda ps: ps.cpu_freq()) is None


def test_unreadable_files(tmp_path):
    machine = write_files(tmp_path, {"a/b": "x"})
    assert machine.text("a") is None and machine.text("a/b/c") is None
    assert machine.text("a\0") is None and machine.glob("\0") == []
    (tmp_path / "binary").write_bytes(b"\xff\xfe12")
    assert machine.number("binary") is None


def test_psutil_agrees_with_this_machine():
    machine = Machine()
    if not machine.exists("proc/self/status"):
        pytest.skip("this system is not Linux")
    assert usable_cpus() == os.sched_getaffinity(0)
    assert len(usable_cpus()) == usable_cores() <= len(online_cpus(machine))
    assert cpu_limit(machine) is None or cpu_limit(machine) > 0
    size = re.search(r"^MemTotal:\s+(\d+) kB$", machine.text("proc/meminfo"), re.MULTILINE)
    assert total_memory_bytes() == 1024 * int(size[1])
    assert 0 < available_memory_bytes() <= total_memory_bytes()
