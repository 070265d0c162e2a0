"""A whole search on a Ray cluster of two nodes, one of which is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest

TRIALS = 16


def search_on_two_nodes(folder):
    """In a process of its own: Ray caches the first token that a process uses."""
    from ray.cluster_utils import Cluster

    from runners.engines.ray import RayOptions, run
    from runners.evaluators.tabulated import TabulatedEvaluator
    from runners.progress.listener import Listener
    from runners.search.limits import Limits
    from tests.runners.search import sweeps

    head = {"num_cpus": 1, "resources": {"timing": 1}}
    head["_system_config"] = {
        "health_check_initial_delay_ms": 0,
        "health_check_period_ms": 1000,
        "health_check_failure_threshold": 3,
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)

    class Remover(Listener):
        def on_end(self, record):
            if self.node is not None and record.state.value == "finished":
                cluster.remove_node(self.node, allow_graceful=False)
                self.node = None

    listener = Remover()
    try:
        listener.node = cluster.add_node(num_cpus=1)
        evaluator = TabulatedEvaluator(Limits(), True, immediate=False, epoch_s=0.15)
        rungs = {"first": 1, "eta": 2}
        options = {"evaluator": evaluator, "rungs": rungs, "trials": TRIALS, "watch": listener}
        with sweeps.begun(folder, **options) as search:
            run(search, RayOptions(address=cluster.address), folder / "storage", "nodes")
            search.close()
    finally:
        cluster.shutdown()
    assert listener.node is None
    states = Counter(sweeps.table(search).values())
    assert states["finished"] + states["pruned"] == TRIALS and states["failed"] == 0


@pytest.mark.slow
def test_a_sweep_survives_the_loss_of_a_node(tmp_path):
    pytest.importorskip("ray")
    short = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # the paths of its sockets are limited
    try:
        subprocess.run(
            [sys.executable, "-m", "tests.runners.search.test_ray_sweep", str(tmp_path)],
            check=True,
            timeout=280,
            env=os.environ | {"RAY_TMPDIR": short, "TMPDIR": short},
            cwd=Path(__file__).parents[3],
        )
    finally:
        shutil.rmtree(short, ignore_errors=True)


if __name__ == "__main__":
    search_on_two_nodes(Path(sys.argv[1]))
