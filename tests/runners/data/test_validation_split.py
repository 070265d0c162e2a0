from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.data.dataset import split_validation
from runners.records.errors import DataError

sizes_and_count = st.lists(st.integers(2, 40), min_size=1, max_size=12).flatmap(
    lambda sizes: st.tuples(st.just(sizes), st.integers(len(sizes), sum(sizes) - len(sizes)))
)


@given(sizes_and_count, st.randoms(use_true_random=False))
def test_train_and_validation_are_a_partition_with_every_class_in_both(case, random) -> None:
    sizes, count = case
    listed = [kind for kind, size in enumerate(sizes) for _ in range(size)]
    random.shuffle(listed)
    labels = np.array(listed, np.int64)
    train, val = split_validation(labels, count)
    assert len(val) == count
    assert np.array_equal(np.sort(np.concatenate([train, val])), np.arange(len(labels)))
    assert np.all(np.diff(train) > 0)
    assert np.all(np.diff(val) > 0)
    for side in (train, val):
        assert set(labels[side]) == set(range(len(sizes)))
    again = split_validation(labels.copy(), count)
    assert np.array_equal(again[0], train)
    assert np.array_equal(again[1], val)


@given(st.integers(1, 10), st.integers(2, 50), st.data())
def test_balanced_classes_give_equal_shares(classes: int, size: int, data) -> None:
    share = data.draw(st.integers(1, size - 1))
    labels = np.tile(np.arange(classes), size)
    _, val = split_validation(labels, share * classes)
    assert np.array_equal(np.bincount(labels[val]), np.full(classes, share))


@given(st.lists(st.integers(20, 200), min_size=2, max_size=8))
def test_shares_are_within_one_image_of_the_proportion(sizes: list[int]) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    count = len(labels) // 10
    _, val = split_validation(labels, count)
    wanted = np.array(sizes) * count / len(labels)
    assert np.all(np.abs(np.bincount(labels[val], minlength=len(sizes)) - wanted) < 1)


def test_validation_is_spread_over_each_class() -> None:
    _, val = split_validation(np.zeros(100, np.int64), 10)
    assert val.tolist() == list(range(5, 100, 10))


@pytest.mark.parametrize(
    ("labels", "count"), [([], 1), ([0], 1), ([0, 0, 1], 2), ([0, 0, 1, 1], 1), ([0, 0, 1, 1], 3)]
)
def test_impossible_splits_are_errors(labels: list[int], count: int) -> None:
    with pytest.raises(DataError):
        split_validation(np.array(labels, np.int64), count)
