"""Properties of the Kubernetes manifests that a schema does not check."""

from __future__ import annotations

import re
import shlex

import pytest
from ray.autoscaler._private.kuberay import autoscaling_config

from tests.cluster.cluster_files import CLUSTER, ROOT, YAML_FILES, documents, relative

(RAYJOB,) = documents("kubernetes/rayjob.yaml")
(CRONJOB,) = documents("kubernetes/cronjob.yaml")
STORAGE = {document["kind"]: document for document in documents("kubernetes/storage.yaml")}
CLUSTER_SPEC = RAYJOB["spec"]["rayClusterSpec"]
GROUPS = {group["groupName"]: group for group in CLUSTER_SPEC["workerGroupSpecs"]}
TEMPLATES = {
    "submitter": RAYJOB["spec"]["submitterPodTemplate"],
    "head": CLUSTER_SPEC["headGroupSpec"]["template"],
    **{name: group["template"] for name, group in GROUPS.items()},
    "cronjob": CRONJOB["spec"]["jobTemplate"]["spec"]["template"],
    "postgres": STORAGE["StatefulSet"]["spec"]["template"],
}
SECRET = {"secretKeyRef": {"name": "lolvit-postgres", "key": "password"}}


def container(name):
    (only,) = TEMPLATES[name]["spec"]["containers"]
    return only


def environment(name):
    return {variable["name"]: variable for variable in container(name).get("env", [])}


@pytest.mark.parametrize("path", YAML_FILES, ids=relative)
def test_every_document_parses(path):
    assert all(isinstance(document, dict) for document in documents(relative(path)))


def test_api_versions_and_kinds():
    assert (RAYJOB["apiVersion"], RAYJOB["kind"]) == ("ray.io/v1", "RayJob")
    assert (CRONJOB["apiVersion"], CRONJOB["kind"]) == ("batch/v1", "CronJob")
    versions = {kind: document["apiVersion"] for kind, document in STORAGE.items()}
    assert versions == {
        "PersistentVolumeClaim": "v1",
        "Service": "v1",
        "StatefulSet": "apps/v1",
        "NetworkPolicy": "networking.k8s.io/v1",
    }


def test_the_ray_version_is_the_pinned_one():
    pinned = re.search(r"^ray==(\S+)", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
    assert CLUSTER_SPEC["rayVersion"] == pinned[1]


@pytest.mark.parametrize("name", ["timing", "cronjob"])
def test_timing_pods_have_guaranteed_whole_cpus_on_labelled_nodes(name):
    resources = container(name)["resources"]
    assert resources["requests"] == resources["limits"]
    assert set(resources["limits"]) == {"cpu", "memory"}
    assert resources["limits"]["cpu"].isdecimal()
    assert TEMPLATES[name]["spec"]["nodeSelector"] == {"lolvit-bench/timing": "true"}


def test_the_autoscaler_sees_the_resources_of_the_groups():
    config = autoscaling_config._derive_autoscaling_config_from_ray_cr(
        {"metadata": {"name": "x", "namespace": "y"}, "spec": CLUSTER_SPEC}
    )
    types = config["available_node_types"]
    assert types["timing"]["resources"]["timing"] == 1
    assert "timing" not in types["training"]["resources"]
    limits = {name: (node["min_workers"], node["max_workers"]) for name, node in types.items()}
    assert limits["timing"] == (1, 1) and limits["training"] == (1, 8)
    # A sweep requests as many trials as fit on the largest cluster; otherwise it would not grow.
    cores = types["training"]["resources"]["CPU"] * 8
    assert f"--workers {cores:g} " in RAYJOB["spec"]["entrypoint"]
    assert types["timing"]["resources"]["CPU"] == 0
    assert types[config["head_node_type"]]["resources"]["CPU"] == 0
    # As the operator puts it into a command line.
    (words,) = (shlex.split(f"--resources={GROUPS['timing']['rayStartParams']['resources']}"),)
    assert words == ['--resources={"timing": 1}']


def test_a_token_is_required():
    assert CLUSTER_SPEC["authOptions"] == {"mode": "token"}


def test_sweeps_do_not_overlap():
    assert CRONJOB["spec"]["concurrencyPolicy"] == "Forbid"
    # podFailurePolicy requires it.
    assert TEMPLATES["cronjob"]["spec"]["restartPolicy"] == "Never"
    studies = [
        re.search(r"--name[= ](\S+)", text)[1]
        for text in (RAYJOB["spec"]["entrypoint"], shlex.join(container("cronjob")["command"]))
    ]
    assert len(set(studies)) == 2


def test_the_sweep_ends_before_its_deadline():
    hours = int(re.search(r"--time-budget (\d+)h", RAYJOB["spec"]["entrypoint"])[1])
    assert hours * 3600 < RAYJOB["spec"]["activeDeadlineSeconds"]
    (budget,) = (w for w in container("cronjob")["command"] if w.startswith("--time-budget="))
    seconds = int(budget.removeprefix("--time-budget=").removesuffix("h")) * 3600
    assert seconds < CRONJOB["spec"]["jobTemplate"]["spec"]["activeDeadlineSeconds"]


def test_the_password_comes_from_the_secret():
    assert environment("head")["PGPASSWORD"]["valueFrom"] == SECRET
    assert environment("cronjob")["PGPASSWORD"]["valueFrom"] == SECRET
    assert environment("postgres")["POSTGRES_PASSWORD"]["valueFrom"] == SECRET
    assert "PGPASSWORD" not in environment("timing") | environment("training")


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_container_runs_as_root(name):
    spec = TEMPLATES[name]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] > 0
    assert container(name)["securityContext"]["allowPrivilegeEscalation"] is False
    assert "limits" in container(name)["resources"]


@pytest.mark.parametrize("name", TEMPLATES)
def test_mounted_volumes_exist(name):
    spec = TEMPLATES[name]["spec"]
    volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
    if name == "postgres":
        claims = STORAGE["StatefulSet"]["spec"]["volumeClaimTemplates"]
        volumes |= {claim["metadata"]["name"]: {} for claim in claims}
    mounted = {
        mount["name"]: mount["mountPath"] for mount in container(name).get("volumeMounts", [])
    }
    assert set(mounted) == set(volumes)
    claim = STORAGE["PersistentVolumeClaim"]["metadata"]["name"]
    if name not in ("postgres", "submitter"):
        assert mounted["shared"] == "/shared"
        assert volumes["shared"]["persistentVolumeClaim"]["claimName"] == claim
    if name in ("head", "cronjob"):
        assert mounted["config"] == "/etc/lolvit-bench"
        page = (CLUSTER / "kubernetes/README.md").read_text()
        command = (
            f"create configmap {volumes['config']['configMap']['name']} --from-file=sweep.yaml="
        )
        assert command in page


def test_sweeps_can_reach_the_database():
    service, state = STORAGE["Service"], STORAGE["StatefulSet"]
    labels = TEMPLATES["postgres"]["metadata"]["labels"]
    assert state["spec"]["serviceName"] == service["metadata"]["name"] == "lolvit-postgres"
    policy = STORAGE["NetworkPolicy"]["spec"]
    selectors = (service["spec"]["selector"], state["spec"]["selector"]["matchLabels"])
    for selector in (*selectors, policy["podSelector"]["matchLabels"]):
        assert selector.items() <= labels.items()
    assert service["spec"]["ports"][0]["port"] == policy["ingress"][0]["ports"][0]["port"] == 5432
    allowed = policy["ingress"][0]["from"][0]["podSelector"]["matchLabels"]
    for name in ("head", "cronjob"):
        assert allowed.items() <= TEMPLATES[name]["metadata"]["labels"].items()
        assert "@lolvit-postgres:5432/" in RAYJOB["spec"]["entrypoint"] + str(container("cronjob"))


def test_the_image_has_the_user_and_the_job_server():
    lines = (CLUSTER / "kubernetes/Dockerfile").read_text().splitlines()
    assert "FROM python:3.11-slim" in lines
    user = next(line for line in lines if line.startswith("USER "))
    context = TEMPLATES["head"]["spec"]["securityContext"]
    assert user == f"USER {context['runAsUser']}:{context['runAsGroup']}"
    # RayJobs are submitted to the job server, which is not in the plain package.
    assert any("'ray[default]'" in line and "-c constraints.txt" in line for line in lines)
