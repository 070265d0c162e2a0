"""The batch ladder: find the batch size of the best throughput, and the largest that fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from runners.measure.forms.forms import RunnableForm, make_form
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.memory.limit import DoesNotFit, is_out_of_memory, limit_memory
from runners.measure.timing.latency import select_clock
from runners.measure.timing.protocol import MeasurementProtocol
from runners.records.record import ThroughputRung

_GAIN = 1.03
"""A rung less than 3 % better than the best one is no gain; two in a row end the climb."""
_RUNG_MS = 100.0
_SLOW_MS = 1000.0
"""A rung with a longer pass is the last one, unless the memory limit is searched."""
_MIN_PASSES, _MAX_PASSES = 3, 6
_FIRST_BATCH_TO_STOP_AT = 64
"""On busy cores the first rungs may all be slow by chance."""
_EDGE = 1 / 16
"""Largest gap between a batch that fits and one that does not, relative to the former."""


@dataclass(frozen=True)
class Ladder:
    """The result of a climb; the best rung has the throughput's batch size."""

    rungs: list[ThroughputRung]
    largest_batch: int
    out_of_memory_batch: int | None

    @property
    def best(self) -> ThroughputRung:
        """The smallest batch within 3 % of the best throughput."""
        best = max(rung.images_per_s for rung in self.rungs)
        near = [rung for rung in self.rungs if _GAIN * rung.images_per_s >= best]
        return min(near, key=lambda rung: rung.batch)


def climb_ladder(
    variant: FormVariant,
    prepared: PreparedForm,
    device: torch.device,
    protocol: MeasurementProtocol,
) -> Ladder:
    """Double the batch size from 1 on, in a fresh process: it limits its own memory.

    Raises:
        DoesNotFit: the requested batch, or a batch of 1, needs more memory than there is.
    """
    torch.set_num_threads(protocol.throughput_threads)
    form = make_form(variant, prepared, device, protocol.throughput_threads)
    call, clock = form.make_call(), select_clock(device)
    if device.type == "cpu":
        limit_memory(protocol.memory_bytes)

    def images_per_s(batch: int) -> float | None:
        """None if the batch does not fit."""
        try:
            with torch.inference_mode():
                return _measure_rate(form, call, clock, variant, batch)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            return None
        finally:
            if device.type == "cuda":
                torch.cuda.empty_cache()

    return _climb(images_per_s, protocol)


def _climb(images_per_s: Callable[[int], float | None], protocol: MeasurementProtocol) -> Ladder:
    rungs: list[ThroughputRung] = []
    batch, without_gain = protocol.batch or 1, 0
    while (rate := images_per_s(batch)) is not None:
        best = max((rung.images_per_s for rung in rungs), default=0.0)
        rungs.append(ThroughputRung(batch=batch, images_per_s=rate))
        without_gain = 0 if rate > _GAIN * best else without_gain + 1
        slow = batch / rate * 1e3 > _SLOW_MS
        saturated = without_gain >= 2 and batch >= _FIRST_BATCH_TO_STOP_AT
        enough = saturated or slow or 2 * batch > protocol.largest_batch
        if protocol.batch or (enough and not protocol.to_the_edge):
            return Ladder(rungs, batch, None)
        batch *= 2
    if not rungs:
        raise DoesNotFit(f"a batch of {batch} does not fit into memory")
    fits, fails = rungs[-1].batch, batch
    while fails - fits > max(1, fits * _EDGE):
        middle = (fits + fails) // 2
        rate = images_per_s(middle)
        if rate is None:
            fails = middle
        else:
            fits = middle
            rungs.append(ThroughputRung(batch=middle, images_per_s=rate))
    return Ladder(rungs, fits, fails)


def _measure_rate(
    form: RunnableForm,
    call: Callable[[object], object],
    clock: Callable[[Callable[[], object]], float],
    variant: FormVariant,
    batch: int,
) -> float:
    """Images per second in the best of a few passes: interference only ever slows one down."""
    x = form.adapt(variant.target.make_input(batch))
    times_ms = [clock(lambda: call(x))]
    while len(times_ms) < _MIN_PASSES or (sum(times_ms) < _RUNG_MS and len(times_ms) < _MAX_PASSES):
        times_ms.append(clock(lambda: call(x)))
    return batch / min(times_ms) * 1e3
