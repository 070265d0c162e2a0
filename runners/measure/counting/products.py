"""Sums of products, found in the data flow: `(a * b).sum(d)` costs what its einsum costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class _Product:
    """What a tensor holds: a product, a sum that more products may join, or zeros to begin with.

    Args:
        shape: of the tensor.
        factors: shapes of the two factors of an element-wise product.
        uncounted: multiplications that become MACs when another product is added.
    """

    shape: tuple[int, ...]
    factors: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    uncounted: int = 0


@dataclass
class Contraction:
    """A sum of products that was found.

    Args:
        macs: its multiply-accumulates.
        multiplications: those of its products.
        is_valid: False once a product in it is used for something else than this sum.
    """

    macs: int
    multiplications: int
    is_valid: bool = True


class ProductTracker:
    """Which tensors are element-wise products, and what adding them up costs.

    A product of two tensors that is used for nothing but a sum over a dimension in which both vary
    is a contraction; so is a chain of `addcmul`, from zeros or from a product on. All others scale
    or shift: their multiplications are counted apart.
    """

    def __init__(self) -> None:
        # By storage: an operator that writes a new tensor into freed memory overwrites the entry.
        self._products: dict[int, _Product] = {}
        self._used: set[int] = set()
        self._sums: dict[int, Contraction] = {}
        self._contractions: list[Contraction] = []
        self._multiplications = 0

    @property
    def multiplications(self) -> int:
        """Element-wise multiplications of two tensors that are in no sum of products."""
        return self._multiplications - sum(
            contraction.multiplications
            for contraction in self._contractions
            if contraction.is_valid
        )

    def observe(
        self,
        name: str,
        arguments: Sequence[Any],
        tensors: Sequence[Tensor],
        results: Sequence[Tensor],
    ) -> Contraction | None:
        """Follow one operator that is no view; the contraction that it ends, if it does.

        Views keep their product, whatever else is written loses it.
        """
        contraction, product = None, None
        shape, size = tuple(results[0].shape), results[0].numel()
        if name == "sum":
            contraction = self._summed(arguments[0], arguments[1] if len(arguments) > 1 else None)
        if contraction is None:
            for key in map(_storage, tensors):
                self._used.add(key)
                if key in self._sums:
                    self._sums[key].is_valid = False
        if name == "mul" and (factors := _factors(arguments[0], arguments[1])):
            product = _Product(shape, factors, size)
            self._multiplications += size
        elif name == "addcmul" and _factors(arguments[1], arguments[2]):
            self._multiplications += size
            begun = self._products.get(_storage(arguments[0]))
            if begun is None or begun.shape not in (shape, ()):  # a product and a shift, so far
                product = _Product(shape, uncounted=size)
            else:
                product = _Product(shape)
                contraction = Contraction(size + begun.uncounted, size + begun.uncounted)
        elif name in _ZEROS:
            product = _Product(shape)
        for key in map(_storage, results):
            self._products.pop(key, None)
            self._sums.pop(key, None)
            self._used.discard(key)
        if product is not None:
            self._products[_storage(results[0])] = product
        if contraction is not None:
            self._contractions.append(contraction)
        return contraction

    def _summed(self, tensor: Tensor, dims: Sequence[int] | None) -> Contraction | None:
        key = _storage(tensor)
        product = self._products.get(key)
        if product is None or product.factors is None or key in self._used:
            return None
        macs = tensor.numel()
        if tuple(tensor.shape) == product.shape:  # otherwise it is a view of the product
            rank = tensor.dim()
            summed = {dim % rank for dim in dims} if dims else set(range(rank))
            both = {dim for dim in summed if all(size[dim] > 1 for size in product.factors)}
            if not both:  # it scales, then adds up what it has scaled
                return None
            # What only one factor varies in is summed before, as in an einsum.
            macs //= prod(product.shape[dim] for dim in summed - both)
        contraction = Contraction(macs, tensor.numel())
        self._sums[key] = contraction
        return contraction


_ZEROS = ("zeros", "new_zeros", "zeros_like", "zero")


def _factors(left: Any, right: Any) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Shapes of two tensors, of one rank; None for scalars, integers and squares."""
    if not all(
        isinstance(t, Tensor) and t.numel() > 1 and (t.is_floating_point() or t.is_complex())
        for t in (left, right)
    ):
        return None
    same = _storage(left) == _storage(right) and left.storage_offset() == right.storage_offset()
    if same and left.shape == right.shape and left.stride() == right.stride():
        return None
    rank = max(left.dim(), right.dim())
    return _padded(left, rank), _padded(right, rank)


def _padded(tensor: Tensor, rank: int) -> tuple[int, ...]:
    """The shape with as many leading ones as broadcasting adds."""
    return (1,) * (rank - tensor.dim()) + tuple(tensor.shape)


def _storage(tensor: Tensor) -> int:
    """What identifies the memory of a tensor; a sparse one has none of its own."""
    if tensor.layout is not torch.strided:
        return id(tensor)
    return tensor.untyped_storage()._cdata
