"""Kill a sweep again and again, at any moment, and see what is left."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import optuna
from optuna.trial import TrialState

from runners.records.record import Record

ROOT = Path(__file__).parents[3]
MORE = 60
CONFIG = ROOT / "configs" / "lolvit-tabular.yaml"


def command(folder, trials, storage=None):
    """A sweep whose trials are looked up, each in a process of its own."""
    options = ["--engine", "tabular", "--workers", "2", "--trials", str(trials), "--quiet"]
    options += ["--resume", "--out", str(folder), "--name", "kills"]
    options += ["--storage", storage] if storage else []
    return [sys.executable, str(ROOT / "bench.py"), "sweep", str(CONFIG), *options]


def start(folder, trials, storage=None):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(folder, trials, storage),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        text=True,
    )


def descendants(pid):
    """Processes below this one: the server that forks, and the workers."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found, left = [], [pid]
    while left:
        parent = left.pop()
        children = [child for child, above in parents.items() if above == parent]
        found += children
        left += children
    return found


def stored(place, study):
    """All trials of the study."""
    url = place if isinstance(place, str) else f"sqlite:///{place}"
    if not isinstance(place, str) and not place.exists():
        return []
    storage = optuna.storages.RDBStorage(url, engine_kwargs={"pool_pre_ping": True})
    try:
        names = [each.study_name for each in storage.get_all_studies()]
        if study not in names:
            return []
        return optuna.load_study(study_name=study, storage=storage).get_trials(deepcopy=False)
    finally:
        storage.engine.dispose()


def results(trials):
    """Records of trials that ended, by number, duplicates left out."""
    return {
        trial.number: Record.model_validate(trial.user_attrs["record"])
        for trial in trials
        if trial.state is TrialState.COMPLETE and "record" in trial.user_attrs
    }


def kill_again_and_again(folder, kills, trials, seed, place, study, storage=None):
    """Kill the coordinator or a worker so often; then let the sweep end.

    Returns:
        The trials of the study, the output of the last session, who was killed how often, and
        how many results were asked for in the end.
    """
    sessions = Sessions(folder, trials, storage)
    try:
        return _kill_all(sessions, kills, random.Random(seed), place, study)
    finally:
        _kill(sessions.process.pid)


class Sessions:
    """One coordinator after the other."""

    def __init__(self, folder, trials, storage):
        self.folder, self.trials, self.storage = folder, trials, storage
        self.begin()

    def begin(self):
        self.process = start(self.folder, self.trials, self.storage)

    def more(self):
        self.trials += MORE
        self.begin()


def _kill_all(sessions, kills, dice, place, study):
    done, known = Counter(), {}
    while done.total() < kills:
        worker_next = dice.random() < 0.6
        if worker_next:
            _wait_for_descendants(sessions.process)
        time.sleep(dice.uniform(0.0, 1.0 if worker_next else 7.0))
        process = sessions.process
        if process.poll() is not None:
            said = process.stdout.read()
            assert process.returncode == 0, said
            sessions.more()  # it was faster than its killer
            continue
        workers = descendants(process.pid)
        if worker_next and workers:
            _kill(dice.choice(workers))
            done["worker"] += 1
            continue
        _kill(process.pid)
        process.wait()
        done["coordinator"] += 1
        now = results(stored(place, study))
        lost = {number for number, record in known.items() if now.get(number) != record}
        assert not lost, f"finished trials {sorted(lost)} are gone after {done}"
        known = now
        sessions.begin()
    process = sessions.process
    said, _ = process.communicate(timeout=400)
    assert process.returncode == 0, said
    after = stored(place, study)
    assert {number: record for number, record in results(after).items() if number in known} == known
    return after, said, done, sessions.trials


def _wait_for_descendants(process, seconds=60):
    """Wait until the coordinator has started its processes, or has ended."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None and not descendants(process.pid):
        time.sleep(0.05)


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
