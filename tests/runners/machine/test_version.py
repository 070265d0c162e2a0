"""The version is that of the running code."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError

import pytest

import bench
from runners.machine import version
from tests.bench_runs import ROOT


def stated_version():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return re.search(r'^version = "(.+)"$', text, re.MULTILINE)[1]


def test_bench_prints_name_and_version(capsys):
    with pytest.raises(SystemExit) as stop:
        bench.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"lolvit-bench {stated_version()}\n"


def test_a_checkout_does_not_ask_the_installed_metadata(monkeypatch):
    monkeypatch.setattr(version, "version", lambda name: "9.9")
    assert version.project_version() == stated_version()


@pytest.mark.parametrize("text", [None, '[project]\nname = "other"\nversion = "7.0"\n'])
def test_an_installed_package_uses_its_metadata(tmp_path, monkeypatch, text):
    if text is not None:
        (tmp_path / "pyproject.toml").write_text(text, encoding="utf-8")
    monkeypatch.setattr(version, "version", lambda name: "9.9")
    assert version.project_version(tmp_path) == "9.9"


def test_without_metadata_the_version_is_unknown(tmp_path, monkeypatch):
    def absent(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(version, "version", absent)
    assert version.project_version(tmp_path) == "unknown"
