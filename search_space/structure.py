"""Which dimensions exist, given the values of others: the tree behind a flat space."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from lolvit.config import LolvitConfig
from search_space import mixer_text
from search_space.dimension import Dimension, Value, Values
from search_space.errors import SpaceError
from search_space.slot import Slot, slot


class Structure:
    """The dimensions of a space, in an order in which each comes after those it depends on.

    `chosen` is everywhere the values of the dimensions that exist, as far as they are settled.

    Raises:
        SpaceError: conditions that go in a circle.
    """

    def __init__(self, base: LolvitConfig, dimensions: Iterable[Dimension]) -> None:
        self.base = base
        self.dimensions = {dimension.name: dimension for dimension in dimensions}
        self.slots = {name: slot(name) for name in self.dimensions}
        self._governor = _governors(self.slots)
        self.stages = {
            name: tuple(n for n in place.stages if self._governor[place.family, n] == name)
            for name, place in self.slots.items()
        }
        self.parents = {name: tuple(dict.fromkeys(self._parents(name))) for name in self.slots}
        self.order = self._ordered()

    def governor(self, like: str, stage: int) -> str | None:
        """The dimension that decides in this stage what `like` ("mixer.3") decides in its own."""
        return self._governor.get((slot(like).family, stage))

    def exists(self, name: str, chosen: Mapping[str, Value]) -> bool:
        """Whether the dimension changes anything, its condition included."""
        when = self.dimensions[name].when
        met = all(known in chosen and chosen[known] in values for known, values in when.items())
        return met and bool(self.live_stages(name, chosen))

    def live_stages(self, name: str, chosen: Mapping[str, Value]) -> tuple[int, ...]:
        """The stages in which the dimension means something."""
        place = self.slots[name]
        return tuple(
            stage
            for stage in self.stages[name]
            if (not place.hosted or self.blocks(stage, chosen) > 0)
            and (not place.inside or self.depth(stage, chosen) > 1)
            and (not place.option or self.mixer(stage, chosen) == place.word)
        )

    def options(self, name: str, chosen: Mapping[str, Value]) -> Sequence[Value]:
        """The values that differ in what they do; the dimension must have a list of them."""
        values = self.dimensions[name].values
        assert values is not None
        if not self.slots[name].inside:
            return values
        first: dict[int, Value] = {}
        for value in values:
            first.setdefault(self._effect(name, value, chosen), value)
        return list(first.values())

    def find(self, name: str, value: object, chosen: Mapping[str, Value]) -> Value | None:
        """The first value that does the same as this one; None where the dimension has none."""
        if not self.slots[name].inside:
            return self.dimensions[name].find(value)
        effect = self._effect(name, value, chosen)
        alike = (v for v in self.options(name, chosen) if self._effect(name, v, chosen) == effect)
        return next(alike, None)

    def grid(self, chosen: Values | None = None, depth: int = 0) -> Iterator[Values]:
        """Each combination of existing dimensions once; the first in the order changes slowest."""
        chosen = chosen or {}
        if depth == len(self.order):
            yield chosen
            return
        name = self.order[depth]
        if not self.exists(name, chosen):
            yield from self.grid(chosen, depth + 1)
            return
        for value in self.options(name, chosen):
            yield from self.grid({**chosen, name: value}, depth + 1)

    def blocks(self, stage: int, chosen: Mapping[str, Value]) -> int:
        """Fusion blocks of the stage."""
        return int(self._at("blocks.3", stage, chosen))

    def depth(self, stage: int, chosen: Mapping[str, Value]) -> int:
        """Bottlenecks of the stage."""
        return int(self._at("depth.3", stage, chosen))

    def mixer(self, stage: int, chosen: Mapping[str, Value]) -> str:
        """Name of the stage's mixer."""
        return mixer_text.parse(self._at("mixer.3", stage, chosen)).name

    def _at(self, like: str, stage: int, chosen: Mapping[str, Value]) -> Value:
        name = self.governor(like, stage)
        if name is not None and name in chosen:
            return chosen[name]
        value = slot(like).read(self.base, stage)
        assert value is not None  # only options can be unknown
        return value

    def _effect(self, name: str, value: object, chosen: Mapping[str, Value]) -> int:
        """A place after the last bottleneck, or beyond, is the end of the stage."""
        after = int(str(value))
        return after if after < self.depth(self.stages[name][0], chosen) else 0

    def _parents(self, name: str) -> Iterator[str]:
        place = self.slots[name]
        likes = {"blocks.3": place.hosted, "depth.3": place.inside, "mixer.3": bool(place.option)}
        for like in (like for like, needed in likes.items() if needed):
            for stage in self.stages[name]:
                if (parent := self.governor(like, stage)) is not None:
                    yield parent
        yield from self.dimensions[name].when

    def _ordered(self) -> tuple[str, ...]:
        ancestors: dict[str, set[str]] = {}

        def visit(name: str, path: tuple[str, ...]) -> set[str]:
            if name in path:
                circle = " -> ".join((*path[path.index(name) :], name))
                raise SpaceError(f"dimension {name!r}: conditions go in a circle: {circle}")
            if name not in ancestors:
                known = [visit(parent, (*path, name)) for parent in self.parents[name]]
                ancestors[name] = set(self.parents[name]).union(*known)
            return ancestors[name]

        for name in self.slots:
            visit(name, ())
        # Those that hang on little come first: it keeps what counting must remember small.
        rank = {name: position for position, name in enumerate(self.slots)}
        order: dict[str, None] = {}
        leaves = set(self.slots).difference(*self.parents.values())
        for name in sorted(leaves, key=lambda leaf: (len(ancestors[leaf]), rank[leaf])):
            for known in sorted(ancestors[name], key=lambda n: (len(ancestors[n]), rank[n])):
                order.setdefault(known)
            order.setdefault(name)
        return tuple(order)


def _governors(slots: Mapping[str, Slot]) -> dict[tuple[tuple[str, str, str], int], str]:
    """Per family and stage the dimension that decides; one for a single stage wins."""
    found = {}
    for name, place in sorted(slots.items(), key=lambda item: item[1].single):
        for stage in place.stages:
            found[place.family, stage] = name
    return found
