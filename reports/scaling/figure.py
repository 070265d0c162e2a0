"""Time and MACs against the number of tokens, log-log, with the sizes that were not measurable."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.figures.canvas import colour, marker, new_figure, style_axes
from reports.figures.texts import font_of, short_labels
from reports.figures.ticks import mark_decades, separate_ticks
from reports.tables.records import Row

_LINES_OF_LEGEND = 20
"""By row of panels."""
_NARROW = 18
"""Characters of a name where the legend has several columns."""


def scaling_figure(rows: Sequence[Row]) -> Figure:
    """One line per mixer, one row of panels per width: time on the left, MACs on the right.

    A mixer without MACs has hollow marks at the lower edge of the axis, where zero is not.
    """
    widths = list(dict.fromkeys(row["width"] for row in rows))
    mixers = list(dict.fromkeys(row["mixer"] for row in rows))
    figure = new_figure(11, 0.9 + 4.4 * len(widths), layout="constrained")
    panels = figure.subplots(len(widths), 2, squeeze=False)
    batch, threads = rows[0]["batch"], rows[0]["threads"]
    for width, (left, right) in zip(widths, panels, strict=True):
        here = [row for row in rows if row["width"] == width]
        for index, mixer in enumerate(mixers):
            points = [row for row in here if row["mixer"] == mixer]
            _draw_latencies(left, points, index)
            _draw_macs(right, points, index)
        times = [median(row["latency_ms_samples"]) for row in here if row["latency_ms_samples"]]
        macs = [row["macs"] / 1e6 for row in here if row["macs"]]
        _finish(left, f"Latency (ms), C = {width}, batch {batch}, {threads} thread(s)", here, times)
        _finish(right, f"MACs (M) of one image, C = {width}", here, macs)
    _draw_legend(figure, rows, mixers)
    separate_ticks(figure)
    return figure


def _draw_legend(figure: Figure, rows: Sequence[Row], mixers: Sequence[str]) -> None:
    marked = {row["mixer"] for row in rows if row["reconstructed"]}
    lines = _LINES_OF_LEGEND * (len(figure.axes) // 2)
    columns = -(-len(mixers) // lines)
    names = [mixer + "†" * (mixer in marked) for mixer in mixers]
    names = short_labels(names) if columns == 1 else short_labels(names, _NARROW)
    legend = figure.legend(
        figure.axes[0].get_legend_handles_labels()[0],
        names,
        loc="outside right upper",
        frameon=False,
        fontsize=8.5,
        ncols=columns,
    )
    for text in legend.get_texts():
        text.set(**font_of(text.get_text()))
        text.set_parse_math(False)


def _draw_latencies(axes: Axes, points: Sequence[Row], index: int) -> None:
    timed = [row for row in points if row["latency_ms_samples"]]
    tokens = [row["tokens"] for row in timed]
    times = [median(row["latency_ms_samples"]) for row in timed]
    style = {"color": colour(index), "marker": marker(index), "ms": 5, "lw": 1.2}
    axes.plot(tokens, times, label=str(index), **style)  # type: ignore[arg-type]
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
    zeros = [row["tokens"] for row in points if row["macs"] == 0]
    if not zeros:
        return
    # The height is a share of the panel: the axis has no place for zero.
    axes.set_xlabel("N, tokens of the map\n(hollow marks at the edge: 0 MACs)")
    axes.plot(
        zeros,
        [0.0] * len(zeros),
        transform=axes.get_xaxis_transform(),
        linestyle="none",
        marker=marker(index),
        ms=6,
        mfc="white",
        mec=colour(index),
        clip_on=False,
        zorder=4,
        gid="zero",
    )


def _finish(axes: Axes, title: str, rows: Sequence[Row], values: Sequence[float]) -> None:
    style_axes(axes)
    axes.set_xscale("log")
    tokens = [row["tokens"] for row in rows]
    mark_decades(axes.xaxis, min(tokens), max(tokens))
    if values:
        axes.set_yscale("log")
        mark_decades(axes.yaxis, min(values), max(values))
    else:
        axes.set_yticks([])
    axes.set_title(title, fontsize=10, loc="left")
    if not axes.get_xlabel():
        axes.set_xlabel("N, tokens of the map")
