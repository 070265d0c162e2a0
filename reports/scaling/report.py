"""A scaling study as a table and files: exponents, crossovers, and the time at each size."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from reports.comparison.notes import RECONSTRUCTED
from reports.files import write_files
from reports.statistics import find_crossover, fit_exponent
from reports.tables.column import Column
from reports.tables.grid import Grid
from reports.tables.records import Row


def write_scaling(rows: Sequence[Row], baselines: Sequence[str], folder: Path) -> list[Path]:
    """Write scale.md, scale.csv (every point), scale.png and scale.pdf.

    Args:
        rows: as `runners.records.scale_point.ScalePoint.flat` makes them.
        baselines: mixers to beat.
        folder: made if absent.

    Raises:
        OSError: the folder cannot be written to.
    """
    from reports.figures.canvas import pdf, png
    from reports.scaling.figure import scaling_figure

    figure = scaling_figure(rows)
    contents = {
        "scale.md": scaling_grid(rows, baselines).markdown().encode(),
        "scale.csv": points_csv(rows).encode(),
        "scale.png": png(figure),
        "scale.pdf": pdf(figure),
    }
    return write_files(folder, contents)


def scaling_grid(
    rows: Sequence[Row], baselines: Sequence[str], *, title: str = "Scaling with the map"
) -> Grid:
    """The table, one line per mixer and width in the order of the rows, with its notes.

    A cell of time has the median, or the state of a point without one. A mixer beats a baseline
    "never", from some N on or "at any N". A narrow console hides sizes, those in the middle first.
    """
    columns = _columns(rows, baselines)
    times = [column.key for column in columns if column.key.startswith("time ")]
    middle = (len(times) - 1) / 2
    order = sorted(times, key=lambda key: (abs(times.index(key) - middle), times.index(key)))
    hidden_first = (*order[:-1], "macs", "width", *(f"beats {name}" for name in baselines))
    return Grid(title, columns, scaling_notes(rows), hidden_first)


def _columns(rows: Sequence[Row], baselines: Sequence[str]) -> list[Column]:
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["width"], row["mixer"]), []).append(row)
    sizes = sorted({row["tokens"] for row in rows})
    headings = [("arm", "Mixer", ""), ("width", "C", ""), ("growth", "Time", "~ N^")]
    headings += [("macs", "MACs", "~ N^")]
    headings += [(f"beats {name}", "beats", name) for name in baselines]
    headings += [(f"time {n}", f"N={n}", "ms") for n in sizes]
    cells = []
    for (width, mixer), points in groups.items():
        samples = _samples(points)
        macs = {row["tokens"]: row["macs"] for row in points if row["macs"]}
        medians = {n: median(times) for n, times in samples.items()}
        states = {row["tokens"]: str(row["state"]) for row in points}
        cells.append(
            [
                mixer + "†" * points[0]["reconstructed"],
                str(width),
                _exponent_cell(medians),
                _exponent_cell(macs),
                *(
                    _crossover_cell(mixer, points, name, groups.get((width, name), []))
                    for name in baselines
                ),
                *(f"{medians[n]:.3g}" if n in medians else states.get(n, "-") for n in sizes),
            ]
        )
    return [
        Column(key, name, unit, tuple(line[index] for line in cells), number=index > 0)
        for index, (key, name, unit) in enumerate(headings)
    ]


def _samples(points: Sequence[Row]) -> dict[int, list[float]]:
    return {row["tokens"]: row["latency_ms_samples"] for row in points if row["latency_ms_samples"]}


def _exponent_cell(values: Mapping[int, float]) -> str:
    slope = fit_exponent(list(values), list(values.values()))
    return "-" if slope is None else f"{slope:.2f}"


def _crossover_cell(mixer: str, points: Sequence[Row], name: str, baseline: Sequence[Row]) -> str:
    if name == mixer:
        return "baseline"
    sizes = [row["tokens"] for row in points]
    size = find_crossover(_samples(points), _samples(baseline), sizes)
    if size is None:
        return "never"
    return f"N >= {size}" if size != sizes[0] else "at any N"


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


def points_csv(rows: Sequence[Row]) -> str:
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
