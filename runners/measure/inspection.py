"""Everything about a variant that needs no clock: counts, its form, peak memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

from runners.machine.fingerprint import usable_cores
from runners.measure.counting import TargetCount, count_target
from runners.measure.forms.preparation import prepare_form
from runners.measure.forms.variant import COMPILE, DEPLOY, EAGER, ONNX, FormVariant, PreparedForm
from runners.measure.memory.limit import DoesNotFit, run_within_memory
from runners.measure.memory.peak import inference_peak, training_peak
from runners.measure.timing.protocol import MeasurementProtocol
from runners.processes.isolated import ProcessFailed, run_isolated, run_parallel
from runners.records.errors import first_line
from runners.records.unavailable import Unavailable

P = ParamSpec("P")
Result = TypeVar("Result")

_SECOND_BATCH = 2
"""Parity is checked at batch 1 and another one: a form may be tied to its first batch size."""


@dataclass(frozen=True)
class Inspection:
    """A variant and everything about it that needs no clock."""

    variant: FormVariant
    counted: TargetCount
    prepared: PreparedForm
    inference_peak: int | None
    training_peak: int | Unavailable


def inspect_variants(
    variants: Mapping[str, FormVariant],
    device: torch.device,
    protocol: MeasurementProtocol,
    folder: Path,
) -> Mapping[str, Inspection | Exception]:
    """Inspect each variant in processes of its own, as many at once as there are cores.

    The memory of the protocol is that of each CPU process; ONNX files are written to the folder.

    Returns:
        By name, the inspection or the error that ended it.
    """
    targets = {variant.target.hash: variant.target for variant in variants.values()}
    at_once = usable_cores() if device.type == "cpu" else 1
    # CUDA maps far more than it uses, so a limit would end the process at once.
    limit = protocol.memory_bytes if device.type == "cpu" else None

    def run(function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs) -> Result:
        call = partial(function, *args, **kwargs)
        return run_isolated(protocol.patience_s, run_within_memory, limit, call)

    counts = run_parallel(
        {
            key: partial(run, count_target, target, allow_uncounted=protocol.allow_uncounted)
            for key, target in targets.items()
        },
        at_once,
    )

    def inspect(variant: FormVariant, file: Path) -> Inspection:
        counted = counts[variant.target.hash]
        if isinstance(counted, Exception):
            raise counted
        threads, form = protocol.latency_threads, variant.form
        prepared = PreparedForm()
        if form in (DEPLOY, ONNX):
            prepared = run(prepare_form, variant, device, threads, file, _SECOND_BATCH)
        inference = None
        # The compiler's own memory cannot be separated from the network's.
        if form != COMPILE or device.type == "cuda":
            inference = run(inference_peak, variant, prepared, device)
        training: int | Unavailable = Unavailable("measured for the eager form only")
        if form == EAGER:
            try:
                training = run(training_peak, variant.target, device)
            # What cannot be trained may still be measured.
            except (ProcessFailed, DoesNotFit) as error:
                training = Unavailable(first_line(error))
        return Inspection(variant, counted, prepared, inference, training)

    return run_parallel(
        {
            name: partial(inspect, variant, folder / f"{index}.onnx")
            for index, (name, variant) in enumerate(variants.items())
        },
        at_once,
    )
