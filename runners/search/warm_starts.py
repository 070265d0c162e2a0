"""Warm starts: architectures to look at first, from files, variants and earlier runs."""

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


def of_variants(names: Sequence[str], space: Space) -> list[Values]:
    """Values of named networks.

    Raises:
        UserError: one that is not in the space, or no LOLViT.
        ArchitectureError: an unknown name.
    """
    found = []
    for name in names:
        network = variant(name, resolution=space.base.resolution)
        try:
            found.append(_located(space, network))
        except SpaceError as error:
            raise UserError(f"variant {name!r} is not in the space: {error}") from error
    return found


def of_file(file: Path, space: Space) -> list[Values]:
    """Values of a file: a list of mappings (YAML, JSON), or a CSV file such as a front.csv.

    A mapping names dimensions; those left out are as in the base. In a CSV file a column
    `architecture` wins over columns named as dimensions.

    Raises:
        UserError: the file cannot be read, or an entry is not in the space.
    """
    found = []
    for number, entry in enumerate(_entries(file), 1):
        try:
            found.append(_values(entry, space))
        except (ValueError, TypeError) as error:  # SpaceError and ArchitectureError too
            raise UserError(f"{file}, entry {number}: {error}") from error
    if not found:
        raise UserError(f"{file} holds no architecture")
    return found


def of_run(folder: Path, space: Space) -> tuple[list[Values], int]:
    """Values of the front that a sweep has published, and how many of it are not in the space.

    Raises:
        UserError: there is no front, or nothing of it is in the space.
    """
    file = folder / _FRONT
    if not file.is_file():
        raise UserError(f"{folder} has no {_FRONT}: it is no sweep, or has not finished a trial")
    found, outside = [], 0
    for entry in _entries(file):
        try:
            found.append(_values(entry, space))
        except (ValueError, TypeError):
            outside += 1
    if not found:
        raise UserError(f"no architecture of {file} is in this space")
    return found, outside


def _values(entry: dict[str, Any], space: Space) -> Values:
    if entry.get("architecture"):
        architecture = entry["architecture"]
        if isinstance(architecture, str):
            architecture = json.loads(architecture)
        return _located(space, architecture_of(architecture))
    values = {**space.default, **entry}
    space.architecture(values)
    return values


def _located(space: Space, architecture: object) -> Values:
    if not isinstance(architecture, LolvitConfig):
        raise SpaceError("it is no LOLViT")
    return space.locate(architecture)


def _entries(file: Path) -> Iterable[dict[str, Any]]:
    try:
        if file.suffix == ".csv":
            rows = [_typed(row, file) for row in csv.DictReader(file.read_text().splitlines())]
        else:
            rows = read_yaml(file)
    except SpaceError as error:
        raise UserError(str(error)) from error
    except (OSError, ValueError) as error:
        reason = str(getattr(error, "strerror", None) or error).splitlines()[0]
        raise UserError(f"cannot read {file}: {reason}") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise UserError(f"{file} must be a list of mappings from dimensions to values")
    return rows


def _typed(row: dict[str, str], file: Path) -> dict[str, Any]:
    """Cells as YAML reads them: numbers, words, true and false; empty ones are left out."""
    if row.get("architecture"):  # overrides the other columns, and is JSON
        return {"architecture": row["architecture"]}
    return {key: parse_yaml(cell, f"{file}, column {key!r}") for key, cell in row.items() if cell}
