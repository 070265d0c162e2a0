"""Whether something slowed or stopped the cores while the doctor worked on them."""

from __future__ import annotations

from runners.machine.doctor.finding import Finding, not_known
from runners.machine.doctor.sample import Sample


def check_heat(before: Sample, after: Sample) -> Finding:
    """Whether a core lowered its clock because of heat between the samples."""
    name = "heat throttling"
    if before.heat_events is None or after.heat_events is None:
        return not_known(name, "a hot chip lowers its clock in the middle of a run")
    events = after.heat_events - before.heat_events
    said = f"{events} times in the sample, {after.heat_events} since the start, over all cores"
    if events > 0:
        return Finding(name, "warn", said, "the clock was lowered; better cooling, or turbo off")
    if after.heat_events > 0:
        return Finding(name, "ok", said, "not now; long runs on all cores may meet it again")
    return Finding(name, "ok", said, "heat has not lowered the clock")


def check_stops(before: Sample, after: Sample) -> Finding:
    """Whether a control group was stopped for using up its CPU time between the samples."""
    name = "stopped by limit"
    if before.stopped_periods is None or after.stopped_periods is None:
        return not_known(name, "a control group with a CPU limit is stopped when it is used up")
    stops = after.stopped_periods - before.stopped_periods
    said = f"{stops} times in the sample, {after.stopped_periods} since the start"
    if stops > 0:
        means = "threads stood still for tens of ms; fewer threads, or a higher CPU limit"
        return Finding(name, "warn", said, means)
    return Finding(name, "ok", said, "no thread stood still for a CPU limit")
