"""Sums of products, found in the data flow: `(a * b).sum(d)` costs what its einsum costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class _Product:
    """What a tensor holds: a product, a sum that more products may join, or zeros to begin with.

    Args:
        shape: of the tensor.
        factors: shapes of the two factors, where it holds a single product.
        terms: how many products have been added up; 0 for zeros.
        uncounted: multiplications that become MACs when enough products are added.
    """

    shape: tuple[int, ...]
    factors: tuple[tuple[int, ...], tuple[int, ...]] | None = None
    terms: int = 1
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
    is a contraction; so is a chain of `addcmul`, from zeros or from a product on, and a sum of
    three or more products by `+`: two may be a gate or a rotation. All others scale or shift: their
    multiplications are counted apart.
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
        shape, size = tuple(results[0].shape), results[0].numel()
        contraction: Contraction | None = None
        product: _Product | None = None
        if name == "sum":
            contraction = self._summed(arguments[0], arguments[1] if len(arguments) > 1 else None)
        elif name == "mul" and (factors := _factors(arguments[0], arguments[1])):
            product = _Product(shape, factors, uncounted=size)
            self._multiplications += size
        elif name == "addcmul" and (factors := _factors(arguments[1], arguments[2])):
            self._multiplications += size
            # A first product that is added to something else is a scale and a shift, so far.
            begun = self._begun(arguments[0], shape) or _Product(shape, factors, terms=-1)
            begun = replace(begun, shape=shape, terms=begun.terms + 1)
            contraction, product = _add(begun, size, least=1)
        elif name == "add":
            product = self._added(arguments[0], arguments[1], shape)
            if product is not None:
                contraction, product = _add(product, 0, least=_LEAST_TERMS)
        elif name in _ZEROS:
            product = _Product(shape, terms=0)
        elif name in _COPIES:
            product = self._copied(tensors, results[0])
        if contraction is None or name != "sum":
            for key in map(_storage, tensors):
                self._used.add(key)
                if key in self._sums:
                    self._sums[key].is_valid = False
        for key in map(_storage, results):
            self._products.pop(key, None)
            self._sums.pop(key, None)
            self._used.discard(key)
        if product is not None:
            self._products[_storage(results[0])] = product
        if contraction is not None:
            self._contractions.append(contraction)
        return contraction

    def _begun(self, value: Any, shape: tuple[int, ...]) -> _Product | None:
        """What a tensor holds, if it is used for nothing else and has this shape."""
        if not isinstance(value, Tensor) or _storage(value) in self._used:
            return None
        product = self._products.get(_storage(value))
        own = tuple(value.shape)
        return (
            product if product is not None and own in (shape, ()) and product.shape == own else None
        )

    def _added(self, left: Any, right: Any, shape: tuple[int, ...]) -> _Product | None:
        """What `left + right` holds; None if neither side holds a product."""
        sides = [self._begun(side, shape) for side in (left, right)]
        held = [side for side in sides if side is not None]
        if not held or not sum(side.terms for side in held):
            return None
        factors = [side.factors for side in held if side.terms == 1]
        return _Product(
            shape,
            factors[0] if len(factors) == 1 else None,
            sum(side.terms for side in held),
            sum(side.uncounted for side in held),
        )

    def _copied(self, tensors: Sequence[Tensor], result: Tensor) -> _Product | None:
        """What a copy or a concatenation holds: products, if all parts are products."""
        parts = [self._products.get(_storage(tensor)) for tensor in tensors]
        used = any(_storage(tensor) in self._used for tensor in tensors)
        if used or not all(part is not None and part.terms == 1 for part in parts):
            return None
        if len(parts) == 1 and parts[0] is not None and parts[0].shape == tuple(result.shape):
            return parts[0]
        uncounted = sum(part.uncounted for part in parts if part is not None)
        return (
            _Product(tuple(result.shape), None, 1, uncounted)
            if uncounted == result.numel()
            else None
        )

    def _summed(self, tensor: Tensor, dims: Sequence[int] | None) -> Contraction | None:
        key = _storage(tensor)
        product = self._products.get(key)
        if product is None or product.terms != 1 or not product.uncounted or key in self._used:
            return None
        macs = tensor.numel()
        # Of views of a product, and of several that were concatenated, the factors are not known.
        if product.factors is not None and tuple(tensor.shape) == product.shape:
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
_COPIES = ("clone", "_to_copy", "contiguous", "cat", "stack")
_LEAST_TERMS = 3
"""Of a sum by `+`, so that rotary embeddings and gates, which have two, stay element-wise."""


def _add(product: _Product, size: int, least: int) -> tuple[Contraction | None, _Product]:
    """Add multiplications to a sum, and count all of it if it has enough terms."""
    uncounted = product.uncounted + size
    if product.terms < least or not uncounted:
        return None, replace(product, uncounted=uncounted)
    return Contraction(uncounted, uncounted), _Product(product.shape, None, product.terms)


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
