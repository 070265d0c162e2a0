"""`bench.py measure timm:MODEL`: one clear line if timm does not load, else correct MACs."""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys

import pytest

from runners.store.study import read_records
from tests.bench_runs import QUICK, bench, one_line

# Declares the operators that a torchvision built for another torch lacks; models use none.
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
def torchvision_loads():
    """Tried in another process, since a second import in this one may partly succeed."""
    done = subprocess.run((sys.executable, "-c", "import torchvision"), capture_output=True)
    return done.returncode == 0


def test_a_torchvision_that_does_not_load_is_one_line(tmp_path):
    if torchvision_loads():
        pytest.skip("torchvision fits this torch")
    done = bench(tmp_path, "measure", "timm:vit_tiny_patch16_224", *QUICK, "--out", "run")
    assert done.returncode == 2
    one_line(done.stderr, "timm cannot be imported", "torchvision")


def test_macs_include_attention(tmp_path):
    variables = {}
    if not torchvision_loads():
        (tmp_path / "shim").mkdir()
        (tmp_path / "shim/sitecustomize.py").write_text(SHIM)
        variables["PYTHONPATH"] = str(tmp_path / "shim")
    targets = ("timm:vit_tiny_patch16_224", "timm:mobilevit_xs", "timm:vit_tini")
    done = bench(tmp_path, "measure", *targets, *QUICK, "--out", "run", **variables)
    assert done.returncode == 2
    one_line(done.stderr, "vit_tini", "did you mean")
    vit, mobilevit = read_records(tmp_path / "run/study.db")
    assert vit.costs.macs == 1_253_683_200
    assert mobilevit.costs.params == 2_317_848  # equal to our own MobileViT-XS
