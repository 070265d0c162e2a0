"""The systemd units against systemd-analyze, and the crontab against its grammar."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess

import pytest

from tests.cluster.cluster_files import CLUSTER

FOLDER = CLUSTER / "schedule"
FIELD = r"(?:\*|\d+(?:-\d+)?(?:,\d+(?:-\d+)?)*)(?:/\d+)?"


def unit(name):
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read_string((FOLDER / name).read_text().replace("\\\n", " "))
    return parser


def verify_units(folder):
    """Exit code and messages of `systemd-analyze verify` for the units in a folder."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    units = (str(folder / "sweep.service"), str(folder / "sweep.timer"))
    done = subprocess.run((program, "verify", *units), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@pytest.fixture
def installed(tmp_path):
    """The units, with an executable and a folder that exist on any machine."""
    text = (FOLDER / "sweep.service").read_text()
    for missing, existing in (
        ("/opt/lolvit-bench/.venv/bin/python", "/bin/sh"),
        ("=/opt/lolvit-bench", "=/"),
    ):
        assert missing in text
        text = text.replace(missing, existing)
    (tmp_path / "sweep.service").write_text(text)
    shutil.copy(FOLDER / "sweep.timer", tmp_path)
    return tmp_path


def test_systemd_accepts_the_units(installed):
    code, messages = verify_units(installed)
    assert code == 0 and "sweep." not in messages, messages


def test_systemd_reports_a_misspelt_key(installed):
    file = installed / "sweep.service"
    file.write_text(file.read_text().replace("TimeoutStopSec=5min", "TimeoutStopSecs=5min"))
    assert "TimeoutStopSecs" in verify_units(installed)[1]


def test_the_service_allows_what_a_sweep_needs():
    service = unit("sweep.service")["Service"]
    assert service["Type"] == "oneshot"
    assert (service["KillMode"], service["KillSignal"]) == ("mixed", "SIGTERM")
    assert service["SuccessExitStatus"] == "130"
    assert "--time-budget 6h" in service["ExecStart"] and service["TimeoutStartSec"] == "7h"
    # Device locks of all users are in /tmp; torch generates code.
    assert service["ReadWritePaths"] == "/tmp"
    assert not {"PrivateTmp", "MemoryDenyWriteExecute", "PrivateDevices"} & set(service)
    assert "--out /var/lib/" + service["StateDirectory"] in service["ExecStart"]


def test_the_timer_catches_up_after_power_off():
    timer = unit("sweep.timer")
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_crontab_line_is_valid():
    lines = (FOLDER / "crontab").read_text().splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    settings = [line for line in lines if re.match(r"[A-Z]+=", line)]
    (job,) = (line for line in lines if line not in settings)
    match = re.fullmatch(rf"((?:{FIELD} ){{5}})(\S.*)", job)
    assert match, job
    command = match[2]
    assert "%" not in command  # cron treats it as a newline
    assert "flock -n -E 0 /var/lib/lolvit-bench/nightly.lock " in command
    subprocess.run(("sh", "-n", "-c", command), check=True)


def test_cron_and_systemd_start_the_same_sweep():
    service = unit("sweep.service")["Service"]["ExecStart"].split("bench.py")[1].split()
    crontab = (FOLDER / "crontab").read_text().split("bench.py")[1].split(">>")[0].split()
    assert service == crontab


@pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not installed")
def test_flock_skips_a_night_without_an_error(tmp_path):
    lock = str(tmp_path / "lock")
    held = subprocess.Popen(
        ("flock", "-n", lock, "sh", "-c", "echo held; read _"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert held.stdout.readline() == "held\n"
    second = ("flock", "-n", "-E", "0", lock, "sh", "-c", "echo began; exit 3")
    done = subprocess.run(second, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (0, "")
    held.communicate("\n")
    assert subprocess.run(second, capture_output=True, timeout=30).returncode == 3
