"""A split as a sequence of batches, the next one made while the present one is used."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from runners.data.dataset import Indices, Labels, Pixels, Split


def batches(split: Split, batch_size: int, order: Indices) -> Iterator[tuple[Pixels, Labels]]:
    """Images (B, C, H, W) and labels (B,) of `split` in the given order; the last may be fewer.

    A lazy split is read one batch ahead by one thread, which ends with the iteration, however
    that ends.

    Args:
        split: where the images come from.
        batch_size: images a batch, at least 1.
        order: positions in `split`, (N,), for instance a permutation.

    Raises:
        ValueError: `batch_size` below 1.
        DataError: an image that cannot be read, when its batch is due.
    """
    if batch_size < 1:
        raise ValueError(f"batch size must be at least 1, not {batch_size}")
    chunks = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return _ahead(split, chunks) if split.lazy else _at_once(split, chunks)


def _at_once(split: Split, chunks: list[Indices]) -> Iterator[tuple[Pixels, Labels]]:
    for chunk in chunks:
        yield split.images(chunk), split.labels[chunk]


def _ahead(split: Split, chunks: list[Indices]) -> Iterator[tuple[Pixels, Labels]]:
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        # Leaving the block, also by close() of this generator, waits for the batch in the making.
        coming = pool.submit(split.images, chunks[0]) if chunks else None
        for number, chunk in enumerate(chunks):
            assert coming is not None  # chunks is not empty
            images = coming.result()
            if number + 1 < len(chunks):
                coming = pool.submit(split.images, chunks[number + 1])
            yield images, split.labels[chunk]
