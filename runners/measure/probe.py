"""A first forward pass of one mixer in a process of its own: what it needs, and whether it can."""

from __future__ import annotations

import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import torch
from torch import Tensor

from attention_zoo import Mixer, build
from lolvit import MixerConfig
from runners.measure.memory import load_kernels, resident_peak
from runners.processes import context
from runners.scale_point import PointState

_PATIENCE = 5
"""A process is given up after so many times the cap: its start counts, too."""
_LEAST_WAIT_S = 20.0


@dataclass(frozen=True)
class MixerCase:
    """A mixer at one width on one batch of square maps."""

    mixer: MixerConfig
    width: int
    heads: int
    batch: int
    side: int

    def build(self) -> Mixer:
        """The mixer in eval mode, the same for equal cases."""
        torch.manual_seed(0)
        options = dict(self.mixer.options)
        return build(self.mixer.name, dim=self.width, num_heads=self.heads, **options).eval()

    def input(self) -> Tensor:
        """Random maps, the same for equal cases."""
        generator = torch.Generator().manual_seed(0)
        return torch.randn(self.batch, self.width, self.side, self.side, generator=generator)

    def macs(self) -> int | None:
        """Of one image; None where the mixer cannot be built."""
        try:
            with torch.device("meta"):
                return self.build().macs(self.side, self.side)
        except Exception:  # the probe's point says why
            return None


@dataclass(frozen=True)
class Probe:
    """What one pass needed, or why there is none."""

    state: PointState
    reason: str = ""
    peak_memory_bytes: int | None = None

    @property
    def measured(self) -> bool:
        return self.state is PointState.MEASURED


def probe(case: MixerCase, threads: int, cap_ms: float, memory_bytes: int) -> Probe:
    """Run the case once on the CPU, with at most `memory_bytes` above the empty process.

    A second pass is timed: the first one prepares kernels. Past `cap_ms` the case is given up.
    """
    processes: Any = context()
    receiver, sender = processes.Pipe(duplex=False)
    arguments = (sender, case, threads, cap_ms, memory_bytes)
    child = processes.Process(target=_work, args=arguments, daemon=True)
    child.start()
    sender.close()
    try:
        if receiver.poll(max(_LEAST_WAIT_S, _PATIENCE * cap_ms / 1e3)):
            found = receiver.recv()
            assert isinstance(found, Probe)
            return found
        return Probe(PointState.PAST_CAP, f"a pass takes more than {cap_ms:g} ms")
    except EOFError:
        # What kills a process without a word here is the system, short of memory.
        return Probe(PointState.OUT_OF_MEMORY, "the system ended its process")
    finally:
        child.kill()
        child.join()
        receiver.close()


def _work(
    sender: Connection, case: MixerCase, threads: int, cap_ms: float, memory_bytes: int
) -> None:
    torch.set_num_threads(threads)
    load_kernels()
    before = resident_peak(reset=True)
    _limit_memory(memory_bytes)
    try:
        with torch.inference_mode():
            module, x = case.build(), case.input()
            module(x)
            peak = resident_peak() - before
            start = time.perf_counter_ns()
            module(x)
            took_ms = (time.perf_counter_ns() - start) / 1e6
    except MemoryError as error:
        sender.send(Probe(PointState.OUT_OF_MEMORY, _first_line(error)))
    except RuntimeError as error:
        short = "allocate memory" in str(error) or "out of memory" in str(error)
        state = PointState.OUT_OF_MEMORY if short else PointState.FAILED
        sender.send(Probe(state, _first_line(error)))
    except Exception as error:  # a mixer's own mistake is a point that says so
        sender.send(Probe(PointState.FAILED, f"{type(error).__name__}: {_first_line(error)}"))
    else:
        if took_ms > cap_ms:
            reason = f"a pass takes {took_ms:.0f} ms, the cap is {cap_ms:g} ms"
            sender.send(Probe(PointState.PAST_CAP, reason, peak))
        else:
            sender.send(Probe(PointState.MEASURED, "", peak))


def _limit_memory(more_bytes: int) -> None:
    """Let the process map only so much more: greed must be an error here, not the machine's end."""
    try:
        import resource
    except ImportError:  # no such limit on this system
        return
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more_bytes, hard))


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
