"""Whether memory is short, or goes to a disk and back."""

from __future__ import annotations

from runners.machine.doctor.finding import Finding, not_known
from runners.machine.doctor.sample import Sample
from runners.machine.facts import Machine, memory_sizes

LEAST_BYTES = 2 * 2**30
"""Training a light network and its data set fit with room to spare."""


def check_memory(machine: Machine) -> Finding:
    """How much memory is free to take."""
    sizes = memory_sizes(machine)
    free, total = sizes.get("MemAvailable"), sizes.get("MemTotal")
    if free is None or total is None:
        return not_known("memory", "short memory makes the system swap, or end the run")
    said = f"{_gib(free)} of {_gib(total)} GiB available"
    if free < LEAST_BYTES:
        return Finding("memory", "warn", said, "runs may swap or be ended; close other programs")
    return Finding("memory", "ok", said, "room for light networks")


def check_swap(machine: Machine, before: Sample, after: Sample) -> Finding:
    """Whether pages moved between memory and disk between the samples."""
    sizes = memory_sizes(machine)
    total, free = sizes.get("SwapTotal"), sizes.get("SwapFree")
    if total is None or free is None:
        return not_known("swap", "pages that come back from disk stop a thread for ms")
    if total == 0:
        return Finding("swap", "ok", "none", "no page can go to disk")
    said = f"{_gib(total - free)} of {_gib(total)} GiB in use"
    if before.swapped_pages is None or after.swapped_pages is None:
        return Finding("swap", "unknown", said, "whether pages move now is not known")
    pages = after.swapped_pages - before.swapped_pages
    said += f", {pages} pages moved in the sample"
    if pages > 0:
        return Finding("swap", "warn", said, "waits for the disk are timed too; free memory")
    return Finding("swap", "ok", said, "what lies on disk harms nobody while nothing moves")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"
