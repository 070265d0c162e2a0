"""What is measured: a target in one form."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from runners.measure.targets import Target

EAGER, DEPLOY, COMPILE, ONNX = FORMS = ("eager", "deploy", "compile", "onnx")


@dataclass(frozen=True)
class FormVariant:
    """A target and its form: as written, folded for deployment, compiled, or exported."""

    target: Target
    form: str = EAGER


@dataclass(frozen=True)
class PreparedForm:
    """What other processes need to make a form again, and what its first making took."""

    note: str = ""
    seconds: float = 0.0
    parity: float | None = None
    """Largest difference to eager outputs, over the larger of 1 and their largest entry."""
    channels_last: bool = False
    onnx_file: Path | None = None
