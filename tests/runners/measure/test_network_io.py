"""Networks of other types, outputs and inputs than a float32 image and a tensor."""

from __future__ import annotations

import pytest
import torch

from runners.measure.counting import count_target
from runners.measure.forms.forms import FormError
from runners.measure.forms.preparation import prepare_form
from runners.measure.forms.variant import DEPLOY, EAGER, ONNX, FormVariant
from runners.measure.memory.peak import training_peak
from runners.measure.network_io import input_dtype, tensors_of
from runners.measure.targets import parse_target
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")
NAMES = ("InFloat16", "InBfloat16", "DataclassOutput", "MixedOutput", "Checkpointed")


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("form", [EAGER, DEPLOY, ONNX])
@pytest.mark.parametrize("name", NAMES)
def test_forms_equal_the_eager_network(name, form, tmp_path):
    variant = FormVariant(Odd(name), form)
    if (name, form) == ("InBfloat16", ONNX):
        with pytest.raises(FormError, match="NumPy, which feeds it, has no bfloat16"):
            prepare_form(variant, CPU, 1, tmp_path / "x.onnx", 2)
    else:
        assert prepare_form(variant, CPU, 1, tmp_path / "x.onnx", 2).parity < 0.04


@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad")
@pytest.mark.parametrize("name", NAMES)
def test_they_are_counted_and_trained(name):
    assert count_target(Odd(name), allow_uncounted=False).macs.total == 64 * 9 * (4 + 16)
    assert training_peak(Odd(name), CPU) >= 0


def test_tensors_in_an_output():
    x = torch.zeros(2)
    output = Odd("MixedOutput").build()(torch.zeros(1, 1, 8, 8))
    assert [tuple(t.shape) for t in tensors_of(output)] == [(1, 4, 8, 8), (), (1, 0, 8, 8)]
    assert len(tensors_of((x, None, [x.numpy()], "text", 3))) == 2
    assert tensors_of(None) == tensors_of({"a": ()}) == []


def test_the_type_of_inputs_is_that_of_the_weights():
    assert input_dtype(torch.nn.ReLU()) is torch.float32
    assert input_dtype(Odd("InFloat16").build()) is torch.float16
    embedding = torch.nn.Sequential(torch.nn.Linear(2, 2)).double()
    assert input_dtype(embedding) is torch.float64


NETWORKS = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 1)

    def forward(self, x, scale):
        return self.conv(x) * scale

    def example_inputs(self, batch):
        return torch.randn(batch, 3, 8, 8), torch.rand(batch, 8, 1, 1)
"""


def test_a_network_of_several_declared_inputs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "two_inputs.py").write_text(NETWORKS)
    target = parse_target("two_inputs:Two@8")
    assert count_target(target, allow_uncounted=False).macs.total == 64 * 3 * 8
    assert prepare_form(FormVariant(target, DEPLOY), CPU, 1, tmp_path, 2).parity == 0.0
    assert len(target.build()(torch.zeros(5, 3, 8, 8))) == 5
    with pytest.raises(FormError, match="the inputs of example_inputs"):
        prepare_form(FormVariant(target, ONNX), CPU, 1, tmp_path / "x.onnx", 2)
