"""With --json, stdout is JSON and nothing else, whatever a network or a library prints."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

import pytest

from runners.cli.output import only_json_on_stdout, print_json
from tests.bench_runs import QUICK, TINY, bench, draw_images

LOUD = '''
"""Prints in every way, wherever it runs."""

import atexit, ctypes, os, subprocess, sys

from torch import nn

from attention_zoo import Mixer, register


def shout(where):
    print("python", where)
    sys.__stdout__.write("original stdout\\n")
    os.write(1, b"descriptor\\n")
    subprocess.run(["echo", "child"])
    os.system("echo shell")
    # Stays in the buffer of the C library until the process ends.
    ctypes.CDLL(None).printf(b"C library\\n")


shout("import")
atexit.register(shout, "exit")


@register("loud", paper="none", complexity="NC^2")
class Loud(Mixer):
    """x W."""

    def __init__(self, dim: int, num_heads: int = 1) -> None:
        super().__init__(dim, num_heads)
        shout("init")
        self.own = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        if not getattr(Loud, "told", False):
            Loud.told = True
            shout("forward")
        return self.own(x)

    def macs(self, height, width):
        return height * width * self.dim**2
'''
WAYS = ("python", "original stdout", "descriptor", "child", "shell", "C library")
COMMANDS = {
    "macs": ("macs", "loud@8x8x8", "lolvit_xxs"),
    "measure": ("measure", "loud@8x8x8", "--quiet", *QUICK),
    "compare": ("compare", "loud", *TINY),
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS.keys())
def test_stdout_is_json(tmp_path: Path, command: tuple[str, ...]) -> None:
    draw_images(tmp_path / "images")
    (tmp_path / "loud.py").write_text(LOUD)
    done = bench(tmp_path, *command, "--json", "--mixer", "loud.py")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)
    for way in WAYS:
        assert way in done.stderr


def test_descriptor_and_stream_are_back_afterwards(capfd) -> None:
    with only_json_on_stdout():
        print("noise")
        os.write(1, b"more noise\n")
        print_json({"a": 1})
    print("after")
    os.write(1, b"last\n")
    out, err = capfd.readouterr()
    assert json.loads(out.removesuffix("after\nlast\n")) == {"a": 1}
    assert err == "noise\nmore noise\n"


def test_an_error_in_the_block_prints_no_json(capfd) -> None:
    with pytest.raises(ValueError), only_json_on_stdout():
        raise ValueError
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_numbers_that_json_lacks_are_null(capsys, number: float) -> None:
    print_json([{"a": number, "b": (number, 1.5)}, "\udcff\n"])

    def refuse(word: str) -> None:
        raise AssertionError(word)

    out = capsys.readouterr().out
    assert json.loads(out, parse_constant=refuse) == [{"a": None, "b": [None, 1.5]}, "\udcff\n"]
