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
import torch.utils.checkpoint
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import fold
from runners.measure.forms.variant import COMPILE, DEPLOY, EAGER, ONNX, FormVariant, PreparedForm
from runners.measure.network_io import DeclaredInputs, TensorOutputs, input_dtype
from runners.records.errors import first_line

FormCall = Callable[[Any], object]
_OPSET = 17
_NUMPY = {"tensor(float16)": "float16", "tensor(double)": "float64"}
# The smallest ONNX network: y = x, of one number.
_IDENTITY = (
    b'\x08\x08\x12\x00:7\n\x10\n\x01x\x12\x01y"\x08Identity\x12\x01gZ\x0f\n\x01x\x12\n\n\x08\x08\x01\x12'
    b"\x04\n\x02\x08\x01b\x0f\n\x01y\x12\n\n\x08\x08\x01\x12\x04\n\x02\x08\x01B\x04\n\x00\x10\x11"
)


class FormError(RuntimeError):
    """A network does not support a form; the message says why."""


@dataclass(frozen=True)
class RunnableForm:
    """A network ready to run."""

    make_call: Callable[[], FormCall]
    """Makes a call of a new copy, with its own weights in memory where the form allows it."""
    adapt: Callable[[Tensor], Any]
    """Converts inputs for the call: memory format, device, arrays; never part of a timing."""


def make_form(
    variant: FormVariant, prepared: PreparedForm, device: torch.device, threads: int
) -> RunnableForm:
    """Make the form of a variant, prepared by `prepare_form`, in this process.

    `threads` are those of ONNX Runtime; torch's are set elsewhere.

    Raises:
        FormError: the target does not support the form.
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
    """Make the eager, deploy or compile form of a network in eval mode on its device."""
    if form == DEPLOY:
        network, _ = fold_norms(network)
    dtype = input_dtype(network)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    if channels_last:
        network = network.to(memory_format=layout)  # type: ignore[call-overload]

    def adapt(x: Tensor) -> Tensor:
        return x.to(device, dtype).contiguous(memory_format=layout)

    if form == COMPILE:
        compiled = compile_static(network)
        return RunnableForm(lambda: compiled, adapt)
    assert form in (EAGER, DEPLOY)
    return RunnableForm(lambda: _copy_if_possible(network), adapt)


def compile_static(network: nn.Module) -> FormCall:
    """Apply torch.compile with static shapes: each batch size is compiled separately."""
    torch._dynamo.config.recompile_limit = 64
    call: FormCall = torch.compile(network, dynamic=False)
    return call


def fold_norms(network: nn.Module) -> tuple[nn.Module, str]:
    """Return a copy with norms folded into convolutions, and a note on how many."""
    norms = _count_norms(network)
    if norms == 0:
        return copy.deepcopy(network), "no BatchNorm to fold"
    folded = fold(network)
    if _count_norms(folded) < norms:
        return folded, f"{norms - _count_norms(folded)} of {norms} BatchNorms folded"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch imports what it deprecates
        from torch.fx.experimental.optimization import fuse

    try:
        traced = fuse(network)
    except Exception as error:  # tracing can fail in any way on code it was not written for
        return folded, f"no BatchNorm folded: the network cannot be traced ({first_line(error)})"
    return traced, f"{norms - _count_norms(traced)} of {norms} BatchNorms folded"


def export_onnx(network: nn.Module, x: Tensor, file: Path) -> float:
    """Write the network as ONNX with a dynamic batch size; return the seconds it took.

    Its outputs are the tensors of the network's.

    Raises:
        FormError: an operator has no ONNX counterpart, or the network takes no image.
    """
    if isinstance(network, DeclaredInputs):
        raise FormError("cannot be exported to ONNX: it takes the inputs of example_inputs()")
    if input_dtype(network) == torch.bfloat16:
        raise FormError("cannot be exported to ONNX: NumPy, which feeds it, has no bfloat16")
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(), _suppress_graph_output(), _without_checkpoints():
            warnings.simplefilter("ignore")  # the tracer's, and that this exporter is deprecated
            torch.onnx.export(
                TensorOutputs(network).eval(),
                (x.to(input_dtype(network)),),
                str(file),
                dynamo=False,
                opset_version=_OPSET,
                input_names=["x"],
                dynamic_axes={"x": {0: "batch"}},
            )
    except Exception as error:  # of many kinds
        # Its messages go on with requests to the reader.
        reason = first_line(error).partition(" Please ")[0].rstrip(". ")
        raise FormError(f"cannot be exported to ONNX: {reason}") from error
    return time.perf_counter() - start


@contextlib.contextmanager
def _without_checkpoints() -> Iterator[None]:
    """Run reentrant checkpoints as plain calls: the exporter cannot look into them."""
    function: Any = torch.utils.checkpoint.CheckpointFunction
    function.apply = staticmethod(lambda run, preserve, *inputs: run(*inputs))
    try:
        yield
    finally:
        del function.apply  # that of the base class shows again


@contextlib.contextmanager
def _suppress_graph_output() -> Iterator[None]:
    """The exporter prints what it cannot export to stdout, which may be the JSON of `--json`."""
    original = torch._C._jit_onnx_log
    torch._C._jit_onnx_log = lambda *_: None
    try:
        yield
    finally:
        torch._C._jit_onnx_log = original


def onnx_form(model: Path | bytes, threads: int) -> RunnableForm:
    """Make the form of an ONNX file, or of its content, in ONNX Runtime on the CPU.

    Raises:
        FormError: ONNX Runtime is not installed, or rejects the file.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise FormError(
            f"ONNX Runtime cannot be imported ({error}); pip install onnxruntime"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    source = model if isinstance(model, bytes) else str(model)

    def make_call() -> FormCall:
        try:
            session = onnxruntime.InferenceSession(
                source, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its exceptions have no common class
            raise FormError(f"ONNX Runtime rejects it: {first_line(error)}") from error
        (entry,) = session.get_inputs()
        name, dtype = entry.name, _NUMPY.get(entry.type, "float32")
        return lambda x: session.run(None, {name: x.astype(dtype, copy=False)})

    return RunnableForm(make_call, lambda x: x.numpy())


def load_form_libraries(form: str) -> None:
    """Run a tiny network in a form, so that its libraries count for no other network.

    Raises:
        FormError: ONNX Runtime is not installed.
    """
    if form == ONNX:
        identity = onnx_form(_IDENTITY, threads=1)
        identity.make_call()(identity.adapt(torch.zeros(1)))
    elif form == DEPLOY:
        fold_norms(nn.Sequential(nn.BatchNorm2d(1)).eval())


def _count_norms(network: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def _copy_if_possible(network: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(network)
    except Exception:  # a foreign module may not be copyable, and is used as it is
        return network
