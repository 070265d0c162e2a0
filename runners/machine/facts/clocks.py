"""What sets the clock of the CPUs: the governor, and the boost above the nominal clock."""

from __future__ import annotations

from runners.machine.facts.files import Machine

_CPU = "sys/devices/system/cpu"
TURBO_SWITCHES = {f"{_CPU}/intel_pstate/no_turbo": "0", f"{_CPU}/cpufreq/boost": "1"}
"""Files that switch the boost of the whole machine, each with what it holds while it is on."""


def governor(machine: Machine) -> str:
    """The frequency governor, several joined by "+"; "" where the system tells none."""
    paths = machine.matching(f"{_CPU}/cpu[0-9]*/cpufreq/scaling_governor")
    return "+".join(sorted({machine.text(path) or "" for path in paths} - {""}))


def turbo(machine: Machine) -> str:
    """Boost above the nominal clock: "on", "off", or "" where the system does not tell."""
    switches = dict(TURBO_SWITCHES)
    # Newer kernels have one switch a policy: boost is off only where every one of them is.
    switches |= dict.fromkeys(machine.matching(f"{_CPU}/cpufreq/policy*/boost"), "1")
    held = [(machine.text(path), on) for path, on in switches.items()]
    states = {"on" if text == on else "off" for text, on in held if text in ("0", "1")}
    return "on" if "on" in states else "".join(states)
