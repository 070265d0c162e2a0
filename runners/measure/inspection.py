"""What needs no clock: counts, the making of forms, peak memory; each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from runners.machine.fingerprint import usable_cores
from runners.measure.counting import TargetCount, count_target
from runners.measure.forms.preparation import prepare
from runners.measure.forms.variant import COMPILE, DEPLOY, EAGER, ONNX, FormVariant, PreparedForm
from runners.measure.memory.limit import DoesNotFit, free_memory, run_within_memory
from runners.measure.memory.peak import inference_peak, training_peak
from runners.measure.protocol import MeasurementProtocol
from runners.processes.isolated import ProcessFailed, run_isolated, run_parallel
from runners.records.errors import first_line
from runners.records.unavailable import Unavailable

_SECOND_BATCH = 2
"""Parity is checked at batch 1 and another one: a form may hold the batch it was made with."""


@dataclass(frozen=True)
class Inspection:
    """A variant after everything that needs no clock."""

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
    """Each variant, or what went wrong with it; as many at once as there are cores.

    Args:
        variants: by name.
        device: where to run.
        protocol: how.
        folder: for ONNX files.
    """
    targets = {each.target.hash: each.target for each in variants.values()}
    at_once = usable_cores() if device.type == "cpu" else 1
    uncounted = protocol.allow_uncounted
    # CUDA maps far more than it uses: a limit on that would end it at once.
    limit = (protocol.memory_bytes or free_memory()) if device.type == "cpu" else None
    counted = run_parallel(
        {
            key: partial(
                run_isolated,
                None,
                run_within_memory,
                limit,
                count_target,
                target,
                allow_uncounted=uncounted,
            )
            for key, target in targets.items()
        },
        at_once,
    )

    def one(variant: FormVariant, file: Path) -> Inspection:
        found = counted[variant.target.hash]
        if isinstance(found, Exception):
            raise found
        threads, form = protocol.latency_threads, variant.form
        prepared = PreparedForm()
        if form in (DEPLOY, ONNX):
            prepared = run_isolated(
                None,
                run_within_memory,
                limit,
                prepare,
                variant,
                device,
                threads,
                file,
                _SECOND_BATCH,
            )
        inferring = None
        # A compiler's own memory cannot be told from the network's.
        if form != COMPILE or device.type == "cuda":
            inferring = run_isolated(
                None, run_within_memory, limit, inference_peak, variant, prepared, device
            )
        training: int | Unavailable = Unavailable("measured of the eager form")
        if form == EAGER:
            try:
                training = run_isolated(
                    None, run_within_memory, limit, training_peak, variant.target, device
                )
            # What cannot be trained may still be measured.
            except (ProcessFailed, DoesNotFit) as error:
                training = Unavailable(first_line(error))
        return Inspection(variant, found, prepared, inferring, training)

    return run_parallel(
        {
            name: partial(one, each, folder / f"{place}.onnx")
            for place, (name, each) in enumerate(variants.items())
        },
        at_once,
    )
