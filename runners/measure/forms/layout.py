"""Which memory format a deployed network is faster in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import torch

from reports.statistics.ratios import ratio_interval
from runners.measure.forms.forms import make_form
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.timing.latency import (
    Rounds,
    TimedCall,
    interleave,
    intra_op_threads,
    select_clock,
)

_ROUNDS = Rounds(most=60, least=20, budget_s=3.0, precision=0.02)


def with_layout(
    variant: FormVariant, prepared: PreparedForm, device: torch.device, threads: int
) -> PreparedForm:
    """`prepared`, in channels-last where that is separably faster at batch 1.

    To be run in a fresh process that has the device alone.
    """
    last = replace(prepared, channels_last=True, note=f"{prepared.note}, channels-last")
    choices = {"contiguous": prepared, "channels-last": last}
    fresh = {name: _fresh(variant, each, device, threads) for name, each in choices.items()}
    with torch.inference_mode(), intra_op_threads(threads):
        samples = interleave(fresh, select_clock(device), _ROUNDS)
    _, _, high = ratio_interval(
        samples.ms["channels-last"], samples.ms["contiguous"], blocks=samples.blocks
    )
    return last if high < 1 else prepared


def _fresh(
    variant: FormVariant, prepared: PreparedForm, device: torch.device, threads: int
) -> Callable[[], TimedCall]:
    form = make_form(variant, prepared, device, threads)
    x = variant.target.make_input(1)
    return lambda: partial(form.fresh(), form.adapt(x))
