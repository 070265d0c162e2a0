"""What the fingerprint tells of a machine that is laid out in files."""

from __future__ import annotations

import torch

from runners.machine import fingerprint as module
from runners.machine.fingerprint import fingerprint
from tests.runners.machine.fake_machine import CPU, lay

DEVICE = torch.device("cpu")


def test_facts_come_from_the_machines_files(tmp_path):
    files = {
        "proc/cpuinfo": "model name : Some CPU",
        "proc/meminfo": "MemTotal: 16252928 kB",
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.max": "150000 100000",
        f"{CPU}/cpu0/cpufreq/scaling_governor": "powersave",
        f"{CPU}/intel_pstate/no_turbo": "1",
    }
    found = fingerprint(DEVICE, lay(tmp_path, files).root)
    wanted = {
        "cpu": "Some CPU",
        "memory_gb": 16,
        "cpu_limit": "1.5",
        "governor": "powersave",
        "turbo": "off",
    }
    assert wanted.items() <= found.items()
    thirds = lay(tmp_path, {"sys/fs/cgroup/cpu.max": "100000 300000"})
    assert fingerprint(DEVICE, thirds.root)["cpu_limit"] == "0.33"
    free = lay(tmp_path, {"sys/fs/cgroup/cpu.max": "max 100000"})
    assert fingerprint(DEVICE, free.root)["cpu_limit"] == ""


def test_a_system_without_such_files(tmp_path):
    found = fingerprint(DEVICE, tmp_path)
    assert found["governor"] == found["turbo"] == found["cpu_limit"] == ""
    assert found["cpu"] and type(found["memory_gb"]) is int


def test_what_computes_is_named():
    found = fingerprint(DEVICE)
    assert found["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert type(found["onednn"]) is type(found["mkl"]) is bool
    assert found["numpy"] and found["threads_runtime"]


def test_packages_that_are_absent(monkeypatch):
    def absent(package):
        raise module.PackageNotFoundError(package)

    monkeypatch.setattr(module, "version", absent)
    found = fingerprint(DEVICE)
    assert found["onnxruntime"] == found["numpy"] == "" != found["torch"]
    assert found["lolvit_bench"] == "not installed"
