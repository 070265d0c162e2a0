"""Choose the memory format in which a prepared form runs."""

from __future__ import annotations

from dataclasses import replace

import torch

from reports.statistics.ratios import ratio_interval
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.timing.latency import interleave, intra_op_threads, select_clock
from runners.measure.timing.protocol import Rounds
from runners.measure.timing.session import TimedVariant, make_call_factory

_ROUNDS = Rounds(most=60, least=20, budget_s=3.0, precision=0.02)


def choose_memory_format(
    variant: FormVariant, prepared: PreparedForm, device: torch.device, threads: int
) -> PreparedForm:
    """Return `prepared`, in channels-last if that is separably faster at batch 1.

    To be run in a fresh process with exclusive use of the device.
    """
    last = replace(prepared, channels_last=True, note=f"{prepared.note}, channels-last")
    choices = {"contiguous": prepared, "channels-last": last}
    factories = {
        name: make_call_factory(TimedVariant(variant, choice, batch=1), device, threads)
        for name, choice in choices.items()
    }
    with torch.inference_mode(), intra_op_threads(threads):
        samples = interleave(factories, select_clock(device), _ROUNDS)
    _, _, high = ratio_interval(
        samples.ms["channels-last"], samples.ms["contiguous"], blocks=samples.blocks
    )
    return last if high < 1 else prepared
