from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.data import ArraySplit, iterate_batches
from runners.records.errors import DataError


class LazySplit(ArraySplit):
    """A lazy split that records the threads that read it, and fails on image `broken`."""

    lazy = True
    broken = -1

    def images(self, indices):
        self.threads = [*getattr(self, "threads", []), threading.current_thread().name]
        if self.broken in indices:
            raise DataError("cannot read image 7")
        return super().images(indices)


def make_split(kind: type[ArraySplit], count: int = 20) -> ArraySplit:
    pixels = np.arange(count, dtype=np.uint8).reshape(count, 1, 1, 1)
    return kind(pixels, np.arange(count) % 3)


def count_threads() -> int:
    return sum(thread.name.startswith("batches") for thread in threading.enumerate())


@pytest.mark.parametrize("kind", [ArraySplit, LazySplit])
@given(order=st.permutations(range(20)), keep=st.integers(0, 20), size=st.integers(1, 25))
def test_every_image_in_order(kind, order: list[int], keep: int, size: int) -> None:
    positions = np.array(order[:keep], np.int64)
    result = list(iterate_batches(make_split(kind), size, positions))
    assert [len(labels) for _, labels in result[:-1]] == [size] * (len(result) - 1)
    assert [p for images, _ in result for p in images.ravel()] == positions.tolist()
    assert [p for _, labels in result for p in labels] == (positions % 3).tolist()
    assert count_threads() == 0


def test_only_lazy_splits_use_a_thread_and_only_one() -> None:
    lazy = make_split(LazySplit)
    list(iterate_batches(lazy, 3, np.arange(20)))
    assert set(lazy.threads) == {"batches_0"}


def test_one_batch_is_read_ahead() -> None:
    lazy = make_split(LazySplit)
    stream = iterate_batches(lazy, 5, np.arange(20))
    next(stream)
    stream.close()
    assert len(lazy.threads) == 2
    assert count_threads() == 0


def test_a_consumer_that_fails_leaves_no_thread() -> None:
    with pytest.raises(KeyError):
        for _ in iterate_batches(make_split(LazySplit), 5, np.arange(20)):
            raise KeyError
    assert count_threads() == 0


def test_an_error_comes_when_its_batch_is_due() -> None:
    lazy = make_split(LazySplit)
    lazy.broken = 7
    stream = iterate_batches(lazy, 5, np.arange(20))
    next(stream)
    with pytest.raises(DataError, match="image 7"):
        next(stream)
    assert count_threads() == 0


def test_a_batch_size_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        iterate_batches(make_split(ArraySplit), 0, np.arange(3))
