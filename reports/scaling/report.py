"""A scaling study as a table and files: exponents, crossovers, and the time at each size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from reports.comparison.arm import Row
from reports.comparison.notes import RECONSTRUCTED
from reports.files import atomic_write
from reports.statistics import find_crossover, fit_exponent


@dataclass(frozen=True)
class MixerGrowth:
    """How time and MACs of one mixer at one width grow with the number of tokens N."""

    mixer: str
    reconstructed: bool
    width: int
    time_exponent: float | None
    macs_exponent: float | None
    crossovers: dict[str, str]
    """By baseline the sizes at which the mixer is faster: "never", "N >= 196" or "at any N"."""
    latencies_ms: dict[int, float | str]
    """By N the median, or the state of a point without one."""


def write_scaling(rows: Sequence[Row], baselines: Sequence[str], folder: Path) -> list[Path]:
    """Write scale.md, scale.csv (every point), scale.png and scale.pdf.

    Args:
        rows: as `runners.records.scale_point.ScalePoint.flat` makes them.
        baselines: mixers to beat.
        folder: must exist.

    Raises:
        OSError: the folder cannot be written to.
    """
    from tabulate import tabulate

    from reports.figures.canvas import pdf, png
    from reports.scaling.figure import scaling_figure

    headings, cells = growth_table(growths(rows, baselines), baselines)
    table = tabulate(cells, headings, tablefmt="pipe", disable_numparse=True)
    notes = "\n".join(f"- {note}" for note in scaling_notes(rows))
    figure = scaling_figure(rows)
    contents = {
        "scale.md": f"# Scaling with the map\n\n{table}\n\n{notes}\n".encode(),
        "scale.csv": _points_csv(rows).encode(),
        "scale.png": png(figure),
        "scale.pdf": pdf(figure),
    }
    for name, content in contents.items():
        with atomic_write(folder / name) as draft:
            draft.write_bytes(content)
    return [folder / name for name in contents]


def growths(rows: Sequence[Row], baselines: Sequence[str]) -> list[MixerGrowth]:
    """One `MixerGrowth` per mixer and width, in the order of the rows; see `write_scaling`."""
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["width"], row["mixer"]), []).append(row)
    return [
        _growth(points, {name: groups.get((width, name), []) for name in baselines})
        for (width, _), points in groups.items()
    ]


def _growth(points: Sequence[Row], baselines: dict[str, list[Row]]) -> MixerGrowth:
    mixer = points[0]["mixer"]
    samples = _samples(points)
    macs = {row["tokens"]: row["macs"] for row in points if row["macs"]}
    sizes = [row["tokens"] for row in points]
    return MixerGrowth(
        mixer=mixer,
        reconstructed=points[0]["reconstructed"],
        width=points[0]["width"],
        time_exponent=fit_exponent(list(samples), [median(times) for times in samples.values()]),
        macs_exponent=fit_exponent(list(macs), list(macs.values())),
        crossovers={
            name: _crossover_text(find_crossover(samples, _samples(other), sizes), sizes)
            for name, other in baselines.items()
            if name != mixer
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


def _crossover_text(size: int | None, sizes: Sequence[int]) -> str:
    if size is None:
        return "never"
    return f"N >= {size}" if size != sizes[0] else "at any N"


def growth_table(
    rows: Sequence[MixerGrowth], baselines: Sequence[str]
) -> tuple[list[str], list[list[str]]]:
    """Headings, and the cells of one line per mixer and width, as text."""
    sizes = sorted({n for growth in rows for n in growth.latencies_ms})
    headings = ["mixer", "C", "time ~ N^", "MACs ~ N^"]
    headings += [f"beats {name}" for name in baselines]
    headings += [f"ms at N={n}" for n in sizes]
    cells = [
        [
            growth.mixer + "†" * growth.reconstructed,
            str(growth.width),
            _exponent_cell(growth.time_exponent),
            _exponent_cell(growth.macs_exponent),
            *(growth.crossovers.get(name, "baseline") for name in baselines),
            *(_latency_cell(growth.latencies_ms.get(n)) for n in sizes),
        ]
        for growth in rows
    ]
    return headings, cells


def _exponent_cell(slope: float | None) -> str:
    return "-" if slope is None else f"{slope:.2f}"


def _latency_cell(value: float | str | None) -> str:
    return f"{value:.3g}" if isinstance(value, float) else value or "-"


def scaling_notes(rows: Sequence[Row]) -> list[str]:
    """What a reader must know to interpret the table."""
    first = rows[0]
    rounds = [len(row["latency_ms_samples"]) for row in rows if row["latency_ms_samples"]] or [0]
    machine = ", ".join(f"{key} {value}" for key, value in first["fingerprint"].items())
    notes = [
        f"Single mixers, batch {first['batch']}, {first['threads']} thread(s), median of "
        f"{min(rounds)} to {max(rounds)} interleaved rounds.",
        "Exponents: least squares on log-log, upper half of the sizes.",
        "Beats: at that N and every larger one measured, the 95 % interval of the ratio of "
        "medians, from paired rounds, is below 1, or the baseline could not be measured.",
        f"Machine: {machine}.",
    ]
    if any(row["reconstructed"] for row in rows):
        notes.append(f"{RECONSTRUCTED}.")
    reasons = [
        f"{row['mixer']} at {row['side']} x {row['side']}, C={row['width']}: {row['state']}, "
        f"{row['reason']}."
        for row in rows
        if row["reason"]
    ]
    return notes + list(dict.fromkeys(reasons))


def _points_csv(rows: Sequence[Row]) -> str:
    """Every field of every point; lists and dicts as JSON."""
    import pandas as pd

    cells = [
        {
            key: json.dumps(value) if isinstance(value, list | dict) else value
            for key, value in row.items()
        }
        for row in rows
    ]
    # As objects: whole numbers with a gap must not become floats.
    return pd.DataFrame(cells, dtype=object).to_csv(index=False, lineterminator="\n")
