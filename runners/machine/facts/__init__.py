"""Facts of this machine, read from Linux's files; elsewhere every fact is simply not known.

No torch in here: the doctor must start at once. The fingerprint and the doctor read the same facts
by the same functions.
"""

from runners.machine.facts.cgroups import cpu_limit, stopped_periods
from runners.machine.facts.clocks import TURBO_SWITCHES, governor, turbo
from runners.machine.facts.cores import cpu_model, list_cpus, online_cpus, usable_cores, usable_cpus
from runners.machine.facts.files import Machine
from runners.machine.facts.memory import memory_sizes, total_memory_bytes

__all__ = [
    "TURBO_SWITCHES",
    "Machine",
    "cpu_limit",
    "cpu_model",
    "governor",
    "list_cpus",
    "memory_sizes",
    "online_cpus",
    "stopped_periods",
    "total_memory_bytes",
    "turbo",
    "usable_cores",
    "usable_cpus",
]
