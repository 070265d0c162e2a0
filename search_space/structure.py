"""Which dimensions are active, given the values of others: the tree behind a flat space."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

from lolvit.config import LolvitConfig
from lolvit.mixer_config import MixerConfig
from search_space.dimension import Dimension, Value, Values
from search_space.errors import SpaceError
from search_space.slot import Slot, resolve_slot

_State: TypeAlias = tuple[tuple[str, Value], ...]


class Structure:
    """The dimensions of a space, in an order in which each comes after those it depends on.

    `chosen` holds, in every method, the values of the active dimensions that come earlier.

    Raises:
        SpaceError: conditions that form a cycle.
    """

    def __init__(self, base: LolvitConfig, dimensions: Iterable[Dimension]) -> None:
        self.base = base
        self.dimensions = {dimension.name: dimension for dimension in dimensions}
        self.slots = {name: resolve_slot(name) for name in self.dimensions}
        self._setters = _setters(self.slots)
        self.stages = {
            name: tuple(n for n in slot.stages if self._setters[slot.key, n] == name)
            for name, slot in self.slots.items()
        }
        self.parents = {name: tuple(dict.fromkeys(self._parents(name))) for name in self.slots}
        self.order = self._order()

    def setter(self, prefix: str, stage: int) -> str | None:
        """Return the dimension that sets "mixer", "depth" or "blocks" of a stage, if one does."""
        return self._setters.get((_stage_slot(prefix, stage).key, stage))

    def is_active(self, name: str, chosen: Mapping[str, Value]) -> bool:
        """Whether the dimension changes anything: its condition is met and a stage uses it."""
        when = self.dimensions[name].when
        is_met = all(other in chosen and chosen[other] in values for other, values in when.items())
        return is_met and bool(self.active_stages(name, chosen))

    def active_stages(self, name: str, chosen: Mapping[str, Value]) -> tuple[int, ...]:
        """Return the stages in which the dimension has an effect."""
        slot = self.slots[name]
        return tuple(
            stage
            for stage in self.stages[name]
            if (not slot.needs_blocks or int(self._value("blocks", stage, chosen)) > 0)
            and (not slot.is_position or self._depth(stage, chosen) > 1)
            and (not slot.option or self._mixer(stage, chosen) == slot.prefix)
        )

    def distinct_values(self, name: str, chosen: Mapping[str, Value]) -> Sequence[Value]:
        """Return the values that differ in their effect; the dimension must have a step."""
        values = self.dimensions[name].values
        assert values is not None
        if not self.slots[name].is_position:
            return values
        by_position: dict[int, Value] = {}
        for value in values:
            by_position.setdefault(self._position(name, value, chosen), value)
        return list(by_position.values())

    def find(self, name: str, value: object, chosen: Mapping[str, Value]) -> Value | None:
        """Return the dimension's first value with the same effect, or None."""
        if not self.slots[name].is_position:
            return self.dimensions[name].find(value)
        position = self._position(name, value, chosen)
        for other in self.distinct_values(name, chosen):
            if self._position(name, other, chosen) == position:
                return other
        return None

    def grid(self, chosen: Values | None = None, depth: int = 0) -> Iterator[Values]:
        """Yield each combination of active dimensions once; the first one changes slowest."""
        chosen = chosen or {}
        if depth == len(self.order):
            yield chosen
            return
        name = self.order[depth]
        if not self.is_active(name, chosen):
            yield from self.grid(chosen, depth + 1)
            return
        for value in self.distinct_values(name, chosen):
            yield from self.grid({**chosen, name: value}, depth + 1)

    def size(self) -> int | float:
        """Count the combinations of active dimensions; infinite with a real one without step.

        Processes the dimensions in order and keeps the number of ways to reach every state (the
        transfer-matrix method). A state holds only what later dimensions depend on: not how many
        fusion blocks there are, but whether there are any. So the cost follows the number of
        states, hundreds, and not that of the combinations, which are counted exactly.
        """
        if any(dimension.values is None for dimension in self.dimensions.values()):
            return math.inf
        ways: Counter[_State] = Counter({(): 1})
        for index, name in enumerate(self.order):
            later = self.order[index + 1 :]
            needed = {parent for child in later for parent in self.parents[child]}
            next_ways: Counter[_State] = Counter()
            for state, count in ways.items():
                for step, multiplicity in self._steps(name, dict(state), needed=name in needed):
                    kept = tuple(pair for pair in (*state, *step) if pair[0] in needed)
                    next_ways[kept] += count * multiplicity
            ways = next_ways
        return sum(ways.values())

    def _steps(
        self, name: str, chosen: Mapping[str, Value], *, needed: bool
    ) -> Iterator[tuple[_State, int]]:
        """Yield what the dimension adds to a state, and how many of its values add just that."""
        if not self.is_active(name, chosen):
            yield (), 1
            return
        values = self.distinct_values(name, chosen)
        if not needed:
            yield (), len(values)
            return
        groups: dict[Value, list[Value]] = {}
        for value in values:
            groups.setdefault(self._visible(name, value), []).append(value)
        for group in groups.values():
            yield ((name, group[0]),), len(group)

    def _visible(self, name: str, value: Value) -> Value:
        """Return what other dimensions depend on; equal for values they do not distinguish."""
        if any(name in dimension.when for dimension in self.dimensions.values()):
            return value
        prefix = self.slots[name].prefix
        if prefix == "blocks":
            return int(value) > 0
        if prefix == "mixer":
            mixer = MixerConfig.parse(str(value)).name
            return mixer if any(slot.prefix == mixer for slot in self.slots.values()) else ""
        return value

    def _depth(self, stage: int, chosen: Mapping[str, Value]) -> int:
        return int(self._value("depth", stage, chosen))

    def _mixer(self, stage: int, chosen: Mapping[str, Value]) -> str:
        return MixerConfig.parse(str(self._value("mixer", stage, chosen))).name

    def _value(self, prefix: str, stage: int, chosen: Mapping[str, Value]) -> Value:
        name = self.setter(prefix, stage)
        if name is not None and name in chosen:
            return chosen[name]
        return base_value(self.base, prefix, stage)

    def _position(self, name: str, value: object, chosen: Mapping[str, Value]) -> int:
        """Return the bottleneck that a position means; 0, the end, for the last and beyond."""
        position = int(str(value))
        return position if position < self._depth(self.stages[name][0], chosen) else 0

    def _parents(self, name: str) -> Iterator[str]:
        slot = self.slots[name]
        uses = {"blocks": slot.needs_blocks, "depth": slot.is_position, "mixer": bool(slot.option)}
        for prefix in (prefix for prefix, is_used in uses.items() if is_used):
            for stage in self.stages[name]:
                if (parent := self.setter(prefix, stage)) is not None:
                    yield parent
        yield from self.dimensions[name].when

    def _order(self) -> tuple[str, ...]:
        ancestors: dict[str, set[str]] = {}

        def visit(name: str, path: tuple[str, ...]) -> set[str]:
            if name in path:
                cycle = " -> ".join((*path[path.index(name) :], name))
                raise SpaceError(f"dimension {name!r}: conditions form a cycle: {cycle}")
            if name not in ancestors:
                inherited = [visit(parent, (*path, name)) for parent in self.parents[name]]
                ancestors[name] = set(self.parents[name]).union(*inherited)
            return ancestors[name]

        for name in self.slots:
            visit(name, ())
        # Dimensions with few ancestors come first: `size` then has few states to keep.
        rank = {name: index for index, name in enumerate(self.slots)}
        order: dict[str, None] = {}
        leaves = set(self.slots).difference(*self.parents.values())
        for name in sorted(leaves, key=lambda leaf: (len(ancestors[leaf]), rank[leaf])):
            for ancestor in sorted(ancestors[name], key=lambda n: (len(ancestors[n]), rank[n])):
                order.setdefault(ancestor)
            order.setdefault(name)
        return tuple(order)


def base_value(base: LolvitConfig, prefix: str, stage: int) -> Value:
    """Return "mixer", "depth" or "blocks" of a stage of the base."""
    value = _stage_slot(prefix, stage).read(base, stage)
    assert value is not None  # only options can be None
    return value


def _stage_slot(prefix: str, stage: int) -> Slot:
    return resolve_slot(f"{prefix}.{stage}")


def _setters(slots: Mapping[str, Slot]) -> dict[tuple[tuple[str, str, str], int], str]:
    """Map slot key and stage to the dimension that sets it; one for a single stage overrides."""
    setters = {}
    for name, slot in sorted(slots.items(), key=lambda item: item[1].is_single_stage):
        for stage in slot.stages:
            setters[slot.key, stage] = name
    return setters
