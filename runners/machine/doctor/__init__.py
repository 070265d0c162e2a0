"""Checks of whether this machine can time: what disturbs timings, how much, and the remedy."""

from runners.machine.doctor.finding import Finding
from runners.machine.doctor.run import run_checks

__all__ = ["Finding", "run_checks"]
