"""Start the front door as users do: in a process of its own, in a folder of its own."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
from PIL import Image

from bench import main

ROOT = Path(__file__).parents[1]
BENCH = (sys.executable, str(ROOT / "bench.py"))
# Few rounds and batches; one thread, so that a busy second core cannot make the throughput slow.
QUICK = ("--rounds", "10", "--largest-batch", "4", "--threads", "1")
TINY = ("--dataset", "folder:images", "--resolution", "16", "--epochs", "1", *QUICK)
FILES = {
    "pareto.pdf",
    "pareto.png",
    "records.csv",
    "study.db",
    "table.csv",
    "table.md",
    "table.tex",
}


def draw_images(root: Path, train: int = 12, val: int = 4) -> Path:
    """Three classes of 16 x 16 pixels that differ in brightness."""
    random = np.random.default_rng(0)
    for split, count in (("train", train), ("val", val)):
        for label, kind in enumerate("abc"):
            folder = root / split / kind
            folder.mkdir(parents=True)
            for number in range(count):
                pixels = random.normal(60 + 60 * label, 30, (16, 16, 3)).clip(0, 255)
                Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{number}.png")
    return root


def environment(**changes: str) -> dict[str, str]:
    # One thread also where nothing is timed: on busy cores a second one costs much.
    return {**os.environ, "COLUMNS": "160", "OMP_NUM_THREADS": "1", **changes}


def bench(cwd: Path, *arguments: str, stdout=subprocess.PIPE, **variables: str):
    """Run to the end; the completed process with its texts."""
    return subprocess.run(
        (*BENCH, *arguments),
        cwd=cwd,
        stdout=stdout,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=200,
        env=environment(**variables),
    )


def bench_in_process(cwd: Path, *arguments: str, **variables: str):
    """Run `bench.main` in this process, like `bench` but faster."""
    out, err = io.StringIO(), io.StringIO()
    before, on_terminate = Path.cwd(), signal.getsignal(signal.SIGTERM)
    os.chdir(cwd)
    try:
        with (
            mock.patch.dict(os.environ, environment(**variables)),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = main(arguments)
    except SystemExit as stop:
        code = stop.code
    finally:
        os.chdir(before)
        signal.signal(signal.SIGTERM, on_terminate)
    return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())


def start_on_one_core(cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    """Begin a run whose arms follow one another, as leader of its own session."""
    core = min(os.sched_getaffinity(0))
    return subprocess.Popen(
        (*BENCH, *arguments),
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        start_new_session=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )


def wait_for(process: subprocess.Popen[str], text: str) -> str:
    """Read stderr up to the line with the text."""
    seen = []
    for line in process.stderr:
        seen.append(line)
        if text in line:
            return "".join(seen)
    raise AssertionError(f"ended without {text!r}: {''.join(seen)}")


def session_of(process: subprocess.Popen[str]) -> list[int]:
    """Every process of its session but itself."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == process.pid and int(folder.name) != process.pid:
                found.append(int(folder.name))
    return found


def tree(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder below, with size and time of change."""
    return {
        str(path.relative_to(folder)): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if not path.is_dir()
    } | {str(path.relative_to(folder)): (0, 0) for path in folder.rglob("*") if path.is_dir()}


def one_line(text: str, *words: str) -> None:
    """Assert that an error is one line that names what is wrong."""
    assert text.startswith("bench.py: ") and text.endswith("\n"), text
    assert text.count("\n") == 1 and "Traceback" not in text, text
    assert all(word in text for word in words), (words, text)
