"""A counter of energy made of zones that each start again at their own end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_UJ_PER_MJ = 1000


class CounterError(RuntimeError):
    """A counter that stopped to answer; the message is one line."""


@dataclass(frozen=True)
class Zone:
    """One number that grows: `read` gives it in µJ; beyond `range_uj` it starts again at 0."""

    read: Callable[[], int]
    range_uj: int


class EnergyCounter:
    """Energy since it was made, summed over its zones.

    Args:
        source: which counter it is, and what it counts, in words.
        zones: what is summed.
        settle: called before each reading; a device that runs behind must catch up first.

    Raises:
        CounterError: a zone cannot be read.
    """

    def __init__(
        self,
        source: str,
        zones: Sequence[Zone],
        settle: Callable[[], object] = lambda: None,
    ) -> None:
        self.source = source
        self._zones = zones
        self._settle = settle
        self._last = self._read()
        self._total_uj = 0

    def read_mj(self) -> float:
        """Millijoules since it was made. Read more often than a zone wraps: minutes at the least.

        Raises:
            CounterError: a zone cannot be read, or went back although it never should.
        """
        self._settle()
        now = self._read()
        for zone, before, after in zip(self._zones, self._last, now, strict=True):
            if after < before and zone.range_uj < before:
                raise CounterError(f"{self.source} went back from {before} to {after} µJ")
            self._total_uj += after - before + (zone.range_uj if after < before else 0)
        self._last = now
        return self._total_uj / _UJ_PER_MJ

    def _read(self) -> list[int]:
        try:
            return [zone.read() for zone in self._zones]
        except CounterError:
            raise
        except Exception as error:  # the libraries behind a zone have errors of their own
            said = f"{type(error).__name__}: {error}".splitlines()[0]
            raise CounterError(f"the energy counter cannot be read: {said}") from error
