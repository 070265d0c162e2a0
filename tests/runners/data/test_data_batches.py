from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.data.batches import batches
from runners.data.dataset import ArraySplit
from runners.records.errors import DataError


class Slow(ArraySplit):
    """A lazy split that notes which thread asked, and fails on image `broken`."""

    lazy = True
    broken = -1

    def images(self, indices):
        self.threads = [*getattr(self, "threads", []), threading.current_thread().name]
        if self.broken in indices:
            raise DataError("cannot read image 7")
        return super().images(indices)


def split(kind: type[ArraySplit], count: int = 20) -> ArraySplit:
    pixels = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    return kind(pixels, np.arange(count) % 3)


def background() -> int:
    return sum(thread.name.startswith("batches") for thread in threading.enumerate())


@pytest.mark.parametrize("kind", [ArraySplit, Slow])
@given(order=st.permutations(range(20)), keep=st.integers(0, 20), size=st.integers(1, 25))
def test_every_image_in_order(kind, order: list[int], keep: int, size: int) -> None:
    wanted = np.array(order[:keep], np.int64)
    found = list(batches(split(kind), size, wanted))
    assert [len(labels) for _, labels in found[:-1]] == [size] * (len(found) - 1)
    assert [p for images, _ in found for p in images.ravel()] == wanted.tolist()
    assert [p for _, labels in found for p in labels] == (wanted % 3).tolist()
    assert background() == 0


def test_only_lazy_splits_use_a_thread_and_only_one() -> None:
    lazy = split(Slow)
    list(batches(lazy, 3, np.arange(20)))
    assert set(lazy.threads) == {"batches_0"}


def test_one_batch_is_read_ahead() -> None:
    lazy = split(Slow)
    stream = batches(lazy, 5, np.arange(20))
    next(stream)
    stream.close()
    assert len(lazy.threads) == 2
    assert background() == 0


def test_a_consumer_that_fails_leaves_no_thread() -> None:
    with pytest.raises(KeyError):
        for _ in batches(split(Slow), 5, np.arange(20)):
            raise KeyError
    assert background() == 0


def test_an_error_comes_when_its_batch_is_due() -> None:
    lazy = split(Slow)
    lazy.broken = 7
    stream = batches(lazy, 5, np.arange(20))
    next(stream)
    with pytest.raises(DataError, match="image 7"):
        next(stream)
    assert background() == 0


def test_batch_size() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        batches(split(ArraySplit), 0, np.arange(3))
