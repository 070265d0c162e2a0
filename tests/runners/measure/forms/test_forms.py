"""Forms compute what the eager network computes, or raise a FormError."""

from __future__ import annotations

import re
import sys

import pytest
import torch
from torch import nn

from attention_zoo import build
from attention_zoo.layers.conv_norm import ConvNorm
from runners.measure.forms.forms import (
    FormError,
    export_onnx,
    fold_norms,
    make_form,
    onnx_form,
    torch_form,
)
from runners.measure.forms.preparation import randomize_norms
from runners.measure.forms.variant import DEPLOY, EAGER, ONNX, FormVariant, PreparedForm
from tests.runners import tiny
from tests.runners.measure import odd_targets
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")


class Functional(nn.Module):
    """A ConvNorm, and a plain norm that cannot be folded."""

    def __init__(self):
        super().__init__()
        self.own, self.norm = ConvNorm(1, 4, 3), nn.BatchNorm2d(4)

    def forward(self, x):
        return self.norm(self.own(x).relu())


NETWORKS = {
    "linear": (lambda: build("linear", dim=16, num_heads=2), (16, 6, 6)),
    "fwa": (lambda: build("fwa", dim=16, num_heads=2), (16, 8, 8)),
    "window": (lambda: build("window", dim=16, num_heads=2), (16, 9, 9)),
    "network": (lambda: tiny.network("fwa"), (1, tiny.SIDE, tiny.SIDE)),
    "plain": (odd_targets.Plain, (1, 8, 8)),
}


def case(name, batch=3):
    make, shape = NETWORKS[name]
    network = make().eval()
    randomize_norms(network)
    return network, torch.randn(batch, *shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("form", [EAGER, DEPLOY])
@pytest.mark.parametrize("name", NETWORKS)
def test_torch_forms_equal_the_network(name, form, last):
    network, x = case(name)
    with torch.inference_mode():
        expected = network(x)
        form_ = torch_form(network, form, CPU, channels_last=last)
        adapted = form_.adapt(x)
        for _ in range(2):
            torch.testing.assert_close(form_.make_call()(adapted), expected, atol=1e-4, rtol=1e-4)
    assert adapted.is_contiguous(memory_format=torch.channels_last) == last or x.shape[1] == 1
    weights = [w for w in form_.make_call().parameters() if w.ndim == 4 and min(w.shape) > 1]
    assert all(w.is_contiguous(memory_format=torch.channels_last) == last for w in weights)


@pytest.mark.parametrize("form", [EAGER, DEPLOY])
@pytest.mark.parametrize("name", NETWORKS)
def test_each_call_has_weights_of_its_own(name, form):
    network, _ = case(name)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    form_ = torch_form(network, form, CPU)
    copies = [network, form_.make_call(), form_.make_call()]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        first, second = ({w.data_ptr() for w in copies[i].parameters()} for i in (one, other))
        assert first and first.isdisjoint(second)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_accepts_any_batch(tmp_path, name, threads):
    network, x = case(name, batch=5)
    seconds = export_onnx(network, x[:1], tmp_path / "network.onnx")
    assert seconds > 0
    form_ = onnx_form(tmp_path / "network.onnx", threads)
    calls = form_.make_call(), form_.make_call()
    assert calls[0] is not calls[1]
    for call, batch in zip(calls, (5, 1), strict=True):
        (output,) = call(form_.adapt(x[:batch]))
        with torch.inference_mode():
            expected = network(x[:batch])
        torch.testing.assert_close(torch.from_numpy(output), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "note", "left"),
    [
        (lambda: ConvNorm(1, 2, 3), "1 of 1 BatchNorms folded", 0),
        (lambda: nn.Sequential(ConvNorm(1, 2), ConvNorm(2, 2)), "2 of 2 BatchNorms folded", 0),
        (odd_targets.Plain, "2 of 2 BatchNorms folded", 0),
        (odd_targets.NormFirst, "0 of 1 BatchNorms folded", 1),
        (Functional, "1 of 2 BatchNorms folded", 1),
        (lambda: nn.Conv2d(1, 2, 3), "no BatchNorm to fold", 0),
        (odd_targets.Untraceable, r"no BatchNorm folded: the network cannot be traced \(.+\)", 2),
    ],
)
def test_fold_norms(make, note, left):
    network = make().eval()
    randomize_norms(network)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    folded, actual_note = fold_norms(network)
    assert re.fullmatch(note, actual_note)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in folded.modules()) == left
    x = torch.randn(2, 1, 8, 8)
    with torch.inference_mode():
        torch.testing.assert_close(folded(x), network(x), atol=1e-5, rtol=1e-5)
    assert norms == [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]


def test_uncopyable_network_is_used_as_it_is():
    class Single(odd_targets.Plain):
        def __deepcopy__(self, memo):
            raise RuntimeError("only one")

    network = Single().eval()
    form_ = torch_form(network, EAGER, CPU)
    assert form_.make_call() is form_.make_call() is network


def test_operator_without_onnx_counterpart(tmp_path, capfd):
    network, x = odd_targets.NotExportable().eval(), torch.randn(1, 1, 8, 8)
    with pytest.raises(FormError, match=r"^cannot be exported to ONNX: .*col2im.*$"):
        export_onnx(network, x, tmp_path / "network.onnx")
    assert capfd.readouterr() == ("", "")  # stdout may hold JSON


def test_invalid_onnx_file(tmp_path):
    file = tmp_path / "network.onnx"
    file.write_bytes(b"nonsense")
    with pytest.raises(FormError, match=r"^ONNX Runtime rejects it: "):
        onnx_form(file, 1).make_call()


def test_missing_onnx_runtime(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(FormError, match=r"ONNX Runtime cannot be .*pip install onnxruntime"):
        onnx_form(tmp_path / "network.onnx", 1)


def test_make_form_of_a_variant(tmp_path):
    target = Odd("Several")
    file = tmp_path / "network.onnx"
    export_onnx(target.build().eval(), target.make_input(1), file)
    x = target.make_input(4)
    with torch.inference_mode():
        y, (mean, view) = target.build().eval()(x)
        for form in (EAGER, DEPLOY, ONNX):
            form_ = make_form(
                FormVariant(target, form), PreparedForm(onnx_file=file), CPU, threads=1
            )
            output = form_.make_call()(form_.adapt(x))
            flat = output if form == ONNX else (output[0], *output[1])
            for one, other in zip((y, mean, view), flat, strict=True):
                torch.testing.assert_close(one, torch.as_tensor(other), atol=1e-5, rtol=1e-5)
