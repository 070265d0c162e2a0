"""What needs no clock: counts, the making of forms, peak memory; each in a process of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from runners.machine.fingerprint import usable_cores
from runners.measure.counting.count_target import Counted, count_target
from runners.measure.forms.preparation import prepare
from runners.measure.forms.variant import COMPILE, DEPLOY, EAGER, ONNX, Contender, Prepared
from runners.measure.memory.limit import DoesNotFit, free_memory, within
from runners.measure.memory.peak import inference_peak, training_peak
from runners.measure.protocol import Protocol
from runners.processes.isolated import ProcessFailed, alone, side_by_side
from runners.records.errors import first_line

_SECOND_BATCH = 2
"""Parity is checked at batch 1 and another one: a form may hold the batch it was made with."""


@dataclass(frozen=True)
class Examined:
    """A contender after everything that needs no clock."""

    contender: Contender
    counted: Counted
    prepared: Prepared
    inference_peak: int | None
    training_peak: int | str
    """Or the reason why there is none."""


def examine(
    contenders: Mapping[str, Contender], device: torch.device, protocol: Protocol, folder: Path
) -> Mapping[str, Examined | Exception]:
    """Each contender, or what went wrong with it; as many at once as there are cores.

    Args:
        contenders: by name.
        device: where to run.
        protocol: how.
        folder: for ONNX files.
    """
    targets = {each.target.hash: each.target for each in contenders.values()}
    at_once = usable_cores() if device.type == "cpu" else 1
    uncounted = protocol.allow_uncounted
    # CUDA maps far more than it uses: a limit on that would end it at once.
    limit = (protocol.memory_bytes or free_memory()) if device.type == "cpu" else None
    counted = side_by_side(
        {
            key: partial(
                alone, None, within, limit, count_target, target, allow_uncounted=uncounted
            )
            for key, target in targets.items()
        },
        at_once,
    )

    def one(contender: Contender, file: Path) -> Examined:
        found = counted[contender.target.hash]
        if isinstance(found, Exception):
            raise found
        threads, form = protocol.latency_threads, contender.form
        prepared = Prepared()
        if form in (DEPLOY, ONNX):
            prepared = alone(
                None, within, limit, prepare, contender, device, threads, file, _SECOND_BATCH
            )
        inferring = None
        # A compiler's own memory cannot be told from the network's.
        if form != COMPILE or device.type == "cuda":
            inferring = alone(None, within, limit, inference_peak, contender, prepared, device)
        training: int | str = "measured of the eager form"
        if form == EAGER:
            try:
                training = alone(None, within, limit, training_peak, contender.target, device)
            # What cannot be trained may still be measured.
            except (ProcessFailed, DoesNotFit) as error:
                training = first_line(error)
        return Examined(contender, found, prepared, inferring, training)

    return side_by_side(
        {
            name: partial(one, each, folder / f"{place}.onnx")
            for place, (name, each) in enumerate(contenders.items())
        },
        at_once,
    )
