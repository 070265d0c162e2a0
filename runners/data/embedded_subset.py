"""The data set that ships with the project, `fashion-mnist-mini`: read it, or make it again.

python -m runners.data.embedded_subset SOURCE_FOLDER makes it from the official Fashion-MNIST files:
of each class the first 700 training and the first 200 test images in file order, kept in file
order.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runners.data import idx
from runners.data.cache import read_verified
from runners.data.sources import FASHION_FILES, PINS
from runners.records.errors import DataError

FOLDER = Path(__file__).parent / "embedded"
SUMS = "SHA256SUMS"
TRAIN_PER_CLASS = 700
TEST_PER_CLASS = 200


def read_embedded(folder: Path = FOLDER) -> dict[Path, bytes]:
    """The embedded files as plain IDX bytes; DataError naming a missing or changed one."""
    sums = folder / SUMS
    try:
        lines = sums.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {sums}: {error.strerror}") from error
    digests = {line.split()[-1]: line.split()[0] for line in lines if line.strip()}
    pins = {name: digests.get(name, "") for name in FASHION_FILES}
    contents = read_verified(folder, pins, f"; restore it and {SUMS}")
    return {path: idx.gunzip(data, str(path)) for path, data in contents.items()}


def make_subset(
    source: Path, into: Path, train: int, test: int, pins: Iterable[str] | None
) -> None:
    """Write the subset of the four official files in `source`, and its SHA256SUMS, to `into`.

    The subset has `train` and `test` images per class. `pins` are the SHA-256 (hex) of the
    decompressed source files; None accepts any files.

    Raises:
        DataError: a source file is missing, broken or not the official one.
    """
    contents = {name: idx.read_content(source / name) for name in FASHION_FILES}
    for name, pin in zip(FASHION_FILES, pins or (), strict=pins is not None):
        if hashlib.sha256(contents[name]).hexdigest() != pin:
            raise DataError(f"{source / name} is not the official Fashion-MNIST file")
    arrays = [idx.decode(content, name) for name, content in contents.items()]
    into.mkdir(parents=True, exist_ok=True)
    sums = []
    for start, per_class in ((0, train), (2, test)):
        chosen = _first_of_each_class(arrays[start + 1], per_class)
        for part in (start, start + 1):
            path = into / FASHION_FILES[part]
            idx.write(path, arrays[part][chosen])
            sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (into / SUMS).write_bytes("".join(sums).encode())


def main() -> int:
    """Make the subset; exit code 2 and one line for an error of the user."""
    parser = argparse.ArgumentParser(description="Make the embedded subset of Fashion-MNIST.")
    parser.add_argument("source", type=Path, help="folder with the four official .gz files")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder to write to")
    arguments = parser.parse_args()
    try:
        pins = PINS["fashion-mnist"].values()
        make_subset(arguments.source, arguments.into, TRAIN_PER_CLASS, TEST_PER_CLASS, pins)
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def _first_of_each_class(labels: NDArray[np.uint8], per_class: int) -> NDArray[np.int64]:
    """Sorted positions of the first `per_class` images of every class of labels (N,)."""
    positions = [np.flatnonzero(labels == kind)[:per_class] for kind in np.unique(labels)]
    if any(len(rows) < per_class for rows in positions):
        raise DataError(f"a class has fewer than {per_class} images")
    return np.sort(np.concatenate(positions)).astype(np.int64)


if __name__ == "__main__":
    sys.exit(main())
