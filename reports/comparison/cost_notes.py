"""What must be said about costs: forms, timing, batches, memory, energy, what was not counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from reports.comparison.arm import Arm
from reports.comparison.caveats import several


def cost_notes(arms: Sequence[Arm]) -> list[str]:
    """The notes on every cost but MACs as such, in the order of the columns.

    Args:
        arms: in table order, the baseline first.
    """
    timed = [each for each in arms if each.latency_ms_median is not None]
    return [
        *(_form(each) for each in arms if each.form not in ("eager", "")),
        *_latency(timed),
        *_throughput(timed),
        *_edges(arms),
        *_training_memory(arms),
        *_energy(arms),
    ]


def ratio_notes(arms: Sequence[Arm]) -> list[str]:
    """What the ratios mean and which are missing; for summaries whose rows may be ranked."""
    timed = [each for each in arms if each.latency_ms_median is not None]
    base = arms[0]
    if not timed:
        return []
    if base.latency_ratio is None:
        return [f"Baseline {base.arm} has no latency: no ratios."]
    processes, placements = base.latency_processes or 1, base.latency_placements or 1
    levels = ["process"] * (processes > 1) + ["placement in memory"] * (placements > processes)
    words = " and ".join(levels)
    said = [
        f"Ratios: median over the rounds, each arm's latency over that of the baseline {base.arm}, "
        f"with its 95 % bootstrap interval{f', resampled by {words}' if levels else ''}; "
        "“not separable” where it spans 1."
    ]
    apart = [each.arm for each in timed if each.latency_pairing == "unpaired"]
    if apart:
        said.append(
            f"Timed in another session than the baseline: {', '.join(apart)}; rounds do not pair, "
            "both sides were resampled apart, and noise between processes is in the interval only "
            "where both were timed in several."
        )
    odd = [each.arm for each in timed if each.latency_ratio is None]
    if odd:
        said.append(f"No ratio, rounds do not pair with the baseline's: {', '.join(odd)}.")
    return said


def uncounted(arms: Sequence[Arm]) -> list[str]:
    """Why the MACs of some arms carry a mark."""
    found = _grouped(arms, lambda each: each.macs_uncounted)
    if not found:
        return []
    listed = "; ".join(f"{operators} ({', '.join(names)})" for operators, names in found.items())
    return [
        f"‡ lower bound, without a counting rule: {listed}. "
        "MACs are not ranked beside it, and it is on no MACs front."
    ]


def threads(counts: Iterable[int | None]) -> str:
    """With its noun: "1 thread", "4 threads"."""
    said = several(count for count in counts if count is not None)
    return f"{said} thread{'' if said == '1' else 's'}"


def _form(each: Arm) -> str:
    said = [" ".join(each.form_note.split()).rstrip(".")]
    if each.parity is not None:
        said.append(
            f"largest difference to eager {each.parity:.1e}"
            if each.parity
            else "output equal to eager's"
        )
    if each.form_seconds and each.form_seconds >= 0.05:
        said.append(f"{each.form_seconds:.1f} s to make")
    details = "; ".join(text for text in said if text)
    return f"{each.arm} ran as {each.form}{f': {details}' if details else ''}."


def _latency(timed: Sequence[Arm]) -> list[str]:
    if not timed:
        return []
    processes = several(each.latency_processes for each in timed)
    where = "" if processes == "1" else f" in {processes.replace(', ', ' or ')} fresh processes"
    reasons = several(each.latency_stopped for each in timed if each.latency_stopped)
    return [
        f"Latency: batch 1, {several(each.latency_rounds for each in timed)} interleaved "
        f"rounds{where}, {threads(each.latency_threads for each in timed)}, median"
        f"{f'; rounds ended by: {reasons}' if reasons else ''}."
    ]


def _throughput(timed: Sequence[Arm]) -> list[str]:
    batches = _grouped(timed, lambda each: each.throughput_batch or "")
    if not batches:
        return []
    if len(batches) == 1:
        where = f"at batch {next(iter(batches))}"
    else:
        where = "; ".join(f"{', '.join(names)} at batch {n}" for n, names in batches.items())
    tried = ", the fastest of those tried" if any(a.throughput_batches_tried for a in timed) else ""
    return [f"Images per s: {where}{tried}; {threads(a.throughput_threads for a in timed)}."]


def _edges(arms: Sequence[Arm]) -> list[str]:
    edges = _grouped(arms, _edge)
    said = [
        f"{', '.join(names)} {'fits' if len(names) == 1 else 'fit'} {edge}"
        for edge, names in edges.items()
    ]
    return [f"Memory: {'; '.join(said)}."] if said else []


def _edge(each: Arm) -> str:
    """What follows "fits": "batch 96, not 128"; empty where memory never ran out."""
    if each.out_of_memory_batch is None:
        return ""
    if each.largest_batch is None:
        return f"not even batch {each.out_of_memory_batch}"
    return f"batch {each.largest_batch}, not {each.out_of_memory_batch}"


def _training_memory(arms: Sequence[Arm]) -> list[str]:
    known = [each for each in arms if each.peak_training_memory_bytes is not None]
    if not known:
        return []
    batch = several(each.training_memory_batch for each in known)
    said = [f"Train peak: two training steps (forward, backward, AdamW) at batch {batch}."]
    absent = [each for each in arms if each.form == "eager"]
    for reason, names in _grouped(absent, lambda each: each.training_memory_reason).items():
        said.append(f"Train peak of {', '.join(names)}: not available ({reason}).")
    return said


def _energy(arms: Sequence[Arm]) -> list[str]:
    measured = [each for each in arms if each.energy_mj_per_image is not None]
    said = []
    if measured:
        source = several(each.energy_source for each in measured if each.energy_source)
        said.append(
            "Energy: per image at batch 1, of the whole package or board"
            f"{f', read from {source}' if source else ''}."
        )
    absent = [each for each in arms if each.energy_mj_per_image is None]
    for reason, names in _grouped(absent, lambda each: each.energy_source).items():
        whose = f" of {', '.join(names)}" if measured else ""
        said.append(f"Energy{whose}: not available ({reason}).")
    return said


def _grouped(arms: Sequence[Arm], key: Callable[[Arm], object]) -> dict[str, list[str]]:
    """Names of arms by what they share, where they have it."""
    found: dict[str, list[str]] = {}
    for each in arms:
        shared = str(key(each)).strip().rstrip(".")
        if shared:
            found.setdefault(shared, []).append(each.arm)
    return found
