"""How many combinations a space has, without walking through them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from search_space import mixer_text
from search_space.dimension import Value
from search_space.structure import Structure

_State = tuple[tuple[str, Value], ...]


def size(structure: Structure) -> int | float:
    """The number of combinations of existing dimensions; infinite with a real one without step.

    Dimensions are taken in order, and with each the number of ways to reach every state is kept
    (the transfer-matrix method). A state holds the choices that later dimensions ask for, and of
    those only what they ask: not how many fusion blocks, but whether there are any. So the cost
    follows the number of states, hundreds, and not that of combinations, which it counts exactly.
    """
    if any(dimension.values is None for dimension in structure.dimensions.values()):
        return math.inf
    ways: Counter[_State] = Counter({(): 1})
    for index, name in enumerate(structure.order):
        later = structure.order[index + 1 :]
        needed = {parent for child in later for parent in structure.parents[child]}
        reached: Counter[_State] = Counter()
        for state, number in ways.items():
            for step, alike in _steps(structure, name, dict(state), asked=name in needed):
                kept = tuple(pair for pair in (*state, *step) if pair[0] in needed)
                reached[kept] += number * alike
        ways = reached
    return sum(ways.values())


def _steps(
    structure: Structure, name: str, chosen: Mapping[str, Value], *, asked: bool
) -> Iterator[tuple[_State, int]]:
    """What the dimension adds to a state, and how many of its values add just that."""
    if not structure.exists(name, chosen):
        yield (), 1
        return
    options = structure.options(name, chosen)
    if not asked:
        yield (), len(options)
        return
    alike: dict[Value, list[Value]] = {}
    for value in options:
        alike.setdefault(_seen(structure, name, value), []).append(value)
    for values in alike.values():
        yield ((name, values[0]),), len(values)


def _seen(structure: Structure, name: str, value: Value) -> Value:
    """What other dimensions can tell of a value; equal for those they take for the same."""
    if any(name in dimension.when for dimension in structure.dimensions.values()):
        return value
    word = structure.slots[name].word
    if word == "blocks":
        return int(value) > 0
    if word == "mixer":
        mixer = mixer_text.parse(value).name
        return mixer if any(place.word == mixer for place in structure.slots.values()) else ""
    return value
