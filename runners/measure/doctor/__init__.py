"""Whether this machine can time: what changes timings here, by how much, and what to do."""

from runners.measure.doctor.examination import examine
from runners.measure.doctor.finding import Finding

__all__ = ["Finding", "examine"]
