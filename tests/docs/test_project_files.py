"""The files that surround the code state the same as the code."""

from __future__ import annotations

import re

from ruamel.yaml import YAML

from runners.machine.version import project_version
from tests.bench_runs import ROOT


def read_yaml(path):
    return YAML(typ="safe").load((ROOT / path).read_text(encoding="utf-8"))


def test_the_citation_names_this_version_and_the_reconstructed_papers():
    citation = read_yaml("CITATION.cff")
    assert {"cff-version", "message", "title", "authors", "license"} <= set(citation)
    assert citation["version"] == project_version()
    assert [author["name"] for author in citation["authors"]] == ["The LOLViT Bench developers"]
    numbers = {reference["url"].rpartition("/")[2] for reference in citation["references"]}
    assert numbers == {"2508.01385", "2506.18791"}


def test_the_public_workflow_runs_the_same_checks_as_ci_run():
    (job,) = read_yaml(".github/workflows/ci.yml")["jobs"].values()
    steps = job["steps"]
    assert job["runs-on"].startswith("ubuntu")
    assert [step["run"] for step in steps if ".ci/run" in step.get("run", "")] == ["bash .ci/run"]
    assert not any(re.search("pytest|make ", step.get("run", "")) for step in steps)
    (python,) = [step["with"] for step in steps if "setup-python" in step.get("uses", "")]
    assert python["python-version"] == "3.11"


def test_every_relative_link_of_the_documents_leads_to_a_file():
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not link.startswith(("http", "mailto:")):
                assert (page.parent / link).exists(), f"{page}: {link}"


def test_the_index_lists_every_document():
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    linked = set(re.findall(r"\]\(([^)#\s]+)", index))
    documents = {
        path.name for path in (ROOT / "docs").iterdir() if path.suffix in (".md", ".ipynb")
    }
    assert documents - {"index.md"} <= linked
