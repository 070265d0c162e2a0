"""The files of a scaling study, each whole or absent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.comparison.arm import Row
from reports.files import atomic_write
from reports.scaling.table import cells, growths, notes, raw_csv


def write_scaling(rows: Sequence[Row], baselines: Sequence[str], folder: Path) -> list[Path]:
    """Write scale.md, scale.csv (every point), scale.png and scale.pdf.

    Raises:
        OSError: the folder cannot be written to.
    """
    from tabulate import tabulate

    from reports.comparison.pareto import pdf, png
    from reports.scaling.figure import scaling_figure

    headings, body = cells(growths(rows, baselines), baselines)
    table = tabulate(body, headings, tablefmt="pipe", disable_numparse=True)
    noted = "\n".join(f"- {note}" for note in notes(rows))
    figure = scaling_figure(rows)
    contents = {
        "scale.md": f"# Scaling with the map\n\n{table}\n\n{noted}\n".encode(),
        "scale.csv": raw_csv(rows).encode(),
        "scale.png": png(figure),
        "scale.pdf": pdf(figure),
    }
    for name, content in contents.items():
        with atomic_write(folder / name) as draft:
            draft.write_bytes(content)
    return [folder / name for name in contents]
