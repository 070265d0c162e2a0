"""Files and addresses that are wrong: exit code 2, one line on stderr, nothing left behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from runners.jobs.arm_queue import open_arm_study
from runners.records.errors import UserError, brief
from runners.search.samplers import check_sampler
from runners.store import open_storage
from runners.store.run_folder import lock_run_folder
from tests.bench_runs import TINY, tree

SWEEP = """
space: {preset: tiny}
objectives: {val_accuracy: maximize, latency_ms: minimize}
sampler: {name: random}
trials: 2
training: {dataset: fashion-mnist-mini, epochs: 2}
"""
# What is wrong: (text of the file to replace, by what, words of the message).
SWEEPS = {
    "five objectives": (
        "latency_ms: minimize}",
        "latency_ms: minimize, latency_ratio: minimize, macs: minimize, params: minimize}",
        ["objectives: at most 4", "got 5"],
    ),
    "rungs after the last epoch": ("trials", "rungs: {first: 2}\ntrials", ["rungs.first is 2"]),
    "an endless timing": ("trials", "latency: {seconds: .inf}\ntrials", ["latency.seconds", "inf"]),
    "threads of a timing": ("trials", "latency: {threads: 9999}\ntrials", ["latency.threads 9999"]),
    "threads of a training": ("epochs: 2", "threads: 9999", ["training.threads 9999", "cores"]),
    "a large batch": ("epochs: 2", "batch_size: 100000", ["100,000", "6,000 training images"]),
    "an infinite rate": ("epochs: 2", "learning_rate: .inf", ["training.learning_rate", "finite"]),
    "an unknown condition": (
        "preset: tiny",
        "preset: tiny, dimensions: {width.4: {choices: [0.5, 1.0], when: {nothing: [1]}}}",
        ["'width.4'", "unknown dimension 'nothing'"],
    ),
    "deep lists": ("{preset: tiny}", "[" * 3000 + "]" * 3000, ["nested too deeply"]),
    "deep mappings": ("{preset: tiny}", "{a: " * 3000 + "1" + "}" * 3000, ["nested too deeply"]),
    "a long word": ("random", "x" * 500_000, ["unknown sampler 'xxx", "...", "nsga2"]),
    "a sampler's option": ("name: random", "name: tpe, options: {startup: -1}", ["'startup'"]),
    "an impossible constraint": (
        "preset: tiny",
        "preset: tiny, constraints: [macs <= 1]",
        ["'macs <= 1'"],
    ),
}


@pytest.mark.parametrize("case", SWEEPS)
def test_sweep_files(refused, workdir, case):
    old, new, words = SWEEPS[case]
    assert old in SWEEP
    (workdir / "bad.yaml").write_text(SWEEP.replace(old, new, 1))
    refused("sweep", "bad.yaml", "--quiet", "--out", "new", words=words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_a_sweep_file_with_a_device_that_is_missing(refused, workdir):
    (workdir / "bad.yaml").write_text(SWEEP + "device: cuda\n")
    refused("sweep", "bad.yaml", "--quiet", "--out", "new", words=["device cuda", "no CUDA"])


OPTIONS = {
    "an empty --out": (["--out", ""], ["--out", "empty"]),
    "an empty --storage": (["--storage", ""], ["--storage"]),
    "an empty --name": (["--name", " "], ["--name"]),
    "a --name of two lines": (["--name", "a\nb"], ["--name", "on one line"]),
    "a control character in --name": (["--name", "a\x07b"], ["--name", "printable"]),
    "a wrong URL": (["--storage", "junk://x"], ["junk://x", "postgresql://"]),
    "an unreachable server": (["--storage", "postgresql://u@127.0.0.1:1/x"], ["127.0.0.1:1"]),
    "an abbreviation": (["--trial", "3"], ["--trial"]),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_sweep_options(refused, workdir, case):
    if case == "an unreachable server":
        pytest.importorskip("psycopg")
    options, words = OPTIONS[case]
    (workdir / "good.yaml").write_text(SWEEP)
    out = () if "--out" in options else ("--out", "new")
    refused("sweep", "good.yaml", "--quiet", *out, *options, words=words)


ARCHITECTURES = {
    "binary": (bytes(range(256)), ["cannot read"]),
    "null bytes": (b"a,b\n\x00\x01,2\n", ["bad.csv"]),
    "a cell too many": (b"width,depth.3\n0.25,1,7\n", ["line 2 has more cells"]),
    "a quote that never ends": (b'width,"depth\n1,2\n', ["cannot read"]),
    "a huge cell": (b"width\n" + b"m" * 200_000 + b"\n", ["field limit"]),
    "half of a list": (b'width\n"[1,"\n', ["column 'width'"]),
    "nothing": (b"", ["contains no architectures"]),
    "another value": (b"width\n0.123\n", ["entry 1", "'width' cannot be 0.123"]),
}


@pytest.mark.parametrize("case", ARCHITECTURES)
def test_architectures_to_enqueue(refused, workdir, case):
    content, words = ARCHITECTURES[case]
    (workdir / "bad.csv").write_bytes(content)
    (workdir / "good.yaml").write_text(SWEEP)
    command = ("sweep", "good.yaml", "--quiet", "--out", "new", "--enqueue", "bad.csv")
    refused(*command, words=words)


NUMBERS = {
    "port": (["dashboard", ".", "--port", "70000"], ["--port", "65535"]),
    "seed": (["space", "tiny", "--seed", "-1"], ["--seed", "at least 0"]),
    "rounds": (["compare", "none", "--rounds", "1"], ["--rounds", "at least 2"]),
    "precision": (["compare", "none", "--precision", "200%"], ["--precision", "200%"]),
    "batch": (["compare", "none", *TINY, "--batch-size", "37"], ["batch size 37", "33 training"]),
    "colon": (["compare", "fwa:", *TINY], ["'fwa:' ends with a colon"]),
    "measure without a map": (["measure", "fwa"], ["fwa: name the size", "fwa@56x56x64"]),
    "macs without a map": (["macs", "window:window=7"], ["window:window=7@56x56x64"]),
    "an empty path": (["report", ""], ["RUN", "empty"]),
    "a long name": (["compare", "m" * 100_000, *TINY], ["unknown mixer 'mmm", "..."]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_values_of_options(refused, case):
    arguments, words = NUMBERS[case]
    refused(*arguments, words=words)


MIXER = '''
from torch import nn
from attention_zoo import register

@register("mine", paper="none", complexity="N")
class Mine(nn.Module):
    """Mine."""

'''
MIXERS = {
    "an exception": ("raise RuntimeError('boom')", ["mine.py, line 9: RuntimeError: boom"]),
    "a missing module": ("import nothing_such", ["mine.py, line 9: ModuleNotFoundError", "such"]),
    "an exit": ("raise SystemExit(3)", ["mine.py, line 9: SystemExit: 3"]),
    "a deep exception": ("import json; json.loads('{')", ["mine.py, line 9: JSONDecodeError"]),
    "a mistake of syntax": ("def f(:", ["mine.py, line 9: invalid syntax"]),
}


@pytest.mark.parametrize("case", MIXERS)
@pytest.mark.parametrize(
    "command",
    [["macs", "lolvit_xs"], pytest.param(["compare", "none", *TINY], marks=pytest.mark.slow)],
)
def test_mixer_files_that_fail(refused, workdir, monkeypatch, case, command):
    monkeypatch.setenv("ATTENTION_ZOO_FILES", "")
    line, words = MIXERS[case]
    (workdir / "mine.py").write_text(MIXER + line + "\n")
    refused(*command, "--mixer", "mine.py", words=words)


def test_a_mixer_file_with_an_incomplete_declaration(refused, workdir, monkeypatch):
    monkeypatch.setenv("ATTENTION_ZOO_FILES", "")
    (workdir / "mine.py").write_text(MIXER.replace(', complexity="N"', ""))
    refused("list", "--mixer", "mine.py", words=["mine.py, line 5", "lacks complexity"])


def test_a_report_changes_nothing_in_a_study_without_results(refused, workdir):
    (workdir / "old").mkdir()
    file = workdir / "old/study.db"
    file.touch()
    refused("report", "old", words=["holds no study"])
    with open_storage(file, study="run") as storage:
        open_arm_study(storage, file, {"recipe": None}, ["none"], trained=False)
    before = file.read_bytes()
    refused("report", "old", words=["nothing to report"])
    assert file.read_bytes() == before
    os.chmod(file, 0o400)
    refused("report", "old", words=["nothing to report"])


SAMPLERS = {
    "tpe": {"startup": [-1, 2.5, True], "candidates": [0, 1.5], "multivariate": [1]},
    "qmc": {"scramble": [3, 0, 1.0]},
    "gp": {"startup": [0, -1, 2.0]},
    "nsga2": {"population": [0, 1, 2.5], "crossover": [-0.1, 1.1, True]},
    "nsga3": {"population": [1], "crossover": [2]},
    "grid": {"startup": [1]},
}


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [(n, o, v) for n, options in SAMPLERS.items() for o, values in options.items() for v in values],
)
def test_options_of_samplers(name, option, value):
    with pytest.raises(UserError, match=rf"sampler '{name}'.*'{option}'"):
        check_sampler(name, {option: value})


def test_messages_stay_short():
    assert brief("a  b\nc") == "a b c"
    assert brief("x " * 10_000).startswith("x x x") and len(brief("x " * 10_000)) <= 800
    assert len(brief(f"unknown name {'y' * 10**6!r}; available: fwa")) < 200
    assert brief(f"unknown name {'y' * 10**6!r}; available: fwa").endswith("available: fwa")


def folder_after(folder: Path, *files: str, error: BaseException) -> dict[str, tuple[int, int]]:
    """What is in the parent of a run folder after a run that made these files and raised."""
    with pytest.raises(type(error)), lock_run_folder(folder):
        for file in files:
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).touch()
        raise error
    return tree(folder.parent)


def test_a_failed_start_leaves_no_folder(tmp_path):
    for error in (UserError("x"), ValueError("x")):
        with pytest.raises(type(error)), lock_run_folder(tmp_path / "runs/new"):
            raise error
        assert list(tmp_path.iterdir()) == []
        (tmp_path / "runs").mkdir()
        left = folder_after(tmp_path / "runs/new", "sweep.json", "study.db", error=error)
        assert set(left) == set()
        shutil.rmtree(tmp_path / "runs")


def test_an_interrupted_start_can_be_resumed(tmp_path):
    left = folder_after(tmp_path / "new", "study.db", error=KeyboardInterrupt())
    assert "new/study.db" in left


def test_a_failed_start_keeps_what_was_there(tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old/study.db").touch()
    left = folder_after(tmp_path / "old", "sweep.json", error=UserError("x"))
    assert set(left) == {"old", "old/study.db"}


def test_a_failure_later_keeps_everything(tmp_path):
    left = folder_after(tmp_path / "new", "front.csv", error=UserError("x"))
    assert {"new/front.csv", "new/.lock"} <= set(left)
    left = folder_after(tmp_path / "a", "checkpoints/x.pt", error=UserError("x"))
    assert "a/checkpoints/x.pt" in left
