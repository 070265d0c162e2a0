"""The doctor's timed work, nvidia-smi, and all checks together."""

from __future__ import annotations

import time

import numpy as np
import pytest

from runners.machine.doctor import devices, run_checks, scatter
from tests.runners.machine.fake_machine import core_files, write_files

BOARD = """<gpu id="1"><product_name>Board {name}</product_name>
<persistence_mode>{persistence}</persistence_mode>
<clocks_{word}_reasons>
<clocks_{word}_reason_gpu_idle>Active</clocks_{word}_reason_gpu_idle>
<clocks_{word}_reason_sw_power_cap>{capped}</clocks_{word}_reason_sw_power_cap>
</clocks_{word}_reasons>
<processes><process_info><type>G</type></process_info>{process}</processes></gpu>"""


def board(name="A", persistence="Enabled", word="event", capped="Not Active", process=""):
    return BOARD.format(
        name=name, persistence=persistence, word=word, capped=capped, process=process
    )


def report(*boards):
    return f"<?xml version='1.0' ?><nvidia_smi_log>{''.join(boards)}</nvidia_smi_log>"


def test_board_without_problems():
    finding = devices.judge_gpu(report(board(), board("B")))
    assert finding.state == "ok" and finding.value.startswith("Board A + Board B: persistent")


@pytest.mark.parametrize("word", ["event", "throttle"])
def test_board_with_problems(word):
    process = "<process_info><type>C+G</type></process_info>"
    bad = board("B", "Disabled", word, "Active", process)
    finding = devices.judge_gpu(report(board(), bad))
    assert finding.state == "warn"
    wanted = "persistence mode off, slowed by sw_power_cap, 1 other processes"
    assert finding.value == f"Board A + Board B: {wanted}"
    assert "nvidia-smi -pm 1" in finding.meaning


@pytest.mark.parametrize("text", ["", "NVIDIA-SMI has failed\nno driver", report(), "<a>"])
def test_report_without_a_board(text):
    finding = devices.judge_gpu(text)
    assert finding.state == "unknown" and finding.value and "\n" not in finding.value


def put_program(folder, monkeypatch, script):
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return program


def test_nvidia_smi_report(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.check_gpu() is None
    (tmp_path / "report").write_text(report(board()) + "\n")
    show = f"while read -r line; do echo \"$line\"; done <'{tmp_path}/report'"
    put_program(tmp_path, monkeypatch, f'[ "$*" = "-q -x" ] && {show}')
    assert devices.check_gpu().state == "ok"
    put_program(tmp_path, monkeypatch, "echo 'cannot talk to the driver'; exit 9")
    assert devices.check_gpu().value == "cannot talk to the driver"


def test_nvidia_smi_that_hangs_or_cannot_start(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "NVIDIA_SMI_TIMEOUT_S", 0.2)
    put_program(tmp_path, monkeypatch, "exec /bin/sleep 30")
    begin = time.monotonic()
    finding = devices.check_gpu()
    assert finding.state == "unknown" and "did not answer within 0.2 s" in finding.value
    assert time.monotonic() - begin < 5
    (tmp_path / "nvidia-smi").write_text("#!/no/such/shell\n")
    assert devices.check_gpu().state == "unknown"


def test_scatter_of_known_samples():
    random = np.random.default_rng(0)
    quiet = scatter.summarise(list(random.normal(2.0, 0.02, 300)))
    assert quiet.runs == 300 and quiet.median_ms == pytest.approx(2.0, rel=0.01)
    assert quiet.iqr == pytest.approx(1.349 * 0.01, rel=0.2)
    assert quiet.p95 == pytest.approx(1 + 1.645 * 0.01, rel=0.005)
    # 2.8 standard errors of the ratio of two medians of 100 samples.
    assert quiet.smallest_difference(0.0) == pytest.approx(2.8 * 1.253 * 0.01 * 0.1414, rel=0.2)
    finding = scatter.judge_scatter(quiet, 1e-4)
    assert (
        finding.state == "ok"
        and "clock steps 100 ns" in finding.value
        and "differences of 0.5%" in finding.meaning
    )


def test_the_smallest_difference_is_detected_in_most_tries():
    random = np.random.default_rng(1)
    least = scatter.summarise(list(random.normal(1, 0.05, 20000))).smallest_difference(0.0)
    medians = np.median(random.normal(1, 0.05, (2, 4000, scatter.ROUNDS)), axis=2)
    ratio = medians[1] * (1 + least) / medians[0]
    null = medians[1] / medians[0]
    assert 0.7 < np.mean(ratio > np.quantile(null, 0.975)) < 0.95


@pytest.mark.parametrize(
    "samples",
    [
        [*[1.0, 1.2] * 100],
        [*[1.0] * 90, *[3.0] * 10],
    ],
    ids=["wide", "tail"],
)
def test_noisy_machine(samples):
    finding = scatter.judge_scatter(scatter.summarise(samples), 1e-5)
    assert finding.state == "warn" and "noisy" in finding.meaning


def test_drift_and_a_coarse_clock_limit_the_resolution():
    drifting = scatter.summarise([1.0] * 50 + [1.04] * 50)
    assert drifting.smallest_difference(0.0) >= 0.038
    assert scatter.summarise([1.0] * 100).smallest_difference(0.25) == 0.25


def test_the_work_is_timed_within_its_budget(monkeypatch):
    assert 0 <= scatter.clock_step_ms() < 20
    monkeypatch.setattr(scatter, "BUDGET_S", 0.0)
    samples = scatter.time_fixed_work()
    assert len(samples) == scatter.MIN_RUNS and min(samples) > 0


CHECKS = (
    "scatter, other load, stolen time, turbo, governor, temperature, heat throttling, CPU limit, "
    "stopped by limit, usable cores, hardware threads, memory, swap, virtual machine, "
    "energy counter"
)


@pytest.fixture
def quick_doctor(monkeypatch, tmp_path):
    """No rest, little work, no GPU."""
    monkeypatch.setattr(scatter, "BUDGET_S", 0.0)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))


def test_system_without_facts(quick_doctor, fake_psutil, tmp_path):
    findings = run_checks(tmp_path / "nowhere", rest_s=0.0)
    assert ", ".join(finding.check for finding in findings) == CHECKS
    assert {finding.state for finding in findings[1:]} == {"unknown"}


def test_system_of_malformed_files(quick_doctor, fake_psutil, tmp_path):
    files = dict.fromkeys(core_files(2), "\0?\n: :\n-1 -1 -1\n")
    machine = write_files(tmp_path, files)
    (tmp_path / "proc/self/cgroup").mkdir(parents=True)
    findings = run_checks(machine.root, rest_s=0.0)
    assert {finding.state for finding in findings[1:]} == {"unknown"}


def test_gpu_has_a_line(quick_doctor, tmp_path, monkeypatch):
    put_program(tmp_path / "bin", monkeypatch, "echo none")
    assert run_checks(tmp_path, rest_s=0.0)[-1].check == "GPU"
