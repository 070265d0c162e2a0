"""Small architectures, data sets, evaluators and records for the tests of runners."""

from __future__ import annotations

import numpy as np

import lolvit
from runners.arms import Arm
from runners.data.dataset import ArraySplit, Dataset
from runners.evaluate import EvaluationSpec, evaluate, ignore_step, make_record, run_here
from runners.evaluators.trained import Images, TrainedEvaluator
from runners.records.record import Costs, Epoch, Quality, Record, State
from runners.training.recipe import Recipe

SIDE, CLASSES = 16, 3
RECIPE = Recipe(epochs=1, batch_size=8)


def split(images=24, seed=0):
    """Grey images whose class is their brightness, with noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % CLASSES
    pixels = random.normal(60 + 60 * labels[:, None, None, None], 40, (images, 1, SIDE, SIDE))
    return ArraySplit(pixels.clip(0, 255).astype(np.uint8), labels)


def dataset(train=24, val=6, test=9):
    """Splits of so many images, or splits of one's own."""
    splits = [
        split(given, seed) if isinstance(given, int) else given
        for seed, given in enumerate((train, val, test))
    ]
    return Dataset(
        name="tiny",
        note="brightness as a class",
        class_names=("dark", "grey", "light"),
        channels=1,
        resolution=SIDE,
        train=splits[0],
        val=splits[1],
        test=splits[2],
        checksum="ab" * 32,
    )


def architecture(mixer="none", **changes):
    fields = {"resolution": SIDE, "in_channels": 1, "num_classes": CLASSES}
    mixers = (lolvit.MixerConfig(mixer),) * 3
    return lolvit.variant("lolvit_nano", mixers=mixers, **(fields | changes))


def network(mixer="none", seed=0, **changes):
    return lolvit.build(architecture(mixer, **changes), seed=seed)


def arm(name="none"):
    return Arm(name, architecture(name), reconstructed=name == "fwa")


def spec(name="none", seed=0):
    return EvaluationSpec.of_architecture(
        name, architecture(name), reconstructed=name == "fwa", seed=seed
    )


def evaluator(recipe=RECIPE, costs_=None, threads=1, **changes):
    """Trains on the tiny data set; `changes` are its splits."""
    images = Images.of_dataset(dataset(**changes))
    return TrainedEvaluator(images, recipe, costs_ or costs(), "cpu", threads)


def run(spec_=None, evaluator_=None, on_step=ignore_step, should_continue=lambda record: True):
    """Evaluate in this process."""
    return evaluate(spec_ or spec(), evaluator_ or evaluator(), on_step, should_continue, run_here)


def costs(latency=2.0):
    return Costs(
        params=10,
        macs=20,
        macs_by_operator={"conv": 20},
        macs_ptflops=21,
        other_ops={"relu": 5},
        latency_ms_samples=[latency, latency],
        latency_ms_median=latency,
        latency_ms_min=latency,
        latency_ms_iqr=0.0,
        latency_threads=1,
        throughput_images_per_s=100.0,
        throughput_batch=64,
        throughput_threads=2,
        peak_memory_bytes=1000,
        fingerprint={"cpu": "x", "protocol": 1},
    )


def quality(accuracy=0.5):
    return Quality(
        test_accuracy=accuracy,
        val_accuracy=accuracy,
        curve=[Epoch(epoch=1, train_loss=1.0, val_accuracy=accuracy, images_per_s=10.0)],
        weights="ema",
        epochs=1,
        train_images=24,
        val_images=6,
        test_images=9,
        train_seconds=0.1,
    )


def record(name="none", seed=0, *, reason="", accuracy=0.5) -> Record:
    """A finished record, or a failed one with a reason."""
    state = State.FAILED if reason else State.FINISHED
    return make_record(
        spec(name, seed),
        evaluator().provenance(spec(name)),
        state,
        reason=reason,
        costs=costs(),
        quality=None if reason else quality(accuracy),
    )
