"""The Ray engine as a process: what it starts, what it leaves, and nodes that are lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

from runners.engines.ray import RayOptions, run
from tests.runners.alive import all_end
from tests.runners.engines.ray_tasks import (
    ListQueue,
    process_tree,
    sleep,
    time_square,
    train,
    train_across_nodes,
)

pytestmark = pytest.mark.slow  # each starts a Ray

MODULE = "tests.runners.engines.test_ray_processes"


def test_an_address_without_a_cluster_is_refused():
    """In a process of its own: this one may have a Ray."""
    script = """
from runners.engines.ray import connection
from runners.records.errors import UserError
connection._CONNECT_TIMEOUT_S = 4.0
try:
    with connection.connect("127.0.0.1:1"):
        print("connected")
except UserError as error:
    print(error)
"""
    start = time.monotonic()
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert time.monotonic() - start < 20
    assert (done.stdout, done.stderr) == ("Ray cluster does not respond: 127.0.0.1:1\n", "")


def sweep(storage):
    """Run in a process by the next test."""
    run(ListQueue(sleep, sleep), RayOptions(), storage, "interrupted")


def test_ctrl_c_ends_it_and_leaves_no_process(tmp_path):
    code = f"import sys; from {MODULE} import sweep; sweep(sys.argv[1])"
    driver = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        processes = wait_for_two_actors(driver.pid)
        start = time.monotonic()
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
        out, err = driver.communicate(timeout=30)
    finally:
        driver.kill()
    assert time.monotonic() - start < 15
    assert (out, err.splitlines()[-1]) == ("", "KeyboardInterrupt")
    assert all_end(processes, 10)
    assert list(tmp_path.iterdir()) == []


def wait_for_two_actors(pid):
    """Wait for both actors; return the processes that the driver started."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if sum("ImplicitFunc" in arguments for arguments in process_tree(pid).values()) == 2:
            time.sleep(2)
            return sorted(process_tree(pid))
        time.sleep(0.2)
    raise AssertionError("no task started")


class Remover(ListQueue):
    """Removes a node as soon as a task on it has reached its second epoch."""

    def __init__(self, cluster, node, *works):
        super().__init__(*works)
        self.cluster, self.node, self.removed = cluster, node, 0

    def should_continue(self, task, record):
        if record.reason == self.node.node_id and record.quality.epochs == 2 and not self.removed:
            self.removed += 1
            self.cluster.remove_node(self.node, allow_graceful=False)
        return super().should_continue(task, record)


def lose_a_node(folder):
    """Run in a process by the next test; the cluster and its nodes are real."""
    from ray.cluster_utils import Cluster

    soon = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 1000,
        "health_check_failure_threshold": 3,
    }
    head = {
        "num_cpus": 1,
        "resources": {"timing": 1},
        "env_vars": {"PLACE": "head"},
        "_system_config": soon,
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        other = cluster.add_node(num_cpus=1, env_vars={"PLACE": "elsewhere"})
        queue = Remover(cluster, other, *[partial(train_across_nodes, Path(folder))] * 4)
        run(queue, RayOptions(address=cluster.address), Path(folder, "storage"), "nodes")
    finally:
        cluster.shutdown()
    assert (queue.reasons, sorted(queue.records)) == ({}, [0, 1, 2, 3])
    assert queue.removed == 1
    ended = [record.reason.split() for record in queue.records.values()]
    assert {timed for _, timed, _ in ended} == {"head"}
    # The interrupted task continued on the head, from the epoch it had reached on the other node.
    assert any(began != "0" for _, _, began in ended)
    assert not Path(folder, "storage").exists()


def test_tasks_continue_when_a_node_is_lost(tmp_path):
    """In a process of its own: Ray caches the first token that a process uses."""
    short = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # the paths of its sockets are limited
    code = f"import sys; from {MODULE} import lose_a_node; lose_a_node(sys.argv[1])"
    try:
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            env=os.environ | {"RAY_TMPDIR": short},
            check=True,
            timeout=300,
        )
    finally:
        shutil.rmtree(short, ignore_errors=True)


def test_one_process_can_start_ray_twice(tmp_path):
    code = f"import sys; from {MODULE} import run_twice; run_twice(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=200)


def run_twice(storage):
    for _ in range(2):
        queue = ListQueue(partial(train, 2), partial(time_square, 3))
        run(queue, RayOptions(), storage, "twice")
        assert (queue.reasons, sorted(queue.records)) == ({}, [0, 1])
