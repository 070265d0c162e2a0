"""Take the validation split from the training images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from runners.data.dataset import Indices, Labels
from runners.records.errors import DataError


def split_validation(labels: Labels, count: int) -> tuple[Indices, Indices]:
    """Split positions into (train, validation), both sorted; `count` of them are validation.

    Stratified: each class gives its share, rounded so that the sum is `count`, and keeps at least
    one image on either side. Within a class the positions are evenly spaced. No random number is
    involved: every arm and every seed sees the same validation images, on every machine.

    Args:
        labels: (N,) class of each training image.
        count: number of validation images.

    Raises:
        DataError: a class has one image only, or `count` leaves some class without an image on
            one side.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if len(sizes) == 0 or sizes.min() < 2:
        raise DataError("a validation split needs 2 or more training images of each class")
    if not len(classes) <= count <= len(labels) - len(classes):
        raise DataError(
            f"cannot take {count} validation images from {len(labels)} of {len(classes)} classes; "
            f"possible: {len(classes)} to {len(labels) - len(classes)}"
        )
    chosen = []
    for kind, share in zip(classes, _shares(sizes, count), strict=True):
        members = np.flatnonzero(labels == kind)
        # The middles of `share` equal stretches; integers only, so no rounding differs by machine.
        chosen.append(members[(2 * np.arange(share) + 1) * len(members) // (2 * share)])
    val = np.sort(np.concatenate(chosen)).astype(np.int64)
    train = np.setdiff1d(np.arange(len(labels), dtype=np.int64), val)
    return train, val


def _shares(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Images per class: near count * sizes / sum, within [1, size - 1], `count` in all."""
    total = int(sizes.sum())
    shares = np.clip(count * sizes // total, 1, sizes - 1)
    # What a class still lacks, in units of 1 / total of an image: exact integers.
    while shares.sum() < count:
        lack = np.where(shares < sizes - 1, count * sizes - total * shares, np.iinfo(np.int64).min)
        shares[np.argmax(lack)] += 1
    while shares.sum() > count:
        lack = np.where(shares > 1, count * sizes - total * shares, np.iinfo(np.int64).max)
        shares[np.argmin(lack)] -= 1
    return shares
