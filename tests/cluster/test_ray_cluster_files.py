"""The files of Ray's cluster launcher, against Ray's own schema and checks."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import ray.autoscaler
from ray.autoscaler._private import util

from tests.cluster.cluster_files import CLUSTER, documents

NAMES = ("ray/cluster.yaml", "ray/cloud.yaml")


@pytest.fixture(params=NAMES)
def config(request):
    (config,) = documents(request.param)
    return config


def test_it_matches_the_schema(config):
    schema = Path(ray.autoscaler.__file__).with_name("ray-schema.json")
    jsonschema.validate(config, json.loads(schema.read_text()))
    # With Ray's defaults; for local providers this also refuses keys of cloud providers.
    util.validate_config(util.prepare_config(config))


def test_every_command_is_valid_bash(config):
    for key, commands in config.items():
        for command in commands if key.endswith("_commands") else ():
            done = subprocess.run(("bash", "-n"), input=command, text=True, capture_output=True)
            assert done.returncode == 0, f"{key}: {done.stderr}"
            if "ray " in command and "pip" not in command and "/shared/ray-token" not in command:
                assert command.startswith(". /shared/lolvit-bench/cluster/ray/env.sh; "), command


@pytest.mark.parametrize(
    ("host", "options"),
    [
        ("timing-1.example.org", ["--num-cpus=0", '--resources={"timing": 1}']),
        ("worker-2.example.org", []),
    ],
)
def test_the_host_name_selects_the_timing_node(host, options):
    (config,) = documents("ray/cluster.yaml")
    command = config["worker_start_ray_commands"][-1]
    command = command.replace("/shared/lolvit-bench/cluster", str(CLUSTER))
    shell = (
        f"hostname() {{ echo {host}; }}; ulimit() {{ :; }}; RAY_HEAD_IP=192.0.2.1;"
        f'ray() {{ printf "%s\\n" "$@"; }}; ({command})'
    )
    done = subprocess.run(("bash", "-c", shell), capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["start", "--address=192.0.2.1:6379", *options]


def test_one_cloud_node_times_and_the_head_does_not_train():
    (config,) = documents("ray/cloud.yaml")
    types = config["available_node_types"]
    assert [name for name, node in types.items() if "timing" in node["resources"]] == ["timing"]
    assert types["timing"]["resources"]["CPU"] == 0
    # A sweep does not start unless a trial fits on a node.
    assert types["training"]["min_workers"] >= 1
    assert types["timing"]["min_workers"] == types["timing"]["max_workers"] == 1
    assert types[config["head_node_type"]]["resources"] == {"CPU": 0}
    (local,) = documents("ray/cluster.yaml")
    assert "--num-cpus=0" in local["head_start_ray_commands"][-1]


def test_the_dashboard_is_disabled(config):
    assert "--include-dashboard=false" in config["head_start_ray_commands"][-1]
    assert "dashboard-host" not in str(config)


def test_a_token_is_required():
    text = (CLUSTER / "ray/env.sh").read_text()
    assert "RAY_AUTH_MODE=token" in text and "RAY_AUTH_TOKEN_PATH=/shared/ray-token" in text
