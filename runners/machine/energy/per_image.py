"""Energy per image: repeat a call until the counter has advanced often enough."""

from __future__ import annotations

import time
from collections.abc import Callable

from runners.machine.energy.counters import CounterError, EnergyCounter
from runners.records.unavailable import Unavailable

TICKS = 10
"""Advances of the counter that make a number: what the last one misses is then small."""
MAX_EXTENSION = 5
"""A slow counter gets at most so many times `seconds`."""
# Reading costs CPU energy too, so many short calls share one reading.
_READ_EVERY_S = 0.01


def measure_energy(
    call: Callable[[], object],
    images_per_call: int,
    counter: EnergyCounter,
    seconds: float = 1.0,
) -> float | Unavailable:
    """Millijoules per image while the call is repeated, or why there is no number.

    Gross: idle power is included, and so is what other programs take from the same counter.
    Both ends of the interval lie where the counter advanced, so that a slow counter is not read
    in the middle of a step.

    Args:
        call: runs the images once; it need not wait for its device.
        images_per_call: images per call.
        counter: of the device.
        seconds: minimal duration; up to `MAX_EXTENSION` times as long where the counter is slow.
    """
    try:
        return _measure(call, images_per_call, counter, seconds)
    except CounterError as error:
        return Unavailable(str(error))


def _measure(
    call: Callable[[], object], images_per_call: int, counter: EnergyCounter, seconds: float
) -> float | Unavailable:
    last = counter.read_mj()
    begin = time.monotonic()
    earliest_end, latest_end = begin + seconds, begin + MAX_EXTENSION * seconds
    calls = readings = ticks = calls_at_first = calls_at_last = 0
    first: float | None = None
    while True:
        calls += _repeat_until_reading(call)
        energy = counter.read_mj()
        readings += 1
        if energy != last:
            ticks += 1
            last, calls_at_last = energy, calls
            if first is None:
                first, calls_at_first = energy, calls
        now = time.monotonic()
        if first is not None and ticks > TICKS and now >= earliest_end:
            return (last - first) / ((calls_at_last - calls_at_first) * images_per_call)
        stuck = ticks == 0 and now >= earliest_end
        # A counter that advances at every reading is not slow: the calls are long.
        if stuck or (now >= latest_end and ticks < readings):
            reason = f"the energy counter advanced only {ticks} times in {now - begin:.1f} s"
            return Unavailable(reason)


def _repeat_until_reading(call: Callable[[], object]) -> int:
    """Run the call until a reading is due; return the number of calls."""
    calls = 0
    due = time.monotonic() + _READ_EVERY_S
    while calls == 0 or time.monotonic() < due:
        call()
        calls += 1
    return calls
