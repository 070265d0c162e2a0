"""timm through the front door: a clear line where it does not load, else the right MACs."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys

import pytest

from runners.store.study import stored_records
from tests.bench_runs import QUICK, bench, one_line

# Declares what a torchvision built for another torch lacks; models need none of it.
SHIM = """
import torch
library = torch.library.Library("torchvision", "DEF")
for name in ("nms", "qnms"):
    library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("timm") is None, reason="timm is not installed: it is optional"
    ),
]


@functools.cache
def loads():
    """Asked of another process: a second import here may half succeed."""
    asked = subprocess.run((sys.executable, "-c", "import torchvision"), capture_output=True)
    return asked.returncode == 0


def test_a_torchvision_that_does_not_load_is_one_line(tmp_path):
    if loads():
        pytest.skip("torchvision loads beside this torch")
    done = bench(tmp_path, "measure", "timm:vit_tiny_patch16_224", *QUICK, "--out", "run")
    assert done.returncode == 2
    one_line(done.stderr, "timm cannot be imported", "torchvision")


def test_attention_is_not_missing(tmp_path):
    variables = {}
    if not loads():
        (tmp_path / "shim").mkdir()
        (tmp_path / "shim/sitecustomize.py").write_text(SHIM)
        variables["PYTHONPATH"] = str(tmp_path / "shim")
    targets = ("timm:vit_tiny_patch16_224", "timm:mobilevit_xs", "timm:vit_tini")
    done = bench(tmp_path, "measure", *targets, *QUICK, "--out", "run", **variables)
    assert done.returncode == 2
    one_line(done.stderr, "vit_tini", "did you mean")
    vit, mobilevit = stored_records(tmp_path / "run/study.db")
    assert vit.costs.macs == 1_253_683_200
    assert mobilevit.costs.params == 2_317_848  # as our own MobileViT-XS
