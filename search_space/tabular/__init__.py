"""A tabulated benchmark: every architecture of a small space, with costs and learning curve.

Torch-free, and read in milliseconds: for tests, and for comparing searchers without training.
`README.md` beside this file says how the table was made and what in it is predicted.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import StringIO
from typing import Any

from search_space.load import load as load_space
from search_space.space import Space

TABLE_FILE, ABOUT_FILE, SPACE_FILE = "table.csv.gz", "about.json", "space.yaml"
_CURVE = "val_accuracy_"


@dataclass(frozen=True)
class TableEntry:
    """What is known of one architecture.

    Args:
        macs: multiply-accumulates of one image, exact.
        params: trainable parameters, exact.
        latency_ms_median: measured, batch 1.
        latency_ms_min: measured.
        latency_ratio: measured, to the reference network in the same rounds.
        curve: accuracy on the validation split after each epoch.
        test_accuracy: of those that were trained; None where the curve is predicted.
    """

    macs: int
    params: int
    latency_ms_median: float
    latency_ms_min: float
    latency_ratio: float
    curve: tuple[float, ...]
    test_accuracy: float | None

    @property
    def is_trained(self) -> bool:
        """Whether the curve was measured; else a surrogate predicted it."""
        return self.test_accuracy is not None


@dataclass(frozen=True)
class Table:
    """The benchmark.

    Args:
        space: whose architectures it holds, all of them.
        entries: by architecture hash.
        about: how it was made: command, machine, recipe, quality of the surrogate.
    """

    space: Space
    entries: Mapping[str, TableEntry]
    about: Mapping[str, Any]

    @property
    def epochs(self) -> int:
        """Points of a learning curve."""
        return int(self.about["recipe"]["epochs"])


@lru_cache
def load() -> Table:
    """The table that ships with the project."""
    here = files(__name__)
    text = gzip.decompress((here / TABLE_FILE).read_bytes()).decode()
    rows = csv.DictReader(StringIO(text))
    entries = {row["hash"]: _entry(row) for row in rows}
    space = load_space(str(here / SPACE_FILE))
    return Table(space, entries, json.loads((here / ABOUT_FILE).read_text()))


def _entry(row: Mapping[str, str]) -> TableEntry:
    curve = (float(value) for name, value in row.items() if name.startswith(_CURVE))
    return TableEntry(
        macs=int(row["macs"]),
        params=int(row["params"]),
        latency_ms_median=float(row["latency_ms_median"]),
        latency_ms_min=float(row["latency_ms_min"]),
        latency_ratio=float(row["latency_ratio"]),
        curve=tuple(curve),
        test_accuracy=float(row["test_accuracy"]) if row["test_accuracy"] else None,
    )
