"""What a sweep publishes: its front as tables and pictures, every trial, and what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from reports.comparison.arm import Row
from reports.files import atomic_write
from reports.sweep.csv_files import front_csv, trials_csv
from reports.sweep.latex import latex
from reports.sweep.notes import ended
from reports.sweep.previous import FRONT, PUBLICATIONS, content_of, diff, previous, unchanged
from reports.sweep.publication import Publication, appended
from reports.sweep.summary import SweepSummary, summarise_sweep
from reports.sweep.table import markdown

PICTURES = ("front.png", "front.pdf")
TRIALS = "trials.csv"


def publish(
    rows: Sequence[Row],
    folder: Path,
    *,
    objectives: Mapping[str, str],
    title: str,
    time: str,
    counts: Mapping[str, int] | None = None,
    dataset_note: str = "",
    sampler: str = "",
    latency_note: str = "",
) -> Publication:
    """Write the front of a sweep and every trial of it; say what changed since the last time.

    Everything is rendered before the first file is touched, each file is put in place in one step,
    and a file that would not change is left alone. Without a front nothing but the trials is
    written, and older files stay. Publishing the same rows again changes nothing.

    Args:
        rows: as `Record.flat` makes them, each with `trial` (int, in the order of
            their ends) and `values` (dimension to value, active ones only). Only finished ones
            come on the front.
        folder: made if absent.
        objectives: 1 to 4 of val_accuracy, latency_ms, macs, params, peak_memory_bytes, each to
            "maximize" or "minimize"; the first is the y axis of every panel.
        title: of tables and figure.
        time: of this publication, ISO 8601; stands in publications.csv alone.
        counts: of trials that are no rows, as {"duplicate": 5, "infeasible": 1}.
        dataset_note: what the data are, in words; the rows' own notes where not given.
        sampler: who proposed the architectures, in words.
        latency_note: how latencies came about; "measured in each trial beside a reference
            network" where not given and the rows have threads.

    Returns:
        The front, what is new in one line, and the files: front.csv, front.md, front.tex,
        trials.csv, publications.csv and, for two objectives or more, front.png and front.pdf.

    Raises:
        ValueError: the objectives are not such.
        OSError: the folder cannot be read or written to.
    """
    summary = summarise_sweep(
        rows,
        objectives=objectives,
        title=title,
        counts=counts,
        dataset_note=dataset_note,
        sampler=sampler,
        latency_note=latency_note,
    )
    text, contents = _render(summary, folder, time)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        _put(folder / name, content)
    if summary.front is not None and len(summary.objectives) == 1:
        for name in PICTURES:
            # A figure of other objectives must not stand beside this front.
            (folder / name).unlink(missing_ok=True)
    return Publication(summary, text, tuple(folder / name for name in contents))


def _render(summary: SweepSummary, folder: Path, time: str) -> tuple[str, dict[str, bytes]]:
    """The line of this publication, and every file of it in the order of writing."""
    trials = trials_csv(summary).encode()
    if summary.front is None:
        stays = "; the older front stays" if (folder / FRONT).exists() else ""
        kept = {TRIALS: trials} if summary.rows else {}
        return f"no front: {ended(summary).rstrip('.')}{stays}", kept
    earlier = previous(folder, summary)
    text = diff(summary, summary.front, earlier)
    contents = {
        TRIALS: trials,
        "front.md": markdown(summary).encode(),
        "front.tex": latex(summary).encode(),
    }
    if len(summary.objectives) > 1:
        from reports.comparison.pareto import pdf, png
        from reports.sweep.figure import sweep_figure

        figure = sweep_figure(summary)
        contents |= dict(zip(PICTURES, (png(figure), pdf(figure)), strict=True))
    log = content_of(folder / PUBLICATIONS)
    if log is None or not unchanged(summary, summary.front, earlier):
        log = appended(log, summary, time=time, text=text)
    contents[PUBLICATIONS] = log.encode(errors="surrogateescape")
    # Last, since the next publication compares with it: what was cut short is said once more.
    contents[FRONT] = front_csv(summary).encode()
    return text, contents


def _put(path: Path, content: bytes) -> None:
    try:
        if path.read_bytes() == content:
            return
    except FileNotFoundError:
        pass
    with atomic_write(path) as draft:
        draft.write_bytes(content)
