"""Whether this machine can time: what changes timings here, by how much, and what to do."""

from runners.machine.doctor.checks import examine
from runners.machine.doctor.finding import Finding

__all__ = ["Finding", "examine"]
