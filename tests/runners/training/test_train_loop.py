"""The training loop: seeded, with separate splits, and failing on a non-finite loss."""

from __future__ import annotations

import tempfile
import threading
import time

import numpy as np
import pytest
import torch
from torch import nn

from runners.data.dataset import ArraySplit
from runners.machine import device_lock
from runners.records.record import Quality
from runners.training import NonFiniteLoss, Recipe, train, trainer
from tests.runners import tiny

CPU = torch.device("cpu")
AUGMENTED = Recipe(
    epochs=2, batch_size=8, crop_padding=1, mixup=0.2, cutmix=1.0, erasing=0.5, learning_rate=3e-3
)


@pytest.fixture(autouse=True)
def own_lock_files(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def trained(seed=0, recipe=AUGMENTED, data=None, network=None, **options) -> Quality:
    network = network if network is not None else tiny.network(seed=seed)
    data = data or tiny.dataset()
    return train(network, data, recipe, seed=seed, device=CPU, **options).quality


def without_times(quality):
    values = quality.model_dump(exclude={"train_seconds"})
    for point in values["curve"]:
        del point["images_per_s"]
    return values


def test_equal_seeds_equal_results_other_seeds_others():
    first = trained()
    torch.rand(5), np.random.rand(5)  # the global generators do not matter
    assert without_times(trained()) == without_times(first)
    other = trained(1, network=tiny.network(seed=0))  # the same weights, another order
    assert other.curve[0].train_loss != first.curve[0].train_loss


def test_dropout_is_seeded():
    networks = [tiny.network(dropout=0.5) for _ in range(2)]
    first, second = (without_times(trained(network=network)) for network in networks)
    assert first == second
    assert first != without_times(trained(network=tiny.network(dropout=0.0)))


def test_yields_to_a_timing_after_every_step_and_every_batch_of_an_evaluation(monkeypatch):
    calls = []
    monkeypatch.setattr(
        device_lock.DeviceShare, "yield_to_timing", lambda share: calls.append(share)
    )
    monkeypatch.setattr(trainer, "_EVALUATION_BATCH", 4)
    trained()
    steps, val, test = 3, 2, 3  # batches of 24, 6 and 9 images
    assert len(calls) == 2 * (steps + val) + val + test


def test_waiting_for_a_timing_changes_no_result_and_is_not_counted(monkeypatch):
    undisturbed = without_times(trained())
    monkeypatch.setattr(device_lock, "_SECONDS_BETWEEN_CHECKS", 0)
    queued, seen, during = threading.Event(), [], []

    def time_it():
        with device_lock.lock_for_timing(CPU, on_wait=queued.set):
            before = len(seen)
            time.sleep(0.5)
            during.append(len(seen) - before)

    timing = threading.Thread(target=time_it)

    def on_step(epoch, images, total):
        seen.append(images)
        if len(seen) == 2:
            timing.start()
            assert queued.wait(30)

    start = time.perf_counter()
    quality = trained(on_step=on_step)
    wall = time.perf_counter() - start
    timing.join()
    assert during == [0] and without_times(quality) == undisturbed
    assert wall - quality.train_seconds > 0.45
    assert all(24 / point.images_per_s < wall - 0.45 for point in quality.curve)


def test_the_quality_is_complete():
    quality = trained()
    assert (quality.epochs, quality.train_images, quality.val_images, quality.test_images) == (
        2,
        24,
        6,
        9,
    )
    assert [point.epoch for point in quality.curve] == [1, 2]
    assert quality.weights in ("ema", "raw")
    assert quality.val_accuracy >= quality.curve[-1].val_accuracy
    assert quality.train_seconds > 0 and all(point.images_per_s > 0 for point in quality.curve)
    assert all(0 <= a <= 1 for a in (quality.test_accuracy, quality.val_accuracy))


def test_it_learns():
    recipe = Recipe(epochs=12, batch_size=12, learning_rate=3e-3)
    quality = trained(recipe=recipe, data=tiny.dataset(60, 15, 30))
    assert quality.test_accuracy > 0.8
    assert quality.curve[-1].train_loss < quality.curve[0].train_loss


class RecordingSplit(ArraySplit):
    """A split that records when it is read, and which of its images."""

    def __init__(self, name, reads, images):
        source = tiny.split(images, {"train": 0, "val": 1, "test": 2}[name])
        super().__init__(source.images(np.arange(images)), source.labels)
        self.name, self.reads = name, reads

    def images(self, indices):
        self.reads.append((self.name, indices.tolist()))
        return super().images(indices)


def test_the_test_split_is_read_once_after_everything_else():
    reads = []
    sizes = {"train": 24, "val": 6, "test": 9}
    splits = {name: RecordingSplit(name, reads, size) for name, size in sizes.items()}
    quality = trained(data=tiny.dataset(**splits), recipe=AUGMENTED)
    names = [name for name, _ in reads]
    assert reads[-1] == ("test", list(range(9))) and names.count("test") == 1
    assert names.index("val") > names.index("train")
    val = [seen for name, seen in reads if name == "val"]
    assert val == [list(range(6))] * 3  # after each epoch, and once for the raw weights
    steps = [seen for name, seen in reads if name == "train"][1:]  # the first fits colours
    for epoch in (steps[:3], steps[3:]):
        assert sorted(index for step in epoch for index in step) == list(range(24))
    assert steps[:3] != steps[3:]
    assert quality.test_images == 9


def test_the_numbers_of_the_test_split_have_no_influence():
    other = tiny.split(9, 7)
    first, second = trained(), trained(data=tiny.dataset(test=other))
    assert first.curve[-1].train_loss == second.curve[-1].train_loss
    assert (first.val_accuracy, first.weights) == (second.val_accuracy, second.weights)


@pytest.mark.parametrize(("chosen", "values"), [("raw", [0.1, 0.9]), ("ema", [0.5, 0.5])])
def test_the_better_weights_on_the_validation_split_are_reported(monkeypatch, chosen, values):
    data = tiny.dataset()
    recipe = Recipe(epochs=1, batch_size=8)
    calls = []

    def accuracy(self, network, split, share):
        calls.append((network, split))
        return values[len(calls) - 1] if split is data.val else 0.25

    monkeypatch.setattr(trainer.Trainer, "measure_accuracy", accuracy)
    network = tiny.network()
    quality = trained(data=data, recipe=recipe, network=network)
    assert (quality.weights, quality.val_accuracy) == (chosen, max(values))
    assert quality.test_accuracy == 0.25
    assert calls[-1][1] is data.test
    assert (calls[-1][0] is network) == (chosen == "raw")


class Poisoned(nn.Module):
    """Its output becomes NaN at one training step."""

    def __init__(self, at, value=float("nan")):
        super().__init__()
        self.inner, self.left, self.value = tiny.network(), at, value

    def forward(self, x):
        if self.training:
            self.left -= 1
            if self.left == 0:
                return self.inner(x) * self.value
        return self.inner(x)


@pytest.mark.parametrize(
    ("at", "epoch", "step"), [(1, 1, 1), (3, 1, 3), (5, 2, 2)], ids=["first", "last", "later"]
)
def test_a_non_finite_loss_names_epoch_and_step(at, epoch, step):
    with pytest.raises(NonFiniteLoss, match=f"^loss became nan at epoch {epoch}, step {step}$"):
        trained(network=Poisoned(at))


def test_an_infinite_loss_is_an_error():
    with pytest.raises(NonFiniteLoss, match="at epoch 1, step 2"):
        trained(network=Poisoned(2, float("inf")))


def test_fewer_images_than_one_batch():
    recipe = Recipe(epochs=2, batch_size=100)
    seen = []
    quality = trained(
        data=tiny.dataset(5, 3, 3), recipe=recipe, on_step=lambda *step: seen.append(step)
    )
    assert quality.train_images == 5
    assert seen == [(1, 5, 10), (2, 10, 10)]


def test_a_partial_batch_is_left_out_and_progress_adds_up():
    seen = []
    trained(data=tiny.dataset(21), on_step=lambda *step: seen.append(step))
    assert seen == [(1, 8, 32), (1, 16, 32), (2, 24, 32), (2, 32, 32)]


def test_an_evaluation_in_parts_is_the_whole(monkeypatch):
    whole = trained()
    monkeypatch.setattr(trainer, "_EVALUATION_BATCH", 4)
    assert without_times(trained()) == without_times(whole)


def test_mixed_precision_runs_and_is_mixed():
    kinds = set()
    network = tiny.network()
    network.register_forward_hook(lambda *call: kinds.add(call[-1].dtype))
    quality = trained(recipe=Recipe(epochs=1, batch_size=8, amp=True), network=network)
    assert kinds == {torch.bfloat16}
    assert np.isfinite(quality.curve[0].train_loss)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}


def test_only_matrices_and_kernels_decay():
    groups = trainer.group_weights(tiny.network("softmax"), 0.05)
    assert [group["weight_decay"] for group in groups] == [0.05, 0.0]
    assert all(p.ndim > 1 for p in groups[0]["params"])
    assert all(p.ndim <= 1 for p in groups[1]["params"])
    total = sum(p.numel() for group in groups for p in group["params"])
    assert total == sum(p.numel() for p in tiny.network("softmax").parameters())


def test_a_training_split_of_one_image():
    # Batch norm over a 1 x 1 map of a single image has no variance: an error, not a wrong number.
    try:
        quality = trained(data=tiny.dataset(1, 3, 3), recipe=Recipe(epochs=1))
    except ValueError as error:
        assert "Expected more than 1 value" in str(error)
    else:
        assert quality.train_images == 1
