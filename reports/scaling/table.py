"""A scaling study as a table: exponents, crossovers, and the time at each size."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from reports.comparison.arm import Row
from reports.comparison.notes import RECONSTRUCTED
from reports.statistics.scaling import find_crossover, fit_exponent


@dataclass(frozen=True)
class Growth:
    """One mixer at one width: how it grows."""

    mixer: str
    reconstructed: bool
    width: int
    time_exponent: float | None
    macs_exponent: float | None
    crossovers: dict[str, str]
    """By baseline, in words: the smallest N from which on it is faster, or that there is none."""
    latencies_ms: dict[int, float | str]
    """By N the median, or why there is none."""


def growths(rows: Sequence[Row], baselines: Sequence[str]) -> list[Growth]:
    """One `Growth` per mixer and width, in the order of the rows.

    Args:
        rows: as `runners.records.scale_point.ScalePoint.flat` makes them.
        baselines: mixers to beat.
    """
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["width"], row["mixer"]), []).append(row)
    return [
        _growth(points, {name: groups.get((width, name), []) for name in baselines})
        for (width, _), points in groups.items()
    ]


def _growth(points: Sequence[Row], baselines: dict[str, list[Row]]) -> Growth:
    samples = _samples(points)
    counted = [(row["tokens"], row["macs"]) for row in points if row["macs"]]
    tried = [row["tokens"] for row in points]
    return Growth(
        mixer=points[0]["mixer"],
        reconstructed=points[0]["reconstructed"],
        width=points[0]["width"],
        time_exponent=fit_exponent(list(samples), [median(times) for times in samples.values()]),
        macs_exponent=fit_exponent([n for n, _ in counted], [macs for _, macs in counted]),
        crossovers={
            name: _said(find_crossover(samples, _samples(other), tried), tried)
            for name, other in baselines.items()
            if name != points[0]["mixer"]
        },
        latencies_ms={
            row["tokens"]: median(row["latency_ms_samples"])
            if row["latency_ms_samples"]
            else str(row["state"])
            for row in points
        },
    )


def _samples(points: Sequence[Row]) -> dict[int, list[float]]:
    return {row["tokens"]: row["latency_ms_samples"] for row in points if row["latency_ms_samples"]}


def _said(n: int | None, tried: Sequence[int]) -> str:
    if n is None:
        return "never"
    return f"N >= {n}" if n != tried[0] else "at any N"


def cells(found: Sequence[Growth], baselines: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Headings and rows of text."""
    sizes = sorted({n for growth in found for n in growth.latencies_ms})
    headings = ["mixer", "C", "time ~ N^", "MACs ~ N^"]
    headings += [f"beats {name}" for name in baselines]
    headings += [f"ms at N={n}" for n in sizes]
    body = []
    for growth in found:
        row = [growth.mixer + "†" * growth.reconstructed, str(growth.width)]
        row += [_power(growth.time_exponent), _power(growth.macs_exponent)]
        row += [growth.crossovers.get(name, "baseline") for name in baselines]
        row += [_latency(growth.latencies_ms.get(n)) for n in sizes]
        body.append(row)
    return headings, body


def _power(slope: float | None) -> str:
    return "-" if slope is None else f"{slope:.2f}"


def _latency(value: float | str | None) -> str:
    return f"{value:.3g}" if isinstance(value, float) else value or "-"


def notes(rows: Sequence[Row]) -> list[str]:
    """What one must know to read the table."""
    first = rows[0]
    rounds = sorted({len(row["latency_ms_samples"]) for row in rows if row["latency_ms_samples"]})
    machine = ", ".join(f"{key} {value}" for key, value in first["fingerprint"].items())
    said = [
        f"Each mixer alone, batch {first['batch']}, {first['threads']} thread(s), median of "
        f"{rounds[0] if rounds else 0} to {rounds[-1] if rounds else 0} interleaved rounds.",
        "Exponents: least squares on log-log, upper half of the sizes.",
        "Beats: at that N and every larger one tried, the 95 % interval of the ratio of medians, "
        "from paired rounds, lies below 1, or the baseline could not be measured.",
        f"Machine: {machine}.",
    ]
    if any(row["reconstructed"] for row in rows):
        said.append(f"{RECONSTRUCTED}.")
    reasons = {
        f"{row['mixer']} at {row['side']} x {row['side']}, C={row['width']}: {row['state']}, "
        f"{row['reason']}": None
        for row in rows
        if row["reason"]
    }
    return said + [f"{reason}." for reason in reasons]


def raw_csv(rows: Sequence[Row]) -> str:
    """Every field of every point; lists and dicts as JSON."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items()})
    return text.getvalue()


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value
