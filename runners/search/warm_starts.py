"""Warm starts: architectures that a sweep evaluates first, of variants, files and earlier runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lolvit import LolvitConfig, variant
from lolvit.config import from_dict as architecture_of
from runners.records.errors import UserError
from search_space import Space, SpaceError, Values
from search_space.yaml_file import parse_yaml, read_yaml

_FRONT = "front.csv"


def locate_variants(names: Sequence[str], space: Space) -> list[Values]:
    """Find the values of named variants in a space.

    Raises:
        UserError: a variant is not in the space, or not a LOLViT.
        ArchitectureError: a name is unknown.
    """
    values = []
    for name in names:
        network = variant(name, resolution=space.base.resolution)
        try:
            values.append(_locate(space, network))
        except SpaceError as error:
            raise UserError(f"variant {name!r} is not in the space: {error}") from error
    return values


def read_file(file: Path, space: Space) -> list[Values]:
    """Read values from a list of mappings (YAML, JSON) or a CSV file such as a front.csv.

    A mapping has dimensions as keys; missing ones are as in the base. If there is a key
    `architecture`, the others are ignored.

    Raises:
        UserError: the file cannot be read, or an entry is not in the space.
    """
    values = []
    for number, entry in enumerate(_entries(file), 1):
        try:
            values.append(_entry_values(entry, space))
        except (ValueError, TypeError) as error:  # includes SpaceError and ArchitectureError
            raise UserError(f"invalid architecture: {file}, entry {number}: {error}") from error
    if not values:
        raise UserError(f"{file} contains no architectures")
    return values


def read_front(folder: Path, space: Space) -> tuple[list[Values], int]:
    """Read the published front of a sweep: the values, and how many entries are not in the space.

    Raises:
        UserError: there is no front, or nothing of it is in the space.
    """
    file = folder / _FRONT
    if not file.is_file():
        raise UserError(
            f"{folder} has no {_FRONT}: it is not the folder of a sweep that has finished a trial"
        )
    values, outside = [], 0
    for entry in _entries(file):
        try:
            values.append(_entry_values(entry, space))
        except (ValueError, TypeError):
            outside += 1
    if not values:
        raise UserError(f"no architecture of {file} is in this space")
    return values, outside


def _entry_values(entry: dict[str, Any], space: Space) -> Values:
    if entry.get("architecture"):
        architecture = entry["architecture"]
        if isinstance(architecture, str):
            architecture = json.loads(architecture)
        return _locate(space, architecture_of(architecture))
    values = {**space.default, **entry}
    space.architecture(values)
    return values


def _locate(space: Space, architecture: object) -> Values:
    if not isinstance(architecture, LolvitConfig):
        raise SpaceError("it is not a LOLViT")
    return space.locate(architecture)


def _entries(file: Path) -> Iterable[dict[str, Any]]:
    try:
        rows = _rows_of_csv(file) if file.suffix == ".csv" else read_yaml(file)
    except SpaceError as error:
        raise UserError(str(error)) from error
    except (OSError, ValueError, csv.Error) as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0]
        raise UserError(f"cannot read {file}: {reason}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{file} must be a list of mappings from dimensions to values")
    return rows


def _rows_of_csv(file: Path) -> list[dict[str, Any]]:
    reader = csv.DictReader(file.read_text(encoding="utf-8").splitlines(), strict=True)
    rows = []
    for row in reader:
        if None in row:  # `DictReader` collects there what has no column
            raise ValueError(f"line {reader.line_num} has more cells than the first line")
        rows.append(_parse_cells(row, file))
    return rows


def _parse_cells(row: dict[str, str], file: Path) -> dict[str, Any]:
    """Parse the cells of a CSV row as YAML scalars; empty ones are left out."""
    if row.get("architecture"):  # overrides the other columns, and is JSON
        return {"architecture": row["architecture"]}
    return {key: parse_yaml(cell, f"{file}, column {key!r}") for key, cell in row.items() if cell}
