"""The data set that ships with the project, `fashion-mnist-mini`: where it lies, and reading it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from runners.data import idx
from runners.data.assemble import Arrays, arrays_of
from runners.records.errors import DataError

FOLDER = Path(__file__).parent / "embedded"
FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
"""The official names, in the order of assemble.PARTS."""
SUMS = "SHA256SUMS"


def read_embedded(folder: Path = FOLDER) -> Arrays:
    """The arrays of the embedded data set; DataError naming the file that is missing or changed."""
    sums = _sums(folder / SUMS)
    contents = []
    for name in FILES:
        path = folder / name
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(f"embedded data file {path}: {error.strerror}") from error
        if hashlib.sha256(data).hexdigest() != sums.get(name):
            raise DataError(f"{path} does not match its checksum in {SUMS}; restore both files")
        contents.append(idx.gunzip(data, str(path)))
    return arrays_of(contents, [folder / name for name in FILES])


def _sums(path: Path) -> dict[str, str]:
    """File name -> SHA-256 (hex), from a file as sha256sum writes it."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"embedded data file {path}: {error.strerror}") from error
    pairs = [line.split(maxsplit=1) for line in lines if line.strip()]
    return {pair[-1]: pair[0] for pair in pairs}
