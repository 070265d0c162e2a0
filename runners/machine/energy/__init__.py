"""Energy read from a counter of the hardware; nothing here is estimated."""

from runners.machine.energy.counters import CounterError, EnergyCounter, open_counter, open_rapl
from runners.machine.energy.per_image import measure_energy

__all__ = ["CounterError", "EnergyCounter", "measure_energy", "open_counter", "open_rapl"]
