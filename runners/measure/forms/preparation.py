"""Prepare a form: make it once, and check its outputs against those of the eager network."""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf, isnan
from pathlib import Path

import torch
from torch import Tensor, nn

from runners.measure.forms.forms import (
    FormError,
    RunnableForm,
    export_onnx,
    fold_norms,
    onnx_form,
    torch_form,
)
from runners.measure.forms.variant import COMPILE, DEPLOY, ONNX, FormVariant, PreparedForm
from runners.measure.network_io import input_dtype, tensors_of

PARITY = 1e-4
_PARITY_OF_HALF = {torch.float16: 5e-3, torch.bfloat16: 4e-2}
"""Five times the rounding of these types."""


def prepare_form(
    variant: FormVariant, device: torch.device, threads: int, file: Path, batch: int
) -> PreparedForm:
    """Make the form once and compare its outputs with the eager ones, at batch 1 and at `batch`.

    An ONNX export is written to `file`.

    Raises:
        FormError: the form is not supported, or its outputs differ by more than 1e-4 (5e-3 and 4e-2
            for networks in float16 and bfloat16).
        TargetError: the target cannot be built.
    """
    torch.set_num_threads(threads)
    network = variant.target.build()
    randomize_norms(network)
    network = network.to(device).eval()
    inputs = [variant.target.make_input(size) for size in dict.fromkeys((1, batch))]
    dtype = input_dtype(network)
    allowed = _PARITY_OF_HALF.get(dtype, PARITY)
    form, prepared = _make(variant.form, network, inputs[0], device, threads, file)
    call = form.make_call()
    start = time.perf_counter()
    with torch.inference_mode():
        outputs = [_tensors(call(form.adapt(x))) for x in inputs]
        seconds = time.perf_counter() - start
        expected = [_tensors(network(x.to(device, dtype))) for x in inputs]
    if not all(expected):
        raise FormError("parity: the output holds no tensor to compare; not timed")
    largest = max(map(_difference, expected, outputs))
    if not largest <= allowed:
        raise FormError(
            f"parity: outputs of {variant.form} differ from eager ones by {largest:.2g} "
            f"(allowed {allowed:g}); not timed"
        )
    if variant.form == COMPILE:
        sizes = " and ".join(str(len(x)) for x in inputs)
        note = f"compiled in {seconds:.1f} s, for batch {sizes}"
        prepared = replace(prepared, note=note, seconds=seconds)
    return replace(prepared, parity=largest)


def _make(
    form: str, network: nn.Module, x: Tensor, device: torch.device, threads: int, file: Path
) -> tuple[RunnableForm, PreparedForm]:
    if form == ONNX:
        if device.type != "cpu":
            raise FormError("the onnx form runs on the CPU only; omit --device cuda")
        seconds = export_onnx(network, x, file)
        note = f"exported in {seconds:.1f} s"
        return onnx_form(file, threads), PreparedForm(note, seconds, onnx_file=file)
    start = time.perf_counter()
    note = fold_norms(network)[1] if form == DEPLOY else ""
    return torch_form(network, form, device), PreparedForm(note, time.perf_counter() - start)


def randomize_norms(network: nn.Module) -> None:
    """Move norm statistics away from 0 and 1, which would hide a folding mistake."""
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
            assert module.running_var is not None
            shape = module.running_mean.shape
            module.running_mean.copy_(0.1 * torch.randn(shape, generator=generator))
            module.running_var.copy_(0.75 + 0.5 * torch.rand(shape, generator=generator))


def _tensors(output: object) -> list[Tensor]:
    """All tensors and arrays in a nested output, on the CPU."""
    return [tensor.detach().cpu() for tensor in tensors_of(output)]


def _difference(expected: list[Tensor], actual: list[Tensor]) -> float:
    """Largest difference of any pair, relative to the larger of 1 and the expected maximum."""
    if [x.shape for x in expected] != [x.shape for x in actual]:
        return inf
    worst = 0.0
    for x, y in zip(expected, actual, strict=True):
        if x.numel():
            scale = max(1.0, x.abs().max().item())
            difference = (x.float() - y.float()).abs().max().item() / scale
            worst = max(worst, inf if isnan(difference) else difference)
    return worst
