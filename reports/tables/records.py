"""Records as CSV, and back without loss."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import PurePath
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""One record, flat: the fields of `runners.records.record.Record.flat`; an absent part is None."""


def dataset_label(name: str) -> str:
    """A data set as tables and figures name it: an image folder without the path to it.

    "folder:/data/flowers" is "folder:flowers"; a path says where a machine keeps its files.
    """
    kind, colon, path = name.partition(":")
    return f"{kind}{colon}{PurePath(path).name or path}"


def data_text(rows: Sequence[Row]) -> str:
    """The descriptions of the rows' data sets, or their names, each once; empty for none."""
    texts = (row.get("dataset_note") or dataset_label(row.get("dataset") or "") for row in rows)
    return "; ".join(text for text in dict.fromkeys(texts) if text)


def records_csv(rows: Sequence[Row]) -> str:
    """One row per record, one column per field, in order of first appearance.

    Text is written as it is; everything else, and text that would be mistaken for it, is JSON:
    None is `null`, lists and dicts are JSON in their cell.
    """
    fields = list(dict.fromkeys(field for row in rows for field in row))
    return cells_csv(fields, [[_encode(row.get(field)) for field in fields] for row in rows])


def read_records(text: str) -> list[dict[str, Any]]:
    """The rows that `records_csv` wrote; a field that a row lacked is None."""
    import pandas as pd

    cells = pd.read_csv(StringIO(text), dtype=str, na_filter=False, index_col=False)
    return [
        {str(field): _decode(cell) for field, cell in row.items()}
        for row in cells.to_dict("records")
    ]


def cells_csv(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Cells of text as CSV with Unix line ends; only cells that need quotes have them."""
    import pandas as pd

    table = pd.DataFrame(list(cells), columns=list(headings), dtype=object)
    return str(table.to_csv(index=False, lineterminator="\n"))


def _encode(value: Any) -> str:
    # A bare carriage return would end the line for most readers.
    if isinstance(value, str) and value == _decode(value) and "\r" not in value:
        return value
    return json.dumps(value)


def _decode(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell
