"""The Slurm scripts, with substitutes for scontrol, srun, ray and python."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time

import pytest

from tests.cluster.cluster_files import CLUSTER, SCRIPTS, relative

STORAGE = "postgresql://lolvit@db.example.org:5432/lolvit"

SCONTROL = """\
echo "scontrol $*" >> "$LOG"
case "$*" in
  "show job --oneliner 7") echo "JobId=7 JobState=$STATE Reason=None EndTime=$END_TEXT Nice=0" ;;
  "show hostnames n[1-3]") printf "n1\\nn2\\nn3\\n" ;;
esac
"""
# Needs a second after TERM to store its results, as a sweep does.
PYTHON = """\
case "$1" in
  -c) printf token; exit ;;
  -) if [ "$2" = n3 ]; then echo 192.0.2.1:6379; else echo "python wait $2" >> "$LOG"; fi; exit ;;
esac
trap 'sleep 1; echo kept >> "$LOG"; exit 130' TERM
echo "python $*" >> "$LOG"
[ -n "$ENDS_WITH" ] && exit "$ENDS_WITH"
while :; do sleep 0.1; done
"""
SRUN = 'echo "srun $*" >> "$LOG"\n'
RAY = "exit 0\n"


class Slurm:
    """A project folder, substitutes on the PATH, and a job."""

    def __init__(self, folder):
        self.folder, self.log = folder, folder / "log"
        self.shared = folder / "shared"
        self.log.touch()
        (folder / "cluster/slurm").mkdir(parents=True)
        shutil.copy(CLUSTER / "slurm/job.sh", folder / "cluster/slurm")
        (folder / "bin").mkdir()
        for name, text in (
            ("scontrol", SCONTROL),
            ("python", PYTHON),
            ("srun", SRUN),
            ("ray", RAY),
        ):
            program = folder / "bin" / name
            program.write_text(f"#!/bin/bash\n{text}")
            program.chmod(0o755)
        self.environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "LOG": str(self.log),
            "STATE": "RUNNING",
            "END_TEXT": "Unknown",
            "ENDS_WITH": "",
            "SLURM_JOB_ID": "7",
            "SLURM_JOB_NODELIST": "n[1-3]",
            "SLURM_CPUS_ON_NODE": "16",
            "SLURM_JOB_END_TIME": str(int(time.time()) + 4200),
            "SLURM_SUBMIT_DIR": str(folder),
        }

    def start(self, script, *arguments, **environment):
        """Start a job; a variable that is None is not set."""
        variables = {**self.environment, **environment}
        return subprocess.Popen(
            ("bash", str(CLUSTER / "slurm" / script), *arguments),
            env={name: value for name, value in variables.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def sweep(self, **environment):
        return self.start("sweep.sbatch", "sweep.yaml", str(self.shared), "demo", **environment)

    def lines(self, beginning=""):
        return [line for line in self.log.read_text().splitlines() if line.startswith(beginning)]

    def wait_for_sweep(self):
        end = time.monotonic() + 30
        while not self.lines("python bench.py"):
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)


@pytest.fixture
def slurm(tmp_path):
    return Slurm(tmp_path)


def wait_for_end(job):
    out, err = job.communicate(timeout=60)
    return job.returncode, out, err


@pytest.mark.parametrize("path", SCRIPTS, ids=relative)
def test_bash_parses_the_script(path):
    subprocess.run(("bash", "-n", str(path)), check=True)


@pytest.mark.parametrize("path", SCRIPTS, ids=relative)
def test_shellcheck_reports_nothing(path):
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is not installed")
    command = ("shellcheck", "--shell=bash", "--external-sources", str(path))
    done = subprocess.run(command, cwd=CLUSTER.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["sweep.sbatch", "ray.sbatch"])
def test_sbatch_options_make_the_job_resumable(name):
    lines = (CLUSTER / "slurm" / name).read_text().splitlines()
    assert lines[0] == "#!/bin/bash"
    options = {line.removeprefix("#SBATCH ") for line in lines if line.startswith("#SBATCH ")}
    assert {"--requeue", "--signal=B:TERM@120", "--open-mode=append", "--exclusive"} <= options
    # Slurm stops reading options at the first command.
    first = next(i for i, line in enumerate(lines) if line and not line.startswith("#"))
    assert not any(line.startswith("#SBATCH") for line in lines[first:])


def test_term_is_forwarded_and_the_job_requeued(slurm):
    job = slurm.sweep()
    slurm.wait_for_sweep()
    job.send_signal(signal.SIGTERM)
    code, out, _ = wait_for_end(job)
    assert code == 130 and "requeued" in out
    assert slurm.lines()[-3:] == ["kept", "scontrol show job --oneliner 7", "scontrol requeue 7"]


def test_a_second_term_changes_nothing(slurm):
    job = slurm.sweep()
    slurm.wait_for_sweep()
    job.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    job.send_signal(signal.SIGTERM)
    assert wait_for_end(job)[0] == 130
    assert slurm.lines("kept") and slurm.lines("scontrol requeue") == ["scontrol requeue 7"]


def test_a_cancelled_job_is_not_requeued(slurm):
    job = slurm.sweep(STATE="COMPLETING")
    slurm.wait_for_sweep()
    job.send_signal(signal.SIGTERM)
    assert wait_for_end(job)[0] == 130
    assert slurm.lines("kept") and not slurm.lines("scontrol requeue")


@pytest.mark.parametrize("code", [0, 1, 2])
def test_other_exit_codes_are_returned(slurm, code):
    assert wait_for_end(slurm.sweep(ENDS_WITH=str(code)))[0] == code
    assert not slurm.lines("scontrol requeue")


def budget(line):
    return int(line.split("--time-budget ")[1].split("s ")[0])


def test_the_budget_leaves_ten_minutes(slurm):
    wait_for_end(slurm.sweep(ENDS_WITH="0"))
    (line,) = slurm.lines("python bench.py")
    assert 3500 < budget(line) <= 3600
    assert line.startswith("python bench.py sweep sweep.yaml --engine local --name demo ")
    assert f"--out {slurm.shared}/runs/demo --resume" in line


def test_older_slurm_versions_are_queried_for_the_end(slurm):
    end = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 4200))
    wait_for_end(slurm.sweep(ENDS_WITH="0", SLURM_JOB_END_TIME=None, END_TEXT=end))
    assert 3500 < budget(slurm.lines("python bench.py")[0]) <= 3600


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"SLURM_JOB_END_TIME": str(int(time.time()) + 300)}, "are reserved for its end"),
        ({"SLURM_JOB_END_TIME": None}, "pass --time to sbatch"),
        ({"SLURM_SUBMIT_DIR": "/"}, "call sbatch in the project's folder"),
    ],
)
def test_invalid_jobs_are_refused(slurm, environment, message):
    code, _, err = wait_for_end(slurm.sweep(**environment))
    assert code == 2 and message in err
    assert not slurm.lines("python bench.py")


@pytest.mark.parametrize(("name", "needed"), [("sweep.sbatch", 3), ("ray.sbatch", 4)])
def test_too_few_arguments_print_the_usage(slurm, name, needed):
    code, _, err = wait_for_end(slurm.start(name, *["x"] * (needed - 1)))
    assert code == 2 and err.startswith("usage: sbatch cluster/slurm/")


def test_ray_spans_the_nodes_and_the_last_one_times(slurm):
    job = slurm.start(
        "ray.sbatch", "sweep.yaml", str(slurm.shared), "demo", STORAGE, "--cpus", "2", ENDS_WITH="0"
    )
    assert wait_for_end(job)[0] == 0
    starts = {line.split("--nodelist=")[1].split()[0]: line for line in slurm.lines("srun")}
    assert set(starts) == {"n1", "n2", "n3"}
    assert "--head --node-ip-address=192.0.2.1 --port=6379 --num-cpus=15" in starts["n1"]
    assert "--include-dashboard=false" in starts["n1"]
    assert [node for node, line in starts.items() if "timing" in line] == ["n3"]
    assert '--address=192.0.2.1:6379 --num-cpus=0 --resources={"timing": 1}' in starts["n3"]
    assert slurm.lines("python wait") == ["python wait 3"]
    (line,) = slurm.lines("python bench.py")
    assert f"--engine ray --address auto --storage {STORAGE} " in line
    assert line.endswith("--resume --quiet --cpus 2")
    assert not list(slurm.shared.glob(".ray-token*"))


def test_term_requeues_a_ray_job(slurm):
    job = slurm.start("ray.sbatch", "sweep.yaml", str(slurm.shared), "demo", STORAGE)
    slurm.wait_for_sweep()
    (token,) = slurm.shared.glob(".ray-token-7")
    assert token.stat().st_mode & 0o077 == 0
    job.send_signal(signal.SIGTERM)
    assert wait_for_end(job)[0] == 130
    assert slurm.lines()[-1] == "scontrol requeue 7"
    assert not token.exists()
