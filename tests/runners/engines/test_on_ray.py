"""The Ray engine, with tasks that only say and wait."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from functools import partial

import pytest

from runners.engines.ray import connection, timing
from runners.engines.ray import resources as room
from runners.engines.ray.run import RayOptions, run
from runners.records.errors import UserError
from runners.records.record import State
from tests.runners.engines.ray_tasks import (
    Tray,
    die_at,
    fail,
    fail_for_user,
    family,
    go_further,
    look_around,
    sleep,
    squared,
    train,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    """A Ray of our own for all of this module; each run takes it as it is."""
    with connection.connected(None):
        yield


@pytest.fixture
def go(cluster, tmp_path):
    def going(queue, storage=None, **options):
        run(queue, RayOptions(**options), storage or tmp_path / "storage", "test")
        return queue

    return going


def test_all_is_done_and_nothing_is_left(go, tmp_path):
    queue = go(Tray(*[partial(train, epochs) for epochs in (1, 2, 3)]))
    assert queue.reasons == {}
    assert {key: found.quality.epochs for key, found in queue.records.items()} == {0: 1, 1: 2, 2: 3}
    assert sorted(queue.asked) == [(1, 1), (2, 1), (2, 2)]
    assert not (tmp_path / "storage").exists()


def test_one_at_a_time(go):
    queue = go(Tray(*[partial(train, 2)] * 3), at_once=1)
    assert len(queue.records) == 3 and queue.most == 1


def test_who_is_stopped_has_what_it_said_last_as_its_result(go):
    queue = go(Tray(*[partial(train, 5)] * 2, stop_at=2))
    found = [(each.state, each.quality.epochs) for each in queue.records.values()]
    assert found == [(State.PRUNED, 2)] * 2
    assert sorted(queue.asked) == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_what_takes_no_time_is_done_here(go):
    queue = Tray(look_around, partial(train, 3))
    queue.immediate = True
    go(queue)
    assert queue.records[0].reason.endswith(os.getcwd())
    assert queue.asked == [(1, 1), (1, 2)]


def test_where_tasks_work(go):
    """Locks lie in the temporary folder; data and checkpoints may be in relative ones."""
    folder, threads, place = go(Tray(look_around)).records[0].reason.split("|")
    assert folder == tempfile.gettempdir()
    assert threads == os.environ.get("OMP_NUM_THREADS", "1")
    assert place == os.getcwd()


def test_a_killed_process_is_tried_again(go, tmp_path):
    visits = tmp_path / "visits"
    queue = go(Tray(partial(die_at, 1, visits), partial(train, 1)))
    assert queue.reasons == {} and sorted(queue.records) == [0, 1]
    assert len(visits.read_text().split()) == 2


def test_a_task_that_kills_every_process_is_lost(go, tmp_path):
    visits = tmp_path / "visits"
    queue = go(Tray(partial(die_at, 9, visits), partial(train, 1)), max_failures=1)
    assert list(queue.records) == [1]
    assert queue.reasons[0].startswith(
        "it died 2 times, the last time of ActorDiedError: The actor"
    )
    assert len(visits.read_text().split()) == 2 and "\n" not in queue.reasons[0]


def test_an_unexpected_error_is_a_loss_and_not_tried_again(go):
    queue = go(Tray(fail, partial(train, 1)))
    assert queue.reasons == {0: "ValueError: wrong"} and list(queue.records) == [1]


@pytest.mark.parametrize("shared", [True, False])
def test_a_second_process_goes_on_from_what_the_first_one_left(go, tmp_path, shared):
    """With a URI the files travel: a node may not see those of another."""
    file = tmp_path / "left" / "0.pt"
    queue = Tray(partial(go_further, file, not shared))
    queue.files = (file,)
    storage = tmp_path / "storage"
    go(queue, storage if shared else storage.as_uri())
    assert queue.records[0].reason == "began after epoch 2"


def test_data_at_fault_end_the_run(go):
    with pytest.raises(UserError, match=r"^cannot read image x.png: trunc"):
        go(Tray(fail_for_user, sleep))


class Interrupted(Tray):
    def should_continue(self, task, record):
        raise KeyboardInterrupt


class Full(Tray):
    def complete(self, task, record):
        raise UserError("the disk is full")


def test_what_a_desk_raises_ends_the_run(go):
    with pytest.raises(UserError, match=r"^the disk is full$"):
        go(Full(partial(train, 1), sleep))
    with pytest.raises(KeyboardInterrupt):
        go(Interrupted(partial(train, 2), sleep))


def test_the_desk_ends_the_run_whatever_is_under_way(go):
    queue = Tray(sleep, sleep, sleep, seconds=4)
    go(queue)
    assert time.monotonic() - queue.begun < 4 + 5
    assert queue.records == {} and queue.reasons == {}


def test_timing(go):
    queue = go(Tray(partial(squared, 3), partial(squared, -3)))
    assert queue.records[0].reason == "9"
    assert queue.records[1].reason == "ArithmeticError: -3: below 0"
    with pytest.raises(UserError, match=r"^13 is unlucky$"):
        go(Tray(partial(squared, 13)))


def listeners():
    """Local addresses that this process and its Ray listen at."""
    found = subprocess.run(["ss", "-tlnpH"], capture_output=True, text=True, check=True).stdout
    mine = family(os.getpid())
    for line in found.splitlines():
        if any(f"pid={pid}," in line for pid in mine):
            yield line.split()[3].rpartition(":")[0]


@pytest.mark.skipif(not shutil.which("ss"), reason="needs ss")
def test_ray_listens_to_this_machine_alone(cluster):
    found = list(listeners())
    assert len(found) > 3
    assert set(found) <= {"127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"}


def test_room(go):
    with pytest.raises(UserError, match=r"^no node of this cluster has 1000 CPUs and 0 GPUs for"):
        go(Tray(), cpus=1000)
    with pytest.raises(UserError, match=r"^Ray Tune cannot write to nowhere://x: "):
        go(Tray(), "nowhere://x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "ray://head:10001"},
        {"cpus": 0},
        {"gpus": -1},
        {"at_once": 0},
        {"max_failures": -1},
    ],
)
def test_options_out_of_range(wrong):
    with pytest.raises(UserError):
        RayOptions(**wrong)


NO_TIMING = r"^no node of this cluster has the resource 'timing'; start one with: ray start"


def test_a_cluster_without_a_node_for_timings(go, monkeypatch):
    monkeypatch.setattr(room, "TIMING", "clockwork")
    with pytest.raises(UserError, match=NO_TIMING):
        go(Tray())


def test_the_last_node_for_timings_goes(cluster, monkeypatch):
    monkeypatch.setattr(timing, "can_time", lambda: False)
    monkeypatch.setattr(timing, "_SECONDS_BETWEEN_LOOKS", 0.1)
    monkeypatch.setattr(timing, "_PATIENCE_S", 0.2)
    with pytest.raises(UserError, match=NO_TIMING):
        timing.elsewhere(time.sleep, 20)
