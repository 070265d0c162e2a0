"""Bad input: exit code 2, one line on stderr, nothing on stdout, nothing created."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from runners.jobs.arm_queue import open_arm_study
from runners.store import open_storage
from tests.bench_runs import TINY, bench, one_line, tree

NAMES = {
    "unknown mixer": (["sofmax"], ["unknown mixer 'sofmax'", "did you mean 'softmax'?", "linear"]),
    "one good, one unknown": (["none", "lienar"], ["'lienar'", "'linear'"]),
    "no mixer": ([], ["name at least one mixer", "bench.py list"]),
    "twice": (["none", "fwa", "none"], ["'none' is named twice"]),
    "unknown option": (["fwa:windw=3"], ["mixer 'fwa' has no option 'windw'", "window"]),
    "option without value": (["fwa:window"], ["option=value", "'window'"]),
    "bad value": (["window:window=0"], ["window must be a whole number of at least 1, got 0"]),
    "bad word": (["fwa:aggregate=sum"], ["aggregate must be one of"]),
    "unknown variant": (["fwa", "--variant", "lolvit_xss"], ["'lolvit_xss'", "'lolvit_xs"]),
    "no host": (["fwa", "--variant", "ghostnet_1.0"], ["'ghostnet_1.0' cannot host mixers"]),
    "other family": (["fwa", "--variant", "mobilevit_s"], ["cannot host mixers", "lolvit_s"]),
}


@pytest.mark.parametrize("case", NAMES)
@pytest.mark.parametrize("how", ["compare", "--compare"])
def test_names(refused, case, how):
    arguments, words = NAMES[case]
    if how == "--compare" and "--variant" in arguments:  # options may come before as well
        name, *options = arguments
        refused(*options, *TINY, how, name, words=words)
    else:
        refused(how, *arguments, *TINY, words=words)


NUMBERS = {
    **{
        f"{option} {value}": (
            [option, value],
            [f"argument {option}: must be a whole number", value],
        )
        for option in ("--epochs", "--seeds", "--resolution", "--batch-size", "--threads")
        for value in ("0", "-1", "x", "1.5")
    },
    "rate 0": (["--learning-rate", "0"], ["learning_rate must be above 0, got 0.0"]),
    "rate nan": (["--learning-rate", "nan"], ["learning_rate must be above 0, got nan"]),
    "rate inf": (["--learning-rate", "inf"], ["learning_rate must be above 0, got inf"]),
    "rate -1": (["--learning-rate=-1"], ["learning_rate must be above 0, got -1.0"]),
    "rate x": (["--learning-rate", "x"], ["--learning-rate", "'x'"]),
    "below the strides": (["--resolution", "7"], ["total stride of 8, got 7"]),
    "too large": (["--resolution", "99999"], ["resolution 99999 is outside 1 to 2048"]),
    "threads": (["--threads", "99999"], ["--threads 99999: only", "cores are usable"]),
    "device": (["--device", "tpu"], ["--device", "'tpu'", "cpu", "cuda"]),
    "unknown option": (["--epoch-s", "1"], ["--epoch-s"]),
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers(refused, case):
    options, words = NUMBERS[case]
    refused("compare", "none", *TINY, *options, words=words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_no_cuda(refused):
    refused("compare", "none", *TINY, "--device", "cuda", words=["--device cuda", "no CUDA"])


def test_commands(refused):
    refused(words=["COMMAND"])
    refused("cmpare", words=["'cmpare'", "compare"])
    refused("report", words=["RUN"])
    refused("data", words=["ACTION"])
    refused("data", "fetch", "mnist", words=["unknown data set 'mnist'"])
    refused("report", "nowhere", words=["no study in nowhere"])
    refused("report", "file", words=["no study in file"])
    refused("none", "--epochs", "1", words=["none"])
    refused("--compare", "none", "--compare", "fwa")


def on(dataset):
    return ("compare", "none", *TINY, "--dataset", dataset)


def test_data_sets(refused):
    refused(*on("fashion-mist"), words=["unknown data set 'fashion-mist'", "fashion-mnist"])
    refused(*on("cifar10"), words=["cifar10 is not on this machine yet", "data fetch cifar10"])
    refused(*on("folder:nowhere"), words=["no image folder nowhere"])
    refused(*on("folder:file"), words=["no image folder file"])
    refused(*on("folder:"), words=["folder: needs a path"])
    refused(*on("images"), words=["unknown data set 'images'"])


def test_folders_without_images(refused, workdir):
    shutil.rmtree(workdir / "images/val/b")
    refused(*on("folder:images"), words=["only in train/: b"])
    (workdir / "images/val/b").mkdir()
    refused(*on("folder:images"), words=["images/val/b has no image"])
    shutil.rmtree(workdir / "images/val")
    refused(*on("folder:images"), words=["there is no folder images/val"])
    for kind in "bc":
        shutil.rmtree(workdir / f"images/train/{kind}")
    (workdir / "images/val").mkdir()
    refused(*on("folder:images"), words=["images/train has 1 class folders"])


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"x" * 99, "cut"])
def test_a_corrupt_image_is_named(refused, workdir, content):
    path = workdir / "images/train/b/3.png"
    path.write_bytes(path.read_bytes()[:200] if content == "cut" else content)
    refused(*on("folder:images"), words=["cannot read image images/train/b/3.png: "])


OUT = ("compare", "none", *TINY, "--out")


def test_out(refused, workdir):
    refused(*OUT, "file", words=["--out file is a file"])
    refused(*OUT, "file/below", words=["cannot write to file/below"])
    refused(*OUT, "/proc/nowhere/x", words=["cannot write to /proc/nowhere/x"])
    refused(*OUT, "x" * 300, words=["is too long: it has"])
    refused(*OUT, "images", words=["images is already used", "--resume"])


def test_resume(refused, workdir):
    refused(*OUT, "new", "--resume", words=["nothing to resume in new"])
    refused(*OUT[:-1], "--resume", words=["no run of none in runs/"])
    refused(*OUT, "images", "--resume", words=["nothing to resume in images"])
    (workdir / "bad").mkdir()
    (workdir / "bad/.lock").touch()
    (workdir / "bad/study.db").write_bytes(b"not a database" * 999)
    refused(*OUT, "bad", "--resume", words=["bad/study.db"])
    refused("report", "bad", words=["bad/study.db"])


def test_resume_with_another_plan(refused, workdir):
    (workdir / "old").mkdir()
    (workdir / "old/.lock").touch()
    file = workdir / "old/study.db"
    with open_storage(file, study="run") as storage:
        open_arm_study(storage, file, {"recipe": {"epochs": 9}}, ["none"], trained=True)
    refused(*OUT, "old", "--resume", words=["old/study.db was started with a different", "recipe"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission(refused, workdir):
    (workdir / "closed").mkdir(mode=0o500)
    refused(*OUT, "closed/new", words=["cannot write to closed/new"])


PROCESSES = {
    "names": (["--compare", "fwaa"], ["'fwa'"]),
    "numbers": (["compare", "none", "--seeds", "0"], ["--seeds"]),
    "late": (["compare", "none", *TINY, "--out", "file/x"], ["cannot write to file/x"]),
}


@pytest.mark.parametrize("case", PROCESSES)
def test_as_a_process(workdir, case):
    arguments, words = PROCESSES[case]
    before = tree(workdir)
    done = bench(workdir, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    one_line(done.stderr, *words)
    assert tree(workdir) == before


@pytest.mark.parametrize("arguments", [["list"], ["data", "list"]])
def test_an_output_without_space(workdir, arguments):
    with open("/dev/full", "w") as full:
        done = bench(workdir, *arguments, stdout=full)
    assert done.returncode == 2
    one_line(done.stderr, "no space is left")


@pytest.fixture
def disk(workdir):
    """A file system of 20 MiB."""
    path = workdir / "disk"
    path.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=20m", "tmpfs", str(path))
    try:
        made = subprocess.run(mount, capture_output=True).returncode == 0
    except FileNotFoundError:
        made = False
    if not made:
        pytest.skip("may not mount a small file system here")
    yield path
    subprocess.run(("umount", "-l", str(path)), check=True)


@pytest.mark.parametrize("left", [0, 15 * 2**20])
def test_a_disk_that_is_full_from_the_start(refused, disk, left):
    fill(disk / "ballast")
    os.truncate(disk / "ballast", (disk / "ballast").stat().st_size - left)
    refused(*OUT, "disk/run", words=["cannot write to disk/run", "MiB"])
    assert [path.name for path in disk.iterdir()] == ["ballast"]


def fill(file: Path) -> None:
    with open(file, "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(bytes(2**16))
        except OSError:
            pass
