"""Preparation refuses a form whose outputs differ from the eager ones."""

from __future__ import annotations

import re
import shutil
import sys
from math import inf, nan

import numpy as np
import pytest
import torch

from runners.measure.forms.forms import FormError
from runners.measure.forms.preparation import PARITY, _difference, _tensors, prepare_form
from runners.measure.forms.variant import COMPILE, DEPLOY, EAGER, ONNX, FormVariant
from runners.measure.targets import NetworkTarget, parse_target
from runners.processes.isolated import ProcessFailed, run_isolated
from tests.runners import tiny
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")
TARGETS = [
    *(parse_target(f"{name}@8x8x16") for name in ("linear", "fwa", "window")),
    NetworkTarget("network", tiny.architecture("fwa")),
    *(Odd(name) for name in ("Plain", "Several", "Untraceable", "NormFirst")),
]
needs_compiler = pytest.mark.skipif(
    not any(map(shutil.which, ("g++", "clang++", "c++"))), reason="no C++ compiler on this machine"
)


def prepare(target, form, folder, batch=2):
    return prepare_form(FormVariant(target, form), CPU, 1, folder / "network.onnx", batch)


@pytest.mark.parametrize("form", [EAGER, DEPLOY, ONNX])
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_forms_agree(tmp_path, target, form):
    prepared = prepare(target, form, tmp_path, batch=3)
    assert 0 <= prepared.parity <= PARITY and (prepared.parity == 0 or form != EAGER)
    assert prepared.seconds >= 0 and not prepared.channels_last
    assert (prepared.onnx_file is not None) == (form == ONNX)
    note = {EAGER: "", DEPLOY: "BatchNorm|linear|fwa|window", ONNX: r"exported in \d+\.\d s"}
    assert re.search(note[form], prepared.note)
    assert bool(prepared.note) == (form != EAGER)


@pytest.mark.parametrize(
    ("name", "form", "difference"),
    [
        ("OtherWhenExported", ONNX, r"0\.0\d+"),
        ("SmallerWhenExported", ONNX, "inf"),
        ("NotANumberWhenExported", ONNX, "inf"),
        ("NotANumber", ONNX, "inf"),
        ("NotANumber", DEPLOY, "inf"),
        ("SharedWeight", DEPLOY, r"0\.\d+"),
    ],
)
def test_forms_that_differ_are_refused(tmp_path, name, form, difference):
    message = (
        rf"^parity: outputs of {form} differ from eager ones by {difference} \(allowed 0\.0001"
    )
    with pytest.raises(FormError, match=message):
        prepare(Odd(name), form, tmp_path)


def test_unsupported_forms(tmp_path, monkeypatch):
    with pytest.raises(FormError, match="cannot be exported to ONNX"):
        prepare(Odd("NotExportable"), ONNX, tmp_path)
    with pytest.raises(FormError, match="the onnx form runs on the CPU"):
        cuda = torch.device("cuda")
        monkeypatch.setattr(torch.nn.Module, "to", lambda self, *_, **__: self)
        prepare_form(FormVariant(Odd("Plain"), ONNX), cuda, 1, tmp_path / "network.onnx", 2)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(FormError, match="pip install onnxruntime"):
        prepare(Odd("Plain"), ONNX, tmp_path)


@pytest.mark.slow
@needs_compiler
def test_compiled_forms(tmp_path):
    """Each in a process of its own, as in a measurement."""
    prepared = run_isolated(500, prepare, Odd("Small"), COMPILE, tmp_path)
    assert 0 <= prepared.parity <= PARITY and prepared.seconds > 0
    assert re.fullmatch(r"compiled in \d+\.\d s, for batch 1 and 2", prepared.note)
    with pytest.raises(ProcessFailed, match=r"FormError: parity: outputs of compile .* 0\.0"):
        run_isolated(500, prepare, Odd("OtherWhenCompiled"), COMPILE, tmp_path, batch=1)


@pytest.mark.parametrize(
    ("expected", "actual", "difference"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0]], 0),
        ([[0.0, 0.5]], [[0.25, 0.5]], 0.25),  # small outputs by the difference itself
        ([[0.0, -8.0]], [[2.0, -8.0]], 0.25),  # large ones over their largest entry
        ([[0.0, 1.0], [0.0, 100.0]], [[0.5, 1.0], [1.0, 100.0]], 0.5),  # each tensor by itself
        ([[1.0]], [[nan]], inf),
        ([[nan]], [[1.0]], inf),
        ([[nan]], [[nan]], inf),
        ([[inf]], [[inf]], inf),
        ([[1.0]], [[inf]], inf),
        ([[inf, 1.0]], [[1.0, 1.0]], inf),
        ([[nan], [0.0]], [[0.0], [0.0]], inf),
        ([[0.0], [0.0]], [[0.0], [nan]], inf),
        ([[1.0]], [[1.0, 1.0]], inf),
        ([[1.0]], [[1.0], [1.0]], inf),
        ([[1.0]], [], inf),
        ([[]], [[]], 0),
        ([], [], 0),
    ],
)
def test_differences(expected, actual, difference):
    first, second = ([torch.tensor(row) for row in rows] for rows in (expected, actual))
    assert _difference(first, second) == difference


def test_tensors_of_any_output():
    one = torch.ones(2)
    for output in (one, (one,), [one], {"x": one}, (None, "text", 3, {"x": [one]}), [one.numpy()]):
        (tensor,) = _tensors(output)
        assert torch.equal(tensor, one)
    assert _tensors([np.float32(3), np.arange(2)])[0] == 3
