"""The fingerprint of a machine given by files."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from runners.machine import fingerprint as module
from runners.machine.fingerprint import fingerprint
from runners.machine.version import project_version
from tests.runners.machine.fake_machine import CPU, write_files

DEVICE = torch.device("cpu")


def test_facts_come_from_the_machines_files(fake_psutil, tmp_path):
    fake_psutil.virtual_memory = lambda: SimpleNamespace(total=16252928 * 1024)
    files = {
        "proc/cpuinfo": "model name : Some CPU",
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.max": "150000 100000",
        f"{CPU}/cpu0/cpufreq/scaling_governor": "powersave",
        f"{CPU}/intel_pstate/no_turbo": "1",
    }
    facts = fingerprint(DEVICE, write_files(tmp_path, files).root)
    expected = {
        "cpu": "Some CPU",
        "memory_gb": 16,
        "cpu_limit": "1.5",
        "governor": "powersave",
        "turbo": "off",
    }
    assert expected.items() <= facts.items()
    thirds = write_files(tmp_path, {"sys/fs/cgroup/cpu.max": "100000 300000"})
    assert fingerprint(DEVICE, thirds.root)["cpu_limit"] == "0.33"
    free = write_files(tmp_path, {"sys/fs/cgroup/cpu.max": "max 100000"})
    assert fingerprint(DEVICE, free.root)["cpu_limit"] == ""


def test_system_without_such_files(tmp_path):
    facts = fingerprint(DEVICE, tmp_path)
    assert facts["governor"] == facts["turbo"] == facts["cpu_limit"] == ""
    assert facts["cpu"] and type(facts["memory_gb"]) is int


def test_compute_libraries_are_named():
    facts = fingerprint(DEVICE)
    assert facts["cpu_capability"] == torch.backends.cpu.get_cpu_capability()
    assert type(facts["onednn"]) is type(facts["mkl"]) is bool
    assert facts["numpy"] and facts["threads_runtime"]


def test_absent_packages(monkeypatch):
    def absent(package):
        raise module.PackageNotFoundError(package)

    monkeypatch.setattr(module, "version", absent)
    facts = fingerprint(DEVICE)
    assert facts["onnxruntime"] == facts["numpy"] == "" != facts["torch"]
    assert facts["lolvit_bench"] == project_version()  # of this checkout
