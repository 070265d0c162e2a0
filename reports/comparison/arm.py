"""One arm of a comparison as a row of its table: all seeds of one architecture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Arm:
    """A row of the table. Accuracies are fractions; a field is None where nothing was measured."""

    arm: str
    reconstructed: bool
    state: str
    """"finished", "failed", "pruned", or "partial": some seeds finished and some did not."""
    reason: str
    seeds_finished: int
    seeds_failed: int
    seeds_pruned: int
    test_accuracy_mean: float | None = None
    test_accuracy_sd: float | None = None
    """Over seeds; None for one seed."""
    test_accuracy_low: float | None = None
    test_accuracy_high: float | None = None
    test_accuracy_interval: str | None = None
    """What the 95 % interval [low, high] is of: "wilson" (test images) or "student_t" (seeds)."""
    accuracy_effect: float | None = None
    """Mean paired difference to the first arm over shared seeds; the next two are its interval."""
    accuracy_effect_low: float | None = None
    accuracy_effect_high: float | None = None
    accuracy_effect_seeds: int | None = None
    accuracy_p: float | None = None
    """Of the paired t test, after Holm's correction over all arms of the table."""
    accuracy_detectable: float | None = None
    """The effect that these seeds would find with a power of 80 %."""
    accuracy_verdict: str | None = None
    """"baseline", "better", "worse" or "no difference found"."""
    form: str = ""
    """How it ran; empty where no costs were measured."""
    form_note: str = ""
    form_seconds: float | None = None
    parity: float | None = None
    """Largest difference to the eager output, relative to the larger of 1 and its largest entry."""
    params: int | None = None
    macs: int | None = None
    macs_uncounted: str = ""
    """Operators without a counting rule, joined by ", ": then `macs` is a lower bound."""
    macs_range: str = ""
    """Of MACs that depend on the input: "677,376 to 7,902,720"; `macs` is that of the timed one."""
    multiplications: int | None = None
    """Element-wise products of two tensors that are in no sum of products."""
    macs_ptflops: int | None = None
    latency_ms_median: float | None = None
    latency_ms_q1: float | None = None
    latency_ms_q3: float | None = None
    latency_ms_min: float | None = None
    latency_rounds: int | None = None
    """Total of all processes."""
    latency_processes: int | None = None
    latency_placements: int | None = None
    """Memory placements, total of all processes; one per process where they were not varied."""
    latency_stopped: str = ""
    """Why the rounds ended; empty in old records."""
    latency_threads: int | None = None
    latency_ratio: float | None = None
    """To the baseline arm: median over paired rounds; the next two are its 95 % interval."""
    latency_ratio_low: float | None = None
    latency_ratio_high: float | None = None
    latency_pairing: str | None = None
    """"paired" rounds of one session, or "unpaired": the baseline was timed in another run."""
    latency_verdict: str | None = None
    """"baseline", "faster", "slower" or "not separable" (the interval spans 1)."""
    throughput_images_per_s: float | None = None
    throughput_batch: int | None = None
    throughput_threads: int | None = None
    throughput_batches_tried: int | None = None
    """Number of batch sizes tried; None where one batch size was requested."""
    largest_batch: int | None = None
    out_of_memory_batch: int | None = None
    peak_memory_bytes: int | None = None
    peak_training_memory_bytes: int | None = None
    training_memory_batch: int | None = None
    training_memory_reason: str = ""
    """Why there is no such peak; empty where there is."""
    energy_mj_per_image: float | None = None
    energy_source: str = ""
    """Which counter, or why there is none."""
    on_latency_front: bool = False
    on_macs_front: bool = False
    latency_front_probability: float | None = None
    """Of being on the front, given the intervals of all arms; None below two arms with both."""
    macs_front_probability: float | None = None

    @property
    def macs_mark(self) -> str:
        """What follows MACs that are not exact; its meaning is in the notes of a table."""
        return "‡" * bool(self.macs_uncounted) + "§" * bool(self.macs_range)

    @property
    def exact_macs(self) -> int | None:
        """MACs that can be ranked: no lower bound, and equal for all inputs."""
        return None if self.macs_mark else self.macs

    @property
    def seeds(self) -> int:
        """Number of seeds, whatever their state."""
        return self.seeds_finished + self.seeds_failed + self.seeds_pruned
