"""A network in the form it runs in: eager, deploy, compile or onnx."""

from __future__ import annotations

import contextlib
import copy
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import fold
from runners.measure.forms.variant import COMPILE, DEPLOY, EAGER, ONNX, FormVariant, PreparedForm
from runners.records.errors import first_line

FormCall = Callable[[Any], object]
_OPSET = 17
# The smallest ONNX network: y = x, of one number.
_IDENTITY = (
    b'\x08\x08\x12\x00:7\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12'
    b"\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\x11"
)


class FormError(RuntimeError):
    """A form that a network cannot take; the message says why."""


@dataclass(frozen=True)
class RunnableForm:
    """A network ready to run."""

    fresh: Callable[[], FormCall]
    """A copy with weights placed anew in memory, where the form allows one."""
    adapt: Callable[[Tensor], Any]
    """Inputs as the call wants them: memory format, device, arrays; never part of a timing."""


def make_form(
    variant: FormVariant, prepared: PreparedForm, device: torch.device, threads: int
) -> RunnableForm:
    """The form of a variant, in this process.

    Args:
        variant: the target and its form.
        prepared: what `preparation.prepare` found.
        device: where to run.
        threads: CPU threads of ONNX Runtime; torch has a setting of its own.

    Raises:
        FormError: there is no such form of it.
        TargetError: the target cannot be built.
    """
    if variant.form == ONNX:
        assert prepared.onnx_file is not None
        return onnx_form(prepared.onnx_file, threads)
    network = variant.target.build().to(device).eval()
    return torch_form(network, variant.form, device, channels_last=prepared.channels_last)


def torch_form(
    network: nn.Module, form: str, device: torch.device, *, channels_last: bool = False
) -> RunnableForm:
    """Eager, deploy or compile, of a network in eval mode on its device."""
    if form == DEPLOY:
        network, _ = folded(network)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    if channels_last:
        network = network.to(memory_format=layout)  # type: ignore[call-overload]

    def adapt(x: Tensor) -> Tensor:
        return x.to(device).contiguous(memory_format=layout)

    if form == COMPILE:
        compiled = compile_static(network)
        return RunnableForm(lambda: compiled, adapt)
    assert form in (EAGER, DEPLOY)
    return RunnableForm(lambda: _copy(network), adapt)


def compile_static(network: nn.Module) -> FormCall:
    """torch.compile for the shapes it meets: a batch of another size is compiled anew."""
    torch._dynamo.config.recompile_limit = 64
    call: FormCall = torch.compile(network, dynamic=False)
    return call


def folded(network: nn.Module) -> tuple[nn.Module, str]:
    """A copy whose convolutions have taken in their norms, and how many norms those are."""
    norms = _norms(network)
    if norms == 0:
        return copy.deepcopy(network), "no BatchNorm to fold"
    own = fold(network)
    if _norms(own) < norms:
        return own, f"{norms - _norms(own)} of {norms} BatchNorms folded"
    from torch.fx.experimental.optimization import fuse

    try:
        traced = fuse(network)
    except Exception as error:  # tracing may fail in any way on code it was not written for
        said = first_line(error)
        return own, f"no BatchNorm folded: it cannot be traced ({said})"
    return traced, f"{norms - _norms(traced)} of {norms} BatchNorms folded"


def export_onnx(network: nn.Module, x: Tensor, file: Path) -> float:
    """Write the network as ONNX with a free batch size; seconds it took.

    Raises:
        FormError: an operator has no ONNX counterpart.
    """
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(), _no_graph_printed():
            warnings.simplefilter("ignore")  # the tracer's, and that this exporter is the older one
            torch.onnx.export(
                network,
                (x,),
                str(file),
                dynamo=False,
                opset_version=_OPSET,
                input_names=["x"],
                dynamic_axes={"x": {0: "batch"}},
            )
    except Exception as error:  # of many kinds
        said = first_line(error)
        raise FormError(f"it cannot be exported to ONNX: {said}") from error
    return time.perf_counter() - start


@contextlib.contextmanager
def _no_graph_printed() -> Iterator[None]:
    """The exporter prints what it cannot export to stdout, where `--json` is, verbose or not."""
    printing = torch._C._jit_onnx_log
    torch._C._jit_onnx_log = lambda *_: None
    try:
        yield
    finally:
        torch._C._jit_onnx_log = printing


def onnx_form(model: Path | bytes, threads: int) -> RunnableForm:
    """A file, or what one holds, in ONNX Runtime on the CPU.

    Raises:
        FormError: ONNX Runtime is not installed, or refuses the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise FormError(
            f"ONNX Runtime cannot be imported ({error}): pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    source = model if isinstance(model, bytes) else str(model)

    def fresh() -> FormCall:
        try:
            session = onnxruntime.InferenceSession(
                source, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common class
            raise FormError(f"ONNX Runtime refuses it: {first_line(error)}") from error
        name = session.get_inputs()[0].name
        return lambda x: session.run(None, {name: x})

    return RunnableForm(fresh, lambda x: x.numpy())


def rehearse(form: str) -> None:
    """Make the smallest network run in a form, so that loading its libraries counts for no other.

    Raises:
        FormError: ONNX Runtime is not installed.
    """
    if form == ONNX:
        made = onnx_form(_IDENTITY, threads=1)
        made.fresh()(made.adapt(torch.zeros(1)))
    elif form == DEPLOY:
        folded(nn.Sequential(nn.BatchNorm2d(1)).eval())


def _norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def _copy(network: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(network)
    except Exception:  # a foreign module may not be copyable; then it stays where it is
        return network
