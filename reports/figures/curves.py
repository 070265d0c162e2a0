"""Learning curves: validation accuracy by epoch, a line for each training."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from reports.figures.canvas import colour, new_figure, style_axes
from reports.figures.texts import drawable, font_of, short_labels, shorten
from reports.figures.ticks import separate_ticks
from reports.tables.records import Row

_MOST_NAMES = 24
_STYLES = ("-", "--", ":", "-.")


def curves_figure(rows: Sequence[Row], *, title: str) -> Figure:
    """Draw the validation accuracy in % after each epoch; trainings of one arm share a style.

    Raises:
        ValueError: no row has a curve of two epochs or more.
    """
    trained = [row for row in rows if len(row.get("curve") or ()) > 1]
    if not trained:
        raise ValueError("the figure needs at least one training of two epochs or more")
    names = list(dict.fromkeys(row["name"] for row in trained))
    figure = new_figure(11, 5.0, layout="constrained")
    axes = figure.subplots()
    style_axes(axes)
    for row in trained:
        index = names.index(row["name"])
        epochs = [point["epoch"] for point in row["curve"]]
        accuracies = [100 * point["val_accuracy"] for point in row["curve"]]
        style = _STYLES[index // 7 % len(_STYLES)]
        axes.plot(epochs, accuracies, style, color=colour(index), linewidth=1.2, marker=".")
    axes.set_xlabel("Epoch")
    axes.set_ylabel("Validation accuracy (%)")
    text = drawable(shorten(" ".join(title.split()), 90))
    axes.set_title(text, loc="left", fontsize=12, parse_math=False, **font_of(text, "bold"))
    for index, label in enumerate(short_labels(names)[:_MOST_NAMES]):
        style = _STYLES[index // 7 % len(_STYLES)]
        axes.plot([], [], style, color=colour(index), marker=".", label=label)
    legend = axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False, fontsize=8)
    for entry in legend.get_texts():
        entry.set(parse_math=False, **font_of(entry.get_text()))
    separate_ticks(figure)
    return figure
