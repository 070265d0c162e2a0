"""Time and MACs against the number of tokens, log-log, with the sizes that were not measurable."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.canvas import colour, marker, new_figure, style_axes
from reports.tables.records import Row


def scaling_figure(rows: Sequence[Row]) -> Figure:
    """One line per mixer, one row of panels per width: time on the left, MACs on the right."""
    widths = list(dict.fromkeys(row["width"] for row in rows))
    mixers = list(dict.fromkeys(row["mixer"] for row in rows))
    figure = new_figure(11, 0.9 + 4.4 * len(widths), layout="constrained")
    panels = figure.subplots(len(widths), 2, squeeze=False)
    batch, threads = rows[0]["batch"], rows[0]["threads"]
    for width, (left, right) in zip(widths, panels, strict=True):
        for index, mixer in enumerate(mixers):
            points = [row for row in rows if (row["width"], row["mixer"]) == (width, mixer)]
            _draw_latencies(left, points, index)
            _draw_macs(right, points, index)
        _finish(left, f"Latency (ms), C = {width}, batch {batch}, {threads} thread(s)")
        _finish(right, f"MACs (M) of one image, C = {width}")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize=8.5)
    return figure


def _draw_latencies(axes: Axes, points: Sequence[Row], index: int) -> None:
    timed = [row for row in points if row["latency_ms_samples"]]
    name = points[0]["mixer"] + "†" * points[0]["reconstructed"]
    tokens = [row["tokens"] for row in timed]
    times = [median(row["latency_ms_samples"]) for row in timed]
    axes.plot(tokens, times, color=colour(index), marker=marker(index), ms=5, lw=1.2, label=name)
    stopped = next((row for row in points if not row["latency_ms_samples"]), None)
    if stopped is None or not timed:
        return
    # A cross at the first size without a time, at the height of the last time.
    axes.plot([tokens[-1], stopped["tokens"]], [times[-1]] * 2, color=colour(index), ls=":", lw=1)
    axes.plot(stopped["tokens"], times[-1], color=colour(index), marker="x", ms=8, mew=2)
    axes.annotate(
        str(stopped["state"]),
        (stopped["tokens"], times[-1]),
        xytext=(0, 6),
        textcoords="offset points",
        ha="center",
        fontsize=7,
        color=colour(index),
    )


def _draw_macs(axes: Axes, points: Sequence[Row], index: int) -> None:
    counted = [row for row in points if row["macs"]]
    tokens = [row["tokens"] for row in counted]
    macs = [row["macs"] / 1e6 for row in counted]
    axes.plot(tokens, macs, color=colour(index), marker=marker(index), ms=5, lw=1.2)


def _finish(axes: Axes, title: str) -> None:
    style_axes(axes)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(title, fontsize=10, loc="left")
    axes.set_xlabel("N, tokens of the map")
