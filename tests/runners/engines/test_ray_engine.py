"""The Ray engine in this process, with tasks that train nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from functools import partial

import pytest

from runners.engines.ray import RayOptions, connection, resources, run, timing
from runners.records.errors import UserError
from runners.records.record import State
from tests.runners.engines.ray_tasks import (
    ListQueue,
    continue_from_file,
    die_at,
    fail,
    process_tree,
    raise_data_error,
    report_environment,
    sleep,
    time_square,
    train,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def cluster():
    """One local Ray for all of this module; each run uses it."""
    with connection.connect(None):
        yield


@pytest.fixture
def run_queue(cluster, tmp_path):
    def run_with_options(queue, storage=None, **options):
        run(queue, RayOptions(**options), storage or tmp_path / "storage", "test")
        return queue

    return run_with_options


def test_all_tasks_finish_and_no_files_remain(run_queue, tmp_path):
    queue = run_queue(ListQueue(*[partial(train, epochs) for epochs in (1, 2, 3)]))
    assert queue.reasons == {}
    assert {key: record.quality.epochs for key, record in queue.records.items()} == {
        0: 1,
        1: 2,
        2: 3,
    }
    assert sorted(queue.questions) == [(1, 1), (2, 1), (2, 2)]
    assert not (tmp_path / "storage").exists()


def test_max_concurrent_limits_running_tasks(run_queue):
    queue = run_queue(ListQueue(*[partial(train, 2)] * 3), max_concurrent=1)
    assert len(queue.records) == 3 and queue.max_running == 1


def test_a_stopped_task_has_its_last_report_as_result(run_queue):
    queue = run_queue(ListQueue(*[partial(train, 5)] * 2, stop_at=2))
    results = [(record.state, record.quality.epochs) for record in queue.records.values()]
    assert results == [(State.PRUNED, 2)] * 2
    assert sorted(queue.questions) == [(0, 1), (0, 2), (1, 1), (1, 2)]


def test_immediate_tasks_run_in_the_coordinator(run_queue):
    queue = ListQueue(report_environment, partial(train, 3))
    queue.immediate = True
    run_queue(queue)
    assert queue.records[0].reason.endswith(os.getcwd())
    assert queue.questions == [(1, 1), (1, 2)]


def test_tasks_keep_folders_and_threads_of_the_run(run_queue):
    """Locks are in the temporary folder; paths of data and checkpoints may be relative."""
    folder, threads, working_folder = (
        run_queue(ListQueue(report_environment)).records[0].reason.split("|")
    )
    assert folder == tempfile.gettempdir()
    assert threads == os.environ.get("OMP_NUM_THREADS", "1")
    assert working_folder == os.getcwd()


def test_a_task_whose_process_is_killed_is_retried(run_queue, tmp_path):
    visits = tmp_path / "visits"
    queue = run_queue(ListQueue(partial(die_at, 1, visits), partial(train, 1)))
    assert queue.reasons == {} and sorted(queue.records) == [0, 1]
    assert len(visits.read_text().split()) == 2


def test_a_task_that_kills_every_process_is_lost(run_queue, tmp_path):
    visits = tmp_path / "visits"
    queue = run_queue(ListQueue(partial(die_at, 9, visits), partial(train, 1)), max_failures=1)
    assert list(queue.records) == [1]
    assert queue.reasons[0].startswith(
        "the process died 2 times, most recently with ActorDiedError: The actor"
    )
    assert len(visits.read_text().split()) == 2 and "\n" not in queue.reasons[0]


def test_a_task_that_raises_is_lost_and_not_retried(run_queue):
    queue = run_queue(ListQueue(fail, partial(train, 1)))
    assert queue.reasons == {0: "ValueError: wrong"} and list(queue.records) == [1]


def test_a_task_that_reports_nothing_is_lost_and_not_retried(run_queue):
    queue = run_queue(ListQueue(sleep, partial(train, 1)), patience_s=5)
    assert queue.reasons == {0: "made no progress for 5 s (--patience)"}
    assert list(queue.records) == [1] and queue.retried == []


@pytest.mark.parametrize("shared", [True, False])
def test_a_restarted_task_continues_from_its_files(run_queue, tmp_path, shared):
    """With a URI, files train_across_nodes through it: nodes may not share a file system."""
    file = tmp_path / "left" / "0.pt"
    queue = ListQueue(partial(continue_from_file, file, not shared))
    queue.files = (file,)
    storage = tmp_path / "storage"
    run_queue(queue, storage if shared else storage.as_uri())
    assert queue.records[0].reason == "began after epoch 2"


def test_a_data_error_ends_the_run(run_queue):
    with pytest.raises(UserError, match=r"^cannot read image x.png: trunc"):
        run_queue(ListQueue(raise_data_error, sleep))


class Interrupted(ListQueue):
    def should_continue(self, task, record):
        raise KeyboardInterrupt


class Full(ListQueue):
    def complete(self, task, record):
        raise UserError("the disk is full")


def test_an_error_of_the_queue_ends_the_run(run_queue):
    with pytest.raises(UserError, match=r"^the disk is full$"):
        run_queue(Full(partial(train, 1), sleep))
    with pytest.raises(KeyboardInterrupt):
        run_queue(Interrupted(partial(train, 2), sleep))


def test_a_false_heartbeat_ends_the_run(run_queue):
    queue = ListQueue(sleep, sleep, sleep, seconds=4)
    run_queue(queue)
    assert time.monotonic() - queue.start < 4 + 30  # of the 600 that a task takes
    assert queue.records == {} and queue.reasons == {}


def test_timings_return_results_and_errors(run_queue):
    queue = run_queue(ListQueue(partial(time_square, 3), partial(time_square, -3)))
    assert queue.records[0].reason == "9"
    assert queue.records[1].reason == "ArithmeticError: -3: below 0"
    with pytest.raises(UserError, match=r"^13 is unlucky$"):
        run_queue(ListQueue(partial(time_square, 13)))


def listening_addresses():
    """Local addresses on which this process and its Ray listen."""
    output = subprocess.run(["ss", "-tlnpH"], capture_output=True, text=True, check=True).stdout
    mine = process_tree(os.getpid())
    for line in output.splitlines():
        if any(f"pid={pid}," in line for pid in mine):
            yield line.split()[3].rpartition(":")[0]


@pytest.mark.skipif(not shutil.which("ss"), reason="needs ss")
def test_ray_listens_on_loopback_only(cluster):
    addresses = list(listening_addresses())
    assert len(addresses) > 3
    assert set(addresses) <= {"127.0.0.1", "[::ffff:127.0.0.1]", "[::1]"}


def test_tasks_that_fit_nowhere_are_refused(run_queue):
    with pytest.raises(UserError, match=r"^no node of this cluster has 1000 CPUs and 0 GPUs for"):
        run_queue(ListQueue(), cpus=1000)
    with pytest.raises(UserError, match=r"^Ray Tune cannot write to nowhere://x: "):
        run_queue(ListQueue(), "nowhere://x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"address": "ray://head:10001"},
        {"cpus": 0},
        {"gpus": -1},
        {"max_concurrent": 0},
        {"max_failures": -1},
    ],
)
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(UserError):
        RayOptions(**wrong)


NO_TIMING_NODE = r"^no node of this cluster has the resource 'timing'; start one with: ray start"


def test_a_cluster_without_a_timing_node_is_refused(run_queue, monkeypatch):
    monkeypatch.setattr(resources, "TIMING", "clockwork")
    with pytest.raises(UserError, match=NO_TIMING_NODE):
        run_queue(ListQueue())


def test_a_timing_gives_up_when_no_timing_node_is_left(cluster, monkeypatch):
    monkeypatch.setattr(timing, "has_timing_node", lambda: False)
    monkeypatch.setattr(timing, "_SECONDS_BETWEEN_CHECKS", 0.1)
    monkeypatch.setattr(timing, "_NO_NODE_TIMEOUT_S", 0.2)
    with pytest.raises(UserError, match=NO_TIMING_NODE):
        timing.run_on_timing_node(time.sleep, 20)
