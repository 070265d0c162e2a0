"""Make the embedded data set from the official Fashion-MNIST files.

python -m runners.data.make_embedded SOURCE_FOLDER

The rule: of each class the first 700 training and the first 200 test images in file order, kept in
file order.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runners.data import idx
from runners.data.embedded_files import FILES, FOLDER, SUMS
from runners.data.sources import PINS
from runners.records.errors import DataError

TRAIN_PER_CLASS = 700
TEST_PER_CLASS = 200


def first_of_each(labels: NDArray[np.uint8], per_class: int) -> NDArray[np.int64]:
    """Positions, ascending, of the first `per_class` images of every class of labels (N,)."""
    places = [np.flatnonzero(labels == kind)[:per_class] for kind in np.unique(labels)]
    if any(len(found) < per_class for found in places):
        raise DataError(f"a class has fewer than {per_class} images")
    return np.sort(np.concatenate(places)).astype(np.int64)


def make(source: Path, into: Path, train: int, test: int, pins: dict[str, str] | None) -> None:
    """Write the subset of the four official files in `source`, and its SHA256SUMS, to `into`.

    Args:
        source: folder with the four official .gz files.
        into: folder to write to; made if missing.
        train: training images per class.
        test: test images per class.
        pins: SHA-256 (hex) of the decompressed source files by part; None takes any files.

    Raises:
        DataError: a source file is missing, broken or not the official one.
    """
    contents = [idx.content(source / name) for name in FILES]
    for content, name, pin in zip(contents, FILES, (pins or {}).values(), strict=bool(pins)):
        if hashlib.sha256(content).hexdigest() != pin:
            raise DataError(f"{source / name} is not the official Fashion-MNIST file")
    arrays = [idx.decode(data, name) for data, name in zip(contents, FILES, strict=True)]
    into.mkdir(parents=True, exist_ok=True)
    sums = []
    for start, per_class in ((0, train), (2, test)):
        chosen = first_of_each(arrays[start + 1], per_class)
        for part in (start, start + 1):
            path = into / FILES[part]
            idx.write(path, arrays[part][chosen])
            sums.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    (into / SUMS).write_bytes("".join(sums).encode())


def main() -> int:
    """Make the files named on the command line; exit code 2 and one line for a user's mistake."""
    parser = argparse.ArgumentParser(description="Make the embedded subset of Fashion-MNIST.")
    parser.add_argument("source", type=Path, help="folder with the four official .gz files")
    parser.add_argument("--into", type=Path, default=FOLDER, help="folder to write to")
    given = parser.parse_args()
    try:
        make(given.source, given.into, TRAIN_PER_CLASS, TEST_PER_CLASS, PINS["fashion-mnist"])
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
