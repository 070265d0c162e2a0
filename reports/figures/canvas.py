"""What all figures share: canvas, colours, axes, texts, and the bytes of their files."""

from __future__ import annotations

from io import BytesIO
from textwrap import fill
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from reports.figures.texts import drawable, font_of, shorten
from reports.figures.ticks import mark_decades

DPI = 200
"""Of PNG files."""
# Okabe and Ito (2008), distinguishable with every common colour blindness; their yellow is left out
# because it vanishes on white. 7 colours and 6 markers share no divisor: 42 distinct arms.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P")


def colour(index: int) -> str:
    """The colour of the arm at an index, the same in every panel."""
    return _COLOURS[index % len(_COLOURS)]


def marker(index: int) -> str:
    """The marker of the arm at an index, the same in every panel."""
    return _MARKERS[index % len(_MARKERS)]


def new_figure(
    width: float, height: float, *, layout: Literal["constrained"] | None = None
) -> Figure:
    """An empty figure, in inches, that no global state of matplotlib knows."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def style_axes(axes: Axes) -> None:
    """Light grid behind the data, no spines on top and right."""
    axes.grid(color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def scale_axis(
    axes: Axes, which: Literal["x", "y"], low: float, high: float, *, log_from: float, margin: float
) -> None:
    """Set limits with a margin on both sides, a fraction of the axis, around the values.

    The axis is logarithmic where values span more than a factor of `log_from`.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    set_limits = axes.set_xlim if which == "x" else axes.set_ylim
    if low > 0 and high > log_from * low:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        factor = (high / low) ** margin
        set_limits(low / factor, high * factor)
        mark_decades(axis, low, high)
        return
    space = max(margin * (high - low), 0.01 * abs(high)) or 1.0
    set_limits(low - space, high + space)


def write_texts(
    figure: Figure, title: str, subtitle: str, caption: str, *, left: float, top: float, lines: int
) -> None:
    """Write title and subtitle above the panels, the caption below; `$` is plain text.

    Title and subtitle are shortened in the middle to one line, the caption is wrapped to at most
    `lines`. `left` is the edge of all texts as a fraction of the width, `top` that of the caption
    of the height.
    """
    wide = figure.get_figwidth() / 11
    _write_line(figure, title, left, 0.945, int(110 * wide), fontsize=13, weight="bold")
    _write_line(figure, subtitle, left, 0.895, int(190 * wide), fontsize=9, color="0.35")
    text = drawable(caption)
    style = {"fontsize": 8, "color": "0.25", "va": "top", "linespacing": 1.4}
    written = figure.text(left, top, "", style | font_of(text), parse_math=False)
    for columns in range(int(176 * wide), 20, -8):
        written.set_text(fill(text, columns, max_lines=lines, placeholder=" …"))
        if _fits(figure, written):
            break


def _write_line(
    figure: Figure, text: str, left: float, y: float, columns: int, **style: Any
) -> None:
    """Write one line, shortened until it fits between `left` and the right edge."""
    text = drawable(" ".join(text.split()))
    style |= font_of(text, style.get("weight", "normal"))
    written = figure.text(left, y, "", parse_math=False, **style)
    while columns > 1:
        written.set_text(shorten(text, columns))
        if _fits(figure, written):
            break
        columns -= max(1, columns // 20)


def _fits(figure: Figure, text: Text) -> bool:
    return bool(text.get_window_extent().x1 <= 0.985 * figure.bbox.width)


def png(figure: Figure) -> bytes:
    """The figure as PNG of 200 dpi; equal figures give equal bytes."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: Figure) -> bytes:
    """The figure as SVG, its texts as text; equal figures give equal bytes."""
    buffer = BytesIO()
    with rc_context({"svg.hashsalt": "lolvit-bench", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def pdf(figure: Figure) -> bytes:
    """The figure as PDF; equal figures give equal bytes."""
    buffer = BytesIO()
    stamps = {"CreationDate": None, "Creator": None, "Producer": None}
    # Publishers refuse Type 3 fonts, matplotlib's default.
    with rc_context({"pdf.fonttype": 42}):
        figure.savefig(buffer, format="pdf", metadata=stamps)
    return buffer.getvalue()
