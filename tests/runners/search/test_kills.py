"""30 times kill -9, at any moment: nothing finished is lost, nothing runs for ever."""

from __future__ import annotations

from collections import Counter

import pytest
from optuna.trial import TrialState

from tests.runners.search.kills import kill_again_and_again, results

KILLS, TRIALS = 30, 160

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_lost(tmp_path, request, kind):
    folder, storage = tmp_path / "run", None
    place, study = folder / "study.db", "sweep"
    if kind == "postgresql":
        storage = place = request.getfixturevalue("postgres").new_database()
        study = "kills"
    trials, said, done, asked = kill_again_and_again(
        folder, KILLS, TRIALS, 0, place, study, storage
    )
    assert done["coordinator"] >= 3 and done["worker"] >= 3
    states = Counter(trial.state for trial in trials)
    assert states[TrialState.RUNNING] == 0
    found = results(trials)
    hashes = Counter(record.architecture_hash for record in found.values())
    assert set(hashes.values()) == {1}, "an architecture was evaluated twice"
    ended = Counter(record.state.value for record in found.values())
    assert ended["finished"] + ended["pruned"] == asked
    assert ended["failed"] <= done["worker"] // 3
    assert f"see {folder}" in said
    assert (folder / "front.csv").read_text().count("\n") > 1
