"""Checks of whether this machine can time: what disturbs timings, how much, and the remedy."""

from runners.machine.doctor.checks import run_checks
from runners.machine.doctor.finding import Finding

__all__ = ["Finding", "run_checks"]
