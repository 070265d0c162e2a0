"""Targets with one fault each, importable by fresh processes, which patches do not reach.

Networks take (B, 1, 8, 8) unless stated otherwise.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from runners.measure.targets import InputShape, Target, TargetError


@dataclass(frozen=True)
class Odd(Target):
    """A network of this module by the name of its class."""

    name: str
    side: int = 8
    claimed_macs: int | None = None
    refused: str = ""
    """Message of the user error that `build` raises."""

    @property
    def shape(self) -> InputShape:
        return InputShape(1, self.side, self.side)

    def identity(self) -> dict[str, Any]:
        return {"kind": "odd", "name": self.name, "side": self.side, "macs": self.claimed_macs}

    def build(self) -> nn.Module:
        if self.refused:
            raise TargetError(self.refused)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return globals()[self.name]()

    def macs_by_formula(self, module: nn.Module, shape: InputShape) -> int | None:
        return self.claimed_macs


class Plain(nn.Module):
    """No fault: convolution, norm, activation, twice; 4 x 9 and 16 x 9 MACs per pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4)
        self.deeper, self.other = nn.Conv2d(4, 4, 3, padding=1), nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Any:
        return self.other(self.deeper(self.norm(self.conv(x)).relu())).relu()


class InFloat16(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.half()


class InBfloat16(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.bfloat16()


@dataclass
class Output:
    logits: Tensor
    hidden: object = None
    count: int = 3


class DataclassOutput(Plain):
    def forward(self, x: Tensor) -> Any:
        return Output(super().forward(x))


class MixedOutput(Plain):
    def forward(self, x: Tensor) -> Any:
        y = super().forward(x)
        return {"a": y, "b": None, "c": 1.5, "d": [], "e": "text", "f": (y.mean(), y[:, :0])}


class Checkpointed(Plain):
    def forward(self, x: Tensor) -> Any:
        return checkpoint(super().forward, x, use_reentrant=True)


class BranchesOnSpread(Plain):
    """Runs a second convolution for all images but flat ones."""

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        return self.deeper(x) if x.std() > 0.01 else x


class BranchesOnSign(Plain):
    """Runs a second convolution for about every other image."""

    def forward(self, x: Tensor) -> Any:
        return self.deeper(self.conv(x)) if x.mean() > 0 else self.conv(x)


class Untraceable(Plain):
    """Branches on values, which no tracer has."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x if x.sum() > -1e9 else -x)


class SharedWeight(Plain):
    """Uses a weight outside its convolution: folding the norm changes this use, too."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + nn.functional.conv2d(x, self.conv.weight, padding=1)


class NormFirst(nn.Module):
    """A norm without a convolution before it."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(1), nn.Conv2d(1, 2, 1)

    def forward(self, x: Tensor) -> Any:
        return self.conv(self.norm(x))


class OtherWhenExported(Plain):
    """Cheats: exports another function than it computes."""

    def forward(self, x: Tensor) -> Any:
        exported = torch.onnx.is_in_onnx_export() or torch.jit.is_tracing()
        return super().forward(x) * (1.01 if exported else 1)


class Small(nn.Module):
    """Compiles in seconds."""

    def forward(self, x: Tensor) -> Any:
        return x.relu() - 1


class OtherWhenCompiled(Small):
    """Cheats: compiles another function than it computes."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) * (1.01 if torch.compiler.is_compiling() else 1)


class SmallerWhenExported(Plain):
    """Cheats: leaves out half of its channels."""

    def forward(self, x: Tensor) -> Any:
        y = super().forward(x)
        return y[:, :2] if torch.onnx.is_in_onnx_export() else y


class NotANumber(Plain):
    """Divides zero by zero."""

    def forward(self, x: Tensor) -> Any:
        y = super().forward(x)
        return (y - y) / (y - y)


class NotANumberWhenExported(Plain):
    """The same, but only in an export."""

    def forward(self, x: Tensor) -> Any:
        y = super().forward(x)
        return (y - y) / (y - y) if torch.onnx.is_in_onnx_export() else y


class NotExportable(Plain):
    """Overlapping patches added up: counted here, but not in ONNX before its 18th set."""

    def forward(self, x: Tensor) -> Any:
        columns = nn.functional.unfold(super().forward(x), 2)
        return nn.functional.fold(columns, x.shape[-2:], 2)


class Several(Plain):
    """A tuple in a tuple, and a view of the input."""

    def forward(self, x: Tensor) -> Any:
        y = super().forward(x)
        return y, (y.mean((2, 3)), x[..., :2])


class Uncounted(Plain):
    """An operator without a counting rule."""

    def forward(self, x: Tensor) -> Any:
        return torch.fft.fft2(super().forward(x)).real


class Raises(Plain):
    """Has an error in its first forward pass."""

    def forward(self, x: Tensor) -> Any:
        raise LookupError("nothing here\nreally")


class Dies(Plain):
    """Ends its process."""

    def forward(self, x: Tensor) -> Any:
        os._exit(3)


class Killed(Plain):
    """Ends like a process that the system kills for memory."""

    def forward(self, x: Tensor) -> Any:
        os.kill(os.getpid(), signal.SIGKILL)


class SmallBatchesOnly(Plain):
    """Divides by zero if a batch is larger than the training batch."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) / (1 // (len(x) < 9))


class DiesOfBatches(Plain):
    """Ends its process if a batch is larger than the training batch."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) if len(x) < 9 else os._exit(4)


class Untrainable(Plain):
    """Raises in training mode."""

    def forward(self, x: Tensor) -> Any:
        if self.training:
            raise RuntimeError("for inference only")
        return super().forward(x)


class Greedy(Plain):
    """Needs 16 MiB per image."""

    def forward(self, x: Tensor) -> Any:
        return super().forward(x) + x.new_ones(x.shape[0], 4 * 2**20).mean()


class Wide(nn.Module):
    """4 MiB of weights, and a temporary map of 8 MiB per image."""

    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Linear(64, 2**14, bias=False)

    def forward(self, x: Tensor) -> Any:
        y = self.weights(x.flatten(1))
        return y.unsqueeze(2).expand(-1, -1, 128).sigmoid().mean((1, 2))


class Nothing(nn.Module):
    """No weights, and no work."""

    def forward(self, x: Tensor) -> Any:
        return x
