"""ONNX Runtime computes what torch computes."""

from __future__ import annotations

import io
import warnings

import onnxruntime
import pytest
import torch

import attention_zoo
from attention_zoo.layers.conv_norm import fold
from tests.attention_zoo.cases import CASES, assert_close, drawn, label, made

# Adaptive pooling has no ONNX operator: torch exports it where the cells tile the map only.
CELLS = {
    "pooled": lambda mixer, side: mixer.pool,
    "fwa": lambda mixer, side: min(mixer.windows.fixed or side, side),
}


slow = pytest.mark.slow  # an export is


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        pytest.param(*case, size, marks=() if not case[1] and size == (7, 13) else slow, id=id_)
        for case in CASES
        for size in ((14, 14), (7, 13), (1, 9))
        for id_ in [f"{label(*case)}-{size}"]
    ],
)
def test_onnx_runtime_agrees(name, options, size):
    mixer = made(name, options)
    x = drawn(size)
    tiled = all(side % CELLS[name](mixer, side) == 0 for side in size) if name in CELLS else True
    if not tiled:
        assert attention_zoo.entry(name).limits["onnx"]
        with pytest.raises(torch.onnx.errors.SymbolicValueError, match="not factor of input size"):
            ran(mixer, x)
        return
    assert_close(ran(mixer, x), mixer(x), 1e-4)
    assert_close(ran(fold(mixer), x), mixer(x), 1e-4)


def ran(mixer, x):
    """The output of the exported mixer; by the tracing exporter, which needs no onnxscript."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer's, and that this exporter is the older one
        torch.onnx.export(mixer, (x,), file, dynamo=False, opset_version=17)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        file.getvalue(), options, providers=["CPUExecutionProvider"]
    )
    feed = {value.name: x.numpy() for value in session.get_inputs()}
    return torch.from_numpy(session.run(None, feed)[0])
