"""systemd's units by systemd's own check, and the crontab by its grammar."""

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


def verified(folder):
    """What systemd says of the units in a folder; the checker leaves out what is not installed."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not here")
    units = (str(folder / "sweep.service"), str(folder / "sweep.timer"))
    done = subprocess.run((program, "verify", *units), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stderr


@pytest.fixture
def installed(tmp_path):
    """The units, with a program and a folder that exist on any machine."""
    text = (FOLDER / "sweep.service").read_text()
    for missing, there in (
        ("/opt/lolvit-bench/.venv/bin/python", "/bin/sh"),
        ("=/opt/lolvit-bench", "=/"),
    ):
        assert missing in text
        text = text.replace(missing, there)
    (tmp_path / "sweep.service").write_text(text)
    shutil.copy(FOLDER / "sweep.timer", tmp_path)
    return tmp_path


def test_systemd_takes_the_units(installed):
    code, said = verified(installed)
    assert code == 0 and "sweep." not in said, said


def test_the_check_would_see_a_wrong_key(installed):
    file = installed / "sweep.service"
    file.write_text(file.read_text().replace("TimeoutStopSec=5min", "TimeoutStopSecs=5min"))
    assert "TimeoutStopSecs" in verified(installed)[1]


def test_the_service_leaves_the_sweep_room():
    service = unit("sweep.service")["Service"]
    assert service["Type"] == "oneshot"
    assert (service["KillMode"], service["KillSignal"]) == ("mixed", "SIGTERM")
    assert service["SuccessExitStatus"] == "130"
    assert "--time-budget 6h" in service["ExecStart"] and service["TimeoutStartSec"] == "7h"
    # Locks of devices lie in /tmp, for all; torch makes code.
    assert service["ReadWritePaths"] == "/tmp"
    assert not {"PrivateTmp", "MemoryDenyWriteExecute", "PrivateDevices"} & set(service)
    assert "--out /var/lib/" + service["StateDirectory"] in service["ExecStart"]


def test_the_timer_makes_up_for_a_night_without_power():
    timer = unit("sweep.timer")
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_crontab():
    lines = (FOLDER / "crontab").read_text().splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    settings = [line for line in lines if re.match(r"[A-Z]+=", line)]
    (job,) = (line for line in lines if line not in settings)
    match = re.fullmatch(rf"((?:{FIELD} ){{5}})(\S.*)", job)
    assert match, job
    command = match[2]
    assert "%" not in command  # cron would make it a new line
    assert "flock -n -E 0 /var/lib/lolvit-bench/nightly.lock " in command
    subprocess.run(("sh", "-n", "-c", command), check=True)


def test_cron_and_systemd_start_the_same_sweep():
    service = unit("sweep.service")["Service"]["ExecStart"].split("bench.py")[1].split()
    crontab = (FOLDER / "crontab").read_text().split("bench.py")[1].split(">>")[0].split()
    assert service == crontab


@pytest.mark.skipif(shutil.which("flock") is None, reason="flock is not here")
def test_flock_leaves_out_a_night_without_an_error(tmp_path):
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
