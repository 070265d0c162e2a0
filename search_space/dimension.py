"""The kinds of dimensions: a list of choices, whole numbers, real numbers."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, TypeAlias

from search_space.errors import SpaceError

if TYPE_CHECKING:
    import numpy as np

Value: TypeAlias = bool | int | float | str
Values: TypeAlias = dict[str, Value]
_MAX_STEPS = 10_000
_COMMON = ("name", "when")


def is_number(value: object) -> bool:
    """Whether this is a finite number; True and False are not."""
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and not isinstance(value, bool)


@dataclass(frozen=True)
class Dimension(ABC):
    """A parameter that the search varies, such as "width", "mixer.4" or "fwa.window".

    Args:
        name: the part of the architecture that it sets.
        when: the dimension exists only where each dimension named here has one of these values.
    """

    name: str
    when: Mapping[str, Sequence[Value]] = field(default_factory=dict, kw_only=True, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.when, Mapping):
            raise self._error(f"`when` must map dimensions to lists of values, got {self.when!r}")
        for values in self.when.values():
            if not isinstance(values, list | tuple) or not values:
                raise self._error(f"`when` must list at least one value, got {values!r}")
        object.__setattr__(self, "when", {name: tuple(v) for name, v in self.when.items()})

    @property
    @abstractmethod
    def values(self) -> Sequence[Value] | None:
        """All values in order; None if there are infinitely many."""

    @property
    def probes(self) -> Sequence[Value]:
        """Values to validate; if an architecture can have these, it can have all."""
        return self.values or ()

    @abstractmethod
    def sample(self, rng: np.random.Generator) -> Value:
        """Draw a value uniformly (on a log scale if `log` is set)."""

    @abstractmethod
    def find(self, value: object) -> Value | None:
        """Return the dimension's own value that equals this one, or None."""

    def to_spec(self) -> dict[str, Any]:
        """Return the domain as plain JSON, without name, `when` and defaults."""
        own = {part.name: part.default for part in fields(self) if part.name not in _COMMON}
        values = {name: getattr(self, name) for name in own}
        return {name: value for name, value in values.items() if value != own[name]}

    def _error(self, problem: str) -> SpaceError:
        return SpaceError(f"dimension {self.name!r}: {problem}")

    def _check_numbers(
        self, types: type | tuple[type, ...], adjective: str, **numbers: Any
    ) -> None:
        for name, value in numbers.items():
            if not is_number(value) or not isinstance(value, types):
                raise self._error(f"{name} must be a {adjective} number, got {value!r}")
        if numbers["low"] > numbers["high"]:
            raise self._error(f"low {numbers['low']} is above high {numbers['high']}")
        if numbers.get("step", 1) <= 0:
            raise self._error(f"step must be above 0, got {numbers['step']}")

    def _check_log(self, log: object, low: float, *, has_step: bool) -> None:
        if not isinstance(log, bool):
            raise self._error(f"log must be true or false, got {log!r}")
        if log and low <= 0:
            raise self._error(f"low must be above 0 on a log scale, got {low}")
        if log and has_step:
            raise self._error("a log scale has no steps; remove step or log")


@dataclass(frozen=True)
class Choice(Dimension):
    """One of a list of values: strings, numbers or booleans."""

    choices: tuple[Value, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.choices, list | tuple):
            raise self._error(f"choices must be a list, got {self.choices!r}")
        object.__setattr__(self, "choices", tuple(self.choices))
        if not self.choices:
            raise self._error("the list of choices is empty")
        for index, value in enumerate(self.choices):
            if not isinstance(value, bool | int | float | str):
                raise self._error(f"choices must be numbers, strings or booleans, got {value!r}")
            if isinstance(value, float) and not math.isfinite(value):
                raise self._error(f"choices must be finite, got {value!r}")
            if any(_equal(value, other) for other in self.choices[:index]):
                raise self._error(f"duplicate choice {value!r}")

    @property
    def values(self) -> Sequence[Value]:
        return self.choices

    def sample(self, rng: np.random.Generator) -> Value:
        return self.choices[int(rng.integers(len(self.choices)))]

    def find(self, value: object) -> Value | None:
        return next((choice for choice in self.choices if _equal(choice, value)), None)

    def to_spec(self) -> dict[str, Any]:
        return {"choices": list(self.choices)}


@dataclass(frozen=True)
class Integer(Dimension):
    """Whole numbers low, low + step, ... up to high, sampled uniformly or on a log scale."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_numbers(int, "whole", low=self.low, high=self.high, step=self.step)
        self._check_log(self.log, self.low, has_step=self.step != 1)

    @property
    def values(self) -> Sequence[int]:
        return range(self.low, self.high + 1, self.step)

    @property
    def probes(self) -> Sequence[Value]:
        # An invalid value may lie between valid ones: a kernel of 4, between 3 and 5.
        return self.values if len(self.values) <= 32 else (self.values[0], self.values[-1])

    def sample(self, rng: np.random.Generator) -> int:
        if self.log:
            drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high + 1)))
            return min(int(drawn), self.high)
        return self.values[int(rng.integers(len(self.values)))]

    def find(self, value: object) -> int | None:
        if isinstance(value, bool | str) or value not in self.values:
            return None
        return self.values[self.values.index(value)]


@dataclass(frozen=True)
class Real(Dimension):
    """Real numbers from low to high, or, with a step, low, low + step, ... up to high."""

    low: float
    high: float
    step: float | None = None
    log: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        steps = {} if self.step is None else {"step": self.step}
        self._check_numbers((int, float), "finite", low=self.low, high=self.high, **steps)
        self._check_log(self.log, self.low, has_step=self.step is not None)
        if self.step is not None and not (self.high - self.low) / self.step < _MAX_STEPS:
            raise self._error(f"step {self.step} gives over {_MAX_STEPS} values; remove it")

    @property
    def values(self) -> Sequence[float] | None:
        if self.step is None:
            return None
        steps = math.floor((self.high - self.low) / self.step + 1e-9)
        # Rounded to 12 digits, 0.1 + 2 * 0.1 is 0.3.
        return [float(f"{self.low + i * self.step:.12g}") for i in range(steps + 1)]

    @property
    def probes(self) -> Sequence[Value]:
        values = self.values or (float(self.low), float(self.high))
        return (values[0], values[-1])

    def sample(self, rng: np.random.Generator) -> float:
        if (values := self.values) is not None:
            return values[int(rng.integers(len(values)))]
        if self.log:
            drawn = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
            return float(min(max(drawn, self.low), self.high))
        return float(rng.uniform(self.low, self.high))

    def find(self, value: object) -> float | None:
        if not is_number(value):
            return None
        number = float(value)  # type: ignore[arg-type]
        if (values := self.values) is not None:
            return next((v for v in values if math.isclose(v, number, rel_tol=1e-9)), None)
        return number if self.low <= number <= self.high else None


def _equal(one: object, other: object) -> bool:
    """Compare by value, except that True is not 1."""
    return (type(one) is bool) == (type(other) is bool) and bool(one == other)
