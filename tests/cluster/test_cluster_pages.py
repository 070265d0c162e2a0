"""What all of cluster/ has in common: lines that the real parser takes, links that lead on."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network

import pytest

import bench
from tests.cluster.cluster_files import (
    CLUSTER,
    FILES,
    PAGES,
    ROOT,
    YAML_FILES,
    documents,
    shown,
    sweeps,
)

DOCUMENTATION = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
SWEEPS = sweeps()


def test_each_way_starts_a_sweep():
    assert {name.split("/")[0] for name, _ in SWEEPS} >= {"ray", "kubernetes", "slurm", "schedule"}
    starting = {name for name, _ in SWEEPS if not name.endswith(".md")}
    assert starting == {
        "kubernetes/cronjob.yaml",
        "kubernetes/rayjob.yaml",
        "schedule/crontab",
        "schedule/sweep.service",
        "slurm/ray.sbatch",
        "slurm/sweep.sbatch",
    }


@pytest.mark.parametrize(("name", "words"), SWEEPS, ids=[name for name, _ in SWEEPS])
def test_the_parser_takes_the_line(name, words):
    try:
        arguments = bench._parser().parse_args(["sweep", *words])
    except SystemExit as refused:
        pytest.fail(f"{name}: bench.py sweep {' '.join(words)}: code {refused.code}")
    assert arguments.resume and arguments.out is not None and arguments.name
    on_ray = arguments.engine == "ray"
    assert (arguments.address == "auto") is on_ray
    assert (arguments.storage_path is not None) is on_ray
    if not name.endswith(".md"):
        assert arguments.time_budget > 0
    if arguments.storage is not None:
        assert re.fullmatch(r"postgresql://lolvit@[a-z.-]+:5432/lolvit", arguments.storage)
    elif on_ray:
        pytest.fail(f"{name}: a SQLite file is not for several machines")


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_what_a_page_names_is_there(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"(?<![\w/-])cluster/[\w./-]*\w", text):
        assert (ROOT / path).exists(), path
    here = {path.name for path in page.parent.iterdir() if path.is_file()} - {"README.md"}
    assert {name for name in here if name not in text} <= {"Dockerfile.dockerignore"}


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_nothing_is_ours_alone(path):
    """No address, host, path or secret that exists."""
    text = path.read_text()
    for found in re.findall(r"(?<![\d.])\d+(?:\.\d+){3}(?![\d.])", text):
        address = ip_address(found)
        assert address.is_loopback or any(address in net for net in DOCUMENTATION), found
    assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", text), "a password in a URL"
    for value in re.findall(r"(?i)passw(?:or)?d\s*=\s*([^\s`]*)", text):
        assert value in ("...,", "/dev/stdin"), value
    hosts = re.findall(r"(?<=[/@ ])(?:[a-z0-9-]+\.)+(?:com|org|net|de|io|local)\b(?!/)", text)
    assert all(host.endswith("example.org") for host in hosts), hosts
    assert not re.search(r"(?<![\w.])/(?:work|home|Users|root)/", text)


def test_images_come_from_no_registry_of_ours():
    found = [
        image for path in YAML_FILES for each in documents(shown(path)) for image in _images(each)
    ]
    assert set(found) == {"lolvit-bench:latest", "postgres:17"}


def test_extras_exist():
    project = (ROOT / "pyproject.toml").read_text()
    extras = project.split("[project.optional-dependencies]")[1].split("\n[")[0]
    known = re.findall(r"^(\w+) = \[", extras, re.MULTILINE)
    used = {name for path in FILES for name in re.findall(r"-e '\.\[(\w+)\]'", path.read_text())}
    assert used == {"postgres"} and used <= set(known)


def test_whoever_installs_minds_the_constraints():
    for path in FILES:
        for line in re.findall(r"pip install .*", path.read_text()):
            assert "-c constraints.txt" in line, f"{shown(path)}: {line}"


def test_the_overview_names_every_folder():
    page = (CLUSTER / "README.md").read_text()
    for folder in CLUSTER.iterdir():
        assert not folder.is_dir() or f"({folder.name}/README.md)" in page


def _images(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "image":
                yield value
            else:
                yield from _images(value)
    elif isinstance(node, list):
        for each in node:
            yield from _images(each)
