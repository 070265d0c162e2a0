"""Properties of all files in cluster/: commands parse, links resolve, nothing private."""

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
    relative,
    sweeps,
)

DOCUMENTATION = [ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")]
SWEEPS = sweeps()


def test_every_environment_starts_a_sweep():
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
def test_bench_parses_the_command(name, words):
    try:
        arguments = bench._parse(["sweep", *words])
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
        pytest.fail(f"{name}: several machines require PostgreSQL")


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_linked_files_exist_and_all_files_are_linked(page):
    text = page.read_text()
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (page.parent / link).exists(), link
    for path in re.findall(r"(?<![\w/-])cluster/[\w./-]*\w", text):
        assert (ROOT / path).exists(), path
    names = {path.name for path in page.parent.iterdir() if path.is_file()} - {"README.md"}
    assert {name for name in names if name not in text} <= {"Dockerfile.dockerignore"}


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_addresses_hosts_and_paths_are_examples(path):
    """No real address, host, path or password."""
    text = path.read_text()
    for text_address in re.findall(r"(?<![\d.])\d+(?:\.\d+){3}(?![\d.])", text):
        address = ip_address(text_address)
        assert address.is_loopback or any(address in net for net in DOCUMENTATION), text_address
    assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", text), "a password in a URL"
    for value in re.findall(r"(?i)passw(?:or)?d\s*=\s*([^\s`]*)", text):
        assert value in ("...,", "/dev/stdin"), value
    hosts = re.findall(r"(?<=[/@ ])(?:[a-z0-9-]+\.)+(?:com|org|net|de|io|local)\b(?!/)", text)
    assert all(host.endswith("example.org") for host in hosts), hosts
    assert not re.search(r"(?<![\w.])/(?:work|home|Users|root)/", text)


def test_images_name_no_private_registry():
    images = {
        image
        for path in YAML_FILES
        for document in documents(relative(path))
        for image in _images(document)
    }
    assert images == {"lolvit-bench:latest", "postgres:17"}


def test_installed_extras_exist():
    project = (ROOT / "pyproject.toml").read_text()
    extras = project.split("[project.optional-dependencies]")[1].split("\n[")[0]
    defined = re.findall(r"^(\w+) = \[", extras, re.MULTILINE)
    used = {name for path in FILES for name in re.findall(r"-e '\.\[(\w+)\]'", path.read_text())}
    assert used == {"postgres"} and used <= set(defined)


def test_every_install_uses_the_constraints():
    for path in FILES:
        for line in re.findall(r"pip install .*", path.read_text()):
            assert "-c constraints.txt" in line, f"{relative(path)}: {line}"


def test_the_overview_links_every_folder():
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
        for item in node:
            yield from _images(item)
