"""The Ray engine from outside: what it starts, what it leaves, and nodes that go away."""

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

from runners.engines.ray.run import RayOptions, run
from tests.runners.alive import all_end
from tests.runners.engines.ray_tasks import Tray, family, sleep, squared, train, travel

pytestmark = pytest.mark.slow  # each begins a Ray of its own

MODULE = "tests.runners.engines.test_ray_processes"


def test_no_cluster():
    """In a process of its own: this one has a Ray."""
    script = """
from runners.engines.ray import connection
from runners.records.errors import UserError
connection._PATIENCE_S = 4.0
try:
    with connection.connected("127.0.0.1:1"):
        print("connected")
except UserError as error:
    print(error)
"""
    began = time.monotonic()
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert time.monotonic() - began < 20
    assert (done.stdout, done.stderr) == ("no Ray cluster answers at 127.0.0.1:1\n", "")


def sweep(storage):
    """What the process of the next test does."""
    run(Tray(sleep, sleep), RayOptions(), storage, "interrupted")


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
        processes = until_two_sleep(driver.pid)
        began = time.monotonic()
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does
        out, err = driver.communicate(timeout=30)
    finally:
        driver.kill()
    assert time.monotonic() - began < 15
    assert (out, err.splitlines()[-1]) == ("", "KeyboardInterrupt")
    assert all_end(processes, 10)
    assert list(tmp_path.iterdir()) == []


def until_two_sleep(pid):
    """Wait for both actors; the processes that the driver started."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if sum("ImplicitFunc" in arguments for arguments in family(pid).values()) == 2:
            time.sleep(2)
            return sorted(family(pid))
        time.sleep(0.2)
    raise AssertionError("no task began")


class Remover(Tray):
    """Takes a node away as soon as a task on it has come to its second epoch."""

    def __init__(self, cluster, node, *works):
        super().__init__(*works)
        self.cluster, self.node, self.removed = cluster, node, 0

    def should_continue(self, task, record):
        if record.reason == self.node.node_id and record.quality.epochs == 2 and not self.removed:
            self.removed += 1
            self.cluster.remove_node(self.node, allow_graceful=False)
        return super().should_continue(task, record)


def lose_a_node(folder):
    """What the process of the next test does; the cluster and its nodes are real."""
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
        queue = Remover(cluster, other, *[partial(travel, Path(folder))] * 4)
        run(queue, RayOptions(address=cluster.address), Path(folder, "storage"), "nodes")
    finally:
        cluster.shutdown()
    assert (queue.reasons, sorted(queue.records)) == ({}, [0, 1, 2, 3])
    assert queue.removed == 1
    ended = [found.reason.split() for found in queue.records.values()]
    assert {timed for _, timed, _ in ended} == {"head"}
    # The one that was cut off went on at the head, where the other one had brought it.
    assert any(began != "0" for _, _, began in ended)
    assert not Path(folder, "storage").exists()


def test_a_node_goes_away(tmp_path):
    """In a process of its own: one that had a Ray keeps that one's token."""
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
    code = f"import sys; from {MODULE} import twice; twice(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, timeout=200)


def twice(storage):
    for _ in range(2):
        queue = Tray(partial(train, 2), partial(squared, 3))
        run(queue, RayOptions(), storage, "twice")
        assert (queue.reasons, sorted(queue.records)) == ({}, [0, 1])
