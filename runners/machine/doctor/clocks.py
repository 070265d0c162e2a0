"""What lets the clock of a CPU wander: boost, governor, heat."""

from __future__ import annotations

from runners.machine.doctor.finding import Finding, not_known
from runners.machine.facts import TURBO_SWITCHES, Machine, governor, turbo

HOT_C = 85.0
"""Above this an idle machine has little room before it slows down; most slow down at 95-105 °C."""

# Disks, radios and batteries have sensors too: what is hot there slows no CPU.
_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu", "pkg", "soc", "acpitz")
_PLAUSIBLE_C = (1.0, 150.0)


def check_turbo(machine: Machine) -> Finding:
    """Whether the clock may rise above the one that the CPU can hold."""
    state = turbo(machine)
    if state == "":
        return not_known("turbo", "a boosted clock falls as the chip warms up")
    if state == "off":
        return Finding("turbo", "ok", "off", "the clock does not depend on heat or idle cores")
    switches = [(path, on) for path, on in TURBO_SWITCHES.items() if machine.exists(path)]
    hint = "turn the boost off in the firmware or in cpufreq/policy*/boost"
    for path, on in switches:
        hint = f"steady: echo {1 - int(on)} | sudo tee /{path}"
    return Finding("turbo", "warn", "on", f"faster while cool or alone on the chip; {hint}")


def check_governor(machine: Machine) -> Finding:
    """Whether all CPUs run at one clock whatever the load."""
    name = governor(machine)
    if name == "":
        return not_known("governor", "a governor other than performance starts each burst slowly")
    if name == "performance":
        return Finding("governor", "ok", name, "the clock does not wait for load")
    means = "the clock climbs only under load; steady: sudo cpupower frequency-set -g performance"
    return Finding("governor", "warn", name, means)


def check_temperature(machine: Machine) -> Finding:
    """How warm the hottest sensor of the CPU is."""
    found = _sensors(machine)
    if not found:
        return not_known("temperature", "a hot chip lowers its clock")
    name, degrees = max(found, key=lambda sensor: sensor[1])
    said = f"{degrees:.0f} °C ({name})"
    if degrees < HOT_C:
        return Finding("temperature", "ok", said, "room before the clock is lowered")
    return Finding("temperature", "warn", said, "near where the clock is lowered; let it cool down")


def _sensors(machine: Machine) -> list[tuple[str, float]]:
    """Name and degrees Celsius of every sensor of the CPU that answers."""
    files = [
        (machine.text(f"{zone}/type"), f"{zone}/temp")
        for zone in machine.matching("sys/class/thermal/thermal_zone*")
    ]
    for sensor in machine.matching("sys/class/hwmon/hwmon*"):
        name = machine.text(f"{sensor}/name")
        files += [(name, path) for path in machine.matching(f"{sensor}/temp*_input")]
    found = []
    for name, path in files:
        thousandths = machine.number(path)
        if name is None or thousandths is None:
            continue
        degrees = thousandths / 1000
        plausible = _PLAUSIBLE_C[0] < degrees < _PLAUSIBLE_C[1]
        if plausible and any(word in name.lower() for word in _SENSORS):
            found.append((name, degrees))
    return found
