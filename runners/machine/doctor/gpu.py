"""What nvidia-smi says of the clocks of NVIDIA boards and of who uses them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from xml.etree import ElementTree

from runners.machine.doctor.finding import Finding

PATIENCE_S = 1.4
_HARMLESS = ("gpu_idle", "applications_clocks_setting", "none")


def check_gpu() -> Finding | None:
    """One line on all boards; None where there is no nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        report = _ask(program)
    except subprocess.TimeoutExpired:
        said = f"nvidia-smi did not answer within {PATIENCE_S} s"
        means = "the driver may load anew for each program; sudo nvidia-smi -pm 1"
        return Finding("GPU", "unknown", said, means)
    except OSError as error:
        return Finding("GPU", "unknown", f"nvidia-smi: {error.strerror}", "no GPU can be timed")
    return judge(report)


def judge(report: str) -> Finding:
    """The line on what `nvidia-smi -q -x` printed."""
    try:
        boards = ElementTree.fromstring(report).findall("gpu")
    except ElementTree.ParseError:
        boards = []
    if not boards:
        said = " ".join(report.split())[:60] or "nvidia-smi said nothing"
        return Finding("GPU", "unknown", said, "no GPU can be timed before nvidia-smi names one")
    problems = {what: why for board in boards for what, why in _problems(board).items()}
    names = " + ".join(board.findtext("product_name", "?") for board in boards)
    if problems:
        said = f"{names}: {', '.join(problems)}"
        return Finding("GPU", "warn", said, "; ".join(dict.fromkeys(problems.values())))
    said = f"{names}: persistent, not slowed, no other process seen"
    return Finding("GPU", "ok", said, "processes in other containers are not seen")


def _problems(board: ElementTree.Element) -> dict[str, str]:
    """What is wrong with one board, each with what it means."""
    found = {}
    if board.findtext("persistence_mode") == "Disabled":
        found["persistence mode off"] = "the first call loads the driver: sudo nvidia-smi -pm 1"
    # Drivers before 535 say throttling where later ones say event.
    for group in ("clocks_event_reasons", "clocks_throttle_reasons"):
        for reason in board.findall(f"{group}/*"):
            name = reason.tag.partition("_reason_")[2]
            if reason.text == "Active" and name not in _HARMLESS:
                found[f"slowed by {name}"] = "its clock is held down: cool it, or raise its limit"
    types = [each.findtext("type") or "" for each in board.findall("processes/process_info")]
    # Type G alone is a desktop that draws.
    computing = sum("C" in kind for kind in types)
    if computing:
        found[f"{computing} other processes"] = "who shares the board slows what is timed"
    return found


def _ask(program: str) -> str:
    """What the program prints.

    Raises:
        subprocess.TimeoutExpired: it takes too long.
        OSError: it cannot be started.
    """
    # Not subprocess.run: that would wait for a program that a broken driver holds for ever.
    process = subprocess.Popen(
        (program, "-q", "-x"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        return process.communicate(timeout=PATIENCE_S)[0]
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            process.kill()
        raise
