"""Energy of one image: a call repeated until its counter has moved often enough to divide."""

from __future__ import annotations

import time
from collections.abc import Callable

from runners.machine.energy.meter import CounterError, EnergyCounter

TICKS = 10
"""Movements of the counter that make a number: what the last one has missed is then small."""
PATIENCE = 5
"""How many times `seconds` the counter gets to move so often."""
# Reading costs the CPU energy too: many short calls share one reading.
_READ_EVERY_S = 0.01


def measure_energy(
    call: Callable[[], object],
    images_per_call: int,
    counter: EnergyCounter,
    seconds: float = 1.0,
) -> float | str:
    """Millijoules per image while the call follows itself, or the reason in words for none.

    Gross: idle power is included, and so is what other programs take from the same counter.
    Both ends of the span lie where the counter was seen to move, so that a counter that moves
    seldom is not read in the middle of a step.

    Args:
        call: runs the images once; it need not wait for its device.
        images_per_call: how many images that are.
        counter: the device's own.
        seconds: the least time; up to `PATIENCE` times as long where the counter is slow.
    """
    try:
        return _measure(call, images_per_call, counter, seconds)
    except CounterError as error:
        return str(error)


def _measure(
    call: Callable[[], object], images_per_call: int, counter: EnergyCounter, seconds: float
) -> float | str:
    last = counter.read_mj()
    begin = time.monotonic()
    end_soonest, end_latest = begin + seconds, begin + PATIENCE * seconds
    calls = readings = ticks = calls_at_first = calls_at_last = 0
    first: float | None = None
    while True:
        calls += _repeat(call)
        energy = counter.read_mj()
        readings += 1
        if energy != last:
            ticks += 1
            last, calls_at_last = energy, calls
            if first is None:
                first, calls_at_first = energy, calls
        clock = time.monotonic()
        if first is not None and ticks > TICKS and clock >= end_soonest:
            return (last - first) / ((calls_at_last - calls_at_first) * images_per_call)
        stuck = ticks == 0 and clock >= end_soonest
        # A counter that moved at every reading is not slow: the calls are long, and get their time.
        if stuck or (clock >= end_latest and ticks < readings):
            return f"the energy counter moved {ticks} times in {clock - begin:.1f} s: too few"


def _repeat(call: Callable[[], object]) -> int:
    """Run the call until a reading is due; how often that was."""
    calls = 0
    due = time.monotonic() + _READ_EVERY_S
    while calls == 0 or time.monotonic() < due:
        call()
        calls += 1
    return calls
