"""Notes on costs: forms, timing, batches, memory, energy, uncounted operators."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import Any

from reports.comparison.arm import Arm


def cost_notes(arms: Sequence[Arm]) -> list[str]:
    """The notes on every cost but the MACs, in the order of the columns."""
    timed = [arm for arm in arms if arm.latency_ms_median is not None]
    return [
        *(_form(arm) for arm in arms if arm.form not in ("eager", "")),
        *_latency(timed),
        *_throughput(timed),
        *_largest_batches(arms),
        *_training_memory(arms),
        *_energy(arms),
    ]


def ratio_notes(arms: Sequence[Arm]) -> list[str]:
    """What the ratios mean and which are missing; for summaries whose rows may be ranked."""
    timed = [arm for arm in arms if arm.latency_ms_median is not None]
    base = arms[0]
    if not timed:
        return []
    if base.latency_ratio is None:
        return [f"No ratios: the baseline {base.arm} has no latency."]
    processes, placements = base.latency_processes or 1, base.latency_placements or 1
    levels = ["process"] * (processes > 1) + ["memory placement"] * (placements > processes)
    resampled = f", resampled by {' and '.join(levels)}" if levels else ""
    notes = [
        f"Ratios: median over the rounds of each arm's latency over that of the baseline "
        f"{base.arm}, with its 95 % bootstrap interval{resampled}; “not separable” where it "
        "contains 1."
    ]
    unpaired = [arm.arm for arm in timed if arm.latency_pairing == "unpaired"]
    if unpaired:
        notes.append(
            f"Timed in another session than the baseline: {', '.join(unpaired)}; rounds do not "
            "pair, both sides were resampled independently, and the interval includes noise "
            "between processes only where both were timed in several."
        )
    without = [arm.arm for arm in timed if arm.latency_ratio is None]
    if without:
        notes.append(f"No ratio, rounds do not pair with the baseline's: {', '.join(without)}.")
    return notes


def uncounted_notes(arms: Sequence[Arm]) -> list[str]:
    """Why the MACs of some arms are marked: lower bounds, and counts that depend on the input."""
    reasons = (
        ("‡ lower bound, operators without a counting rule", "macs_uncounted"),
        ("§ depends on the input, MACs of those tried", "macs_range"),
    )
    notes = []
    for reason, field in reasons:
        groups = _names_by(arms, attrgetter(field))
        if groups:
            listed = "; ".join(f"{text} ({', '.join(names)})" for text, names in groups.items())
            notes.append(
                f"{reason}: {listed}. MACs are not ranked in this table, and marked arms are not "
                "on the MACs front."
            )
    return notes


def join_distinct(values: Iterable[Any]) -> str:
    """Distinct values in order of appearance: "200", or "200, 100" where rows disagree."""
    return ", ".join(dict.fromkeys(str(value) for value in values))


def one_line(text: str) -> str:
    """One line without its full stop, which a note adds."""
    return " ".join(text.split()).rstrip(".")


def format_threads(counts: Iterable[int | None]) -> str:
    """Number of threads with its noun: "1 thread", "4 threads"."""
    text = join_distinct(count for count in counts if count is not None)
    return f"{text} thread{'' if text == '1' else 's'}"


def _form(arm: Arm) -> str:
    details = [one_line(arm.form_note)]
    if arm.parity is not None:
        details.append(
            f"largest difference to eager {arm.parity:.1e}"
            if arm.parity
            else "output equal to eager's"
        )
    if arm.form_seconds and arm.form_seconds >= 0.05:
        details.append(f"{arm.form_seconds:.1f} s to make")
    text = "; ".join(filter(None, details))
    return f"{arm.arm} ran as {arm.form}{f': {text}' if text else ''}."


def _latency(timed: Sequence[Arm]) -> list[str]:
    if not timed:
        return []
    processes = join_distinct(arm.latency_processes for arm in timed)
    where = "" if processes == "1" else f" in {processes.replace(', ', ' or ')} fresh processes"
    reasons = join_distinct(arm.latency_stopped for arm in timed if arm.latency_stopped)
    return [
        f"Latency: batch 1, {join_distinct(arm.latency_rounds for arm in timed)} interleaved "
        f"rounds{where}, {format_threads(arm.latency_threads for arm in timed)}, median"
        f"{f'; rounds ended by: {reasons}' if reasons else ''}."
    ]


def _throughput(timed: Sequence[Arm]) -> list[str]:
    batches = _names_by(timed, lambda arm: arm.throughput_batch or "")
    if not batches:
        return []
    if len(batches) == 1:
        where = f"at batch {next(iter(batches))}"
    else:
        where = "; ".join(f"{', '.join(names)} at batch {n}" for n, names in batches.items())
    is_ladder = any(arm.throughput_batches_tried for arm in timed)
    tried = ", the fastest batch size tried" if is_ladder else ""
    threads = format_threads(arm.throughput_threads for arm in timed)
    return [f"Images per s: {where}{tried}; {threads}."]


def _largest_batches(arms: Sequence[Arm]) -> list[str]:
    limits = [
        f"{', '.join(names)} {'fits' if len(names) == 1 else 'fit'} {limit}"
        for limit, names in _names_by(arms, _batch_limit).items()
    ]
    return [f"Memory: {'; '.join(limits)}."] if limits else []


def _batch_limit(arm: Arm) -> str:
    """What follows "fits": "batch 96, not 128"; empty where memory never ran out."""
    if arm.out_of_memory_batch is None:
        return ""
    if arm.largest_batch is None:
        return f"not even batch {arm.out_of_memory_batch}"
    return f"batch {arm.largest_batch}, not {arm.out_of_memory_batch}"


def _training_memory(arms: Sequence[Arm]) -> list[str]:
    measured = [arm for arm in arms if arm.peak_training_memory_bytes is not None]
    if not measured:
        return []
    batch = join_distinct(arm.training_memory_batch for arm in measured)
    notes = [f"Train peak: two training steps (forward, backward, AdamW) at batch {batch}."]
    eager = [arm for arm in arms if arm.form == "eager"]
    for reason, names in _names_by(eager, lambda arm: arm.training_memory_reason).items():
        notes.append(f"Train peak of {', '.join(names)}: not available ({reason}).")
    return notes


def _energy(arms: Sequence[Arm]) -> list[str]:
    measured = [arm for arm in arms if arm.energy_mj_per_image is not None]
    notes = []
    if measured:
        source = join_distinct(arm.energy_source for arm in measured if arm.energy_source)
        notes.append(
            "Energy: per image at batch 1, of the whole package or board"
            f"{f', read from {source}' if source else ''}."
        )
    missing = [arm for arm in arms if arm.energy_mj_per_image is None]
    for reason, names in _names_by(missing, lambda arm: arm.energy_source).items():
        whose = f" of {', '.join(names)}" if measured else ""
        notes.append(f"Energy{whose}: not available ({reason}).")
    return notes


def _names_by(arms: Sequence[Arm], key: Callable[[Arm], object]) -> dict[str, list[str]]:
    """Names of arms by the text of a key, without those for which it is empty."""
    groups: dict[str, list[str]] = {}
    for arm in arms:
        if shared := str(key(arm)).strip().rstrip("."):
            groups.setdefault(shared, []).append(arm.arm)
    return groups
