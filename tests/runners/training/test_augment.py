"""Augmentations: what they may change, and what they must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.training.augment import Normaliser, augment, crop_and_flip, cutmix, erase, mixup
from runners.training.recipe import Recipe

quick = settings(max_examples=60, deadline=None, derandomize=True)
sizes = st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 9), st.integers(1, 9))
seeds = st.integers(0, 2**32 - 1)


def numbered(shape):
    """Every value once, none of them 0: where a value comes from can be seen."""
    return torch.arange(1, torch.Size(shape).numel() + 1).float().reshape(shape)


def one_hot(batch, classes=4):
    return F.one_hot(torch.arange(batch) % classes, classes).float()


@quick
@given(
    sizes,
    seeds,
    st.integers(1, 5),
    st.booleans(),
    st.sampled_from((0.0, 0.2, 1.0)),
    st.sampled_from((0.0, 1.0)),
    st.sampled_from((0.0, 0.5, 1.0)),
)
def test_shapes_and_targets(shape, seed, classes, flip, mixup, cutmix, erasing):
    recipe = Recipe(1, crop_padding=2, flip=flip, mixup=mixup, cutmix=cutmix, erasing=erasing)
    labels = torch.arange(shape[0]) % classes
    images = numbered(shape)
    kept = images.clone()
    random = np.random.default_rng(seed)
    out, targets = augment(images, labels, classes, recipe, random)
    assert out.shape == shape and out.dtype == images.dtype
    assert targets.shape == (shape[0], classes)
    assert torch.allclose(targets.sum(1), torch.ones(shape[0]), atol=1e-6)
    assert (targets >= 0).all() and (targets <= 1).all()
    assert (targets[range(shape[0]), labels] + targets.flip(0)[range(shape[0]), labels] > 0).all()
    assert torch.isfinite(out).all()
    assert torch.equal(images, kept)  # the caller's images are unchanged
    again, same = augment(images, labels, classes, recipe, np.random.default_rng(seed))
    assert torch.equal(out, again) and torch.equal(targets, same)


@quick
@given(sizes, seeds)
def test_without_padding_and_flip_nothing_happens(shape, seed):
    images = numbered(shape)
    assert torch.equal(crop_and_flip(images, 0, False, np.random.default_rng(seed)), images)


def windows(image, padding, flip):
    """Every window that a crop of (C, H, W) may give."""
    _, h, w = image.shape
    padded = F.pad(image, (padding,) * 4)
    for top in range(2 * padding + 1):
        for left in range(2 * padding + 1):
            window = padded[:, top : top + h, left : left + w]
            yield window
            if flip:
                yield window.flip(2)


@quick
@given(sizes, seeds, st.integers(0, 3), st.booleans())
def test_each_image_is_a_window_of_its_padded_self(shape, seed, padding, flip):
    images = numbered(shape)
    out = crop_and_flip(images, padding, flip, np.random.default_rng(seed))
    for before, after in zip(images, out, strict=True):
        assert any(torch.equal(window, after) for window in windows(before, padding, flip))


def test_every_window_and_both_sides_occur_about_equally_often():
    images = numbered((1, 1, 3, 3)).expand(4500, 1, 3, 3)
    out = crop_and_flip(images, 1, True, np.random.default_rng(0))
    possible = list(windows(images[0], 1, True))
    counts = [int((out == window).flatten(1).all(1).sum()) for window in possible]
    assert len(counts) == 18 and sum(counts) == 4500
    assert min(counts) > 250 * 0.7 and max(counts) < 250 * 1.3


def test_crops_lie_in_channels_last_memory():
    out = crop_and_flip(numbered((4, 3, 8, 8)), 2, True, np.random.default_rng(0))
    assert out.is_contiguous(memory_format=torch.channels_last)
    recipe = Recipe(1, crop_padding=2, mixup=0.2, cutmix=1.0, erasing=1.0)
    for seed in range(6):
        images, labels = numbered((4, 3, 8, 8)), torch.arange(4)
        out, _ = augment(images, labels, 4, recipe, np.random.default_rng(seed))
        assert out.is_contiguous(memory_format=torch.channels_last)


@quick
@given(sizes, st.floats(0, 1))
def test_mixup_is_its_equation(shape, share):
    images, targets = numbered(shape), one_hot(shape[0])
    mixed, blended = mixup(images, targets, share)
    assert torch.allclose(mixed, share * images + (1 - share) * images.flip(0), rtol=1e-5)
    assert torch.allclose(blended, share * targets + (1 - share) * targets.flip(0), atol=1e-6)


@quick
@given(st.integers(1, 9), st.integers(1, 9), seeds, st.sampled_from((0.1, 1.0, 10.0)))
def test_cutmix_pastes_one_box_and_its_area_is_the_target(h, w, seed, alpha):
    images = numbered((2, 2, h, w))
    mixed, targets = cutmix(images, torch.eye(2), alpha, np.random.default_rng(seed))
    pasted = mixed != images
    assert torch.equal(mixed[pasted], images.flip(0)[pasted])
    box = pasted[0, 0]
    assert (pasted == box).all()  # the same box in every image and channel
    rows, columns = box.any(1).nonzero(), box.any(0).nonzero()
    if len(rows):
        inside = box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert inside.all() and inside.sum() == box.sum()
    area = box.sum().item() / (h * w)
    expected = torch.tensor([[1 - area, area], [area, 1 - area]])
    assert torch.allclose(targets, expected, atol=1e-6)


def test_cutmix_boxes_vary_in_size_and_position():
    random = np.random.default_rng(0)
    results = [cutmix(numbered((2, 1, 8, 8)), torch.eye(2), 1.0, random) for _ in range(200)]
    areas = [targets[0, 1].item() for _, targets in results]
    assert min(areas) < 0.1 and max(areas) > 0.8 and 0.25 < np.mean(areas) < 0.6
    touched = sum((mixed != numbered((2, 1, 8, 8)))[0, 0].float() for mixed, _ in results)
    assert touched.min() > 20  # corners, too


@quick
@given(sizes, seeds)
def test_erasing_with_probability_0_or_1(shape, seed):
    images = numbered(shape)
    assert torch.equal(erase(images, 0.0, np.random.default_rng(seed)), images)
    out = erase(images, 1.0, np.random.default_rng(seed))
    gone = out == 0
    assert torch.equal(out[~gone], images[~gone])
    for image in gone:
        box = image[0]
        assert (image == box).all()
        rows, columns = box.any(1).nonzero(), box.any(0).nonzero()
        if len(rows):
            assert box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1].all()


def test_the_share_of_erased_images_and_pixels():
    out = erase(torch.ones(4000, 1, 20, 20), 0.3, np.random.default_rng(0))
    erased = (out == 0).flatten(1).float().mean(1)
    assert 0.26 < (erased > 0).float().mean() < 0.34
    hit = erased[erased > 0]
    assert hit.min() > 0.005 and hit.max() < 0.33 and 0.09 < hit.mean() < 0.18


@pytest.mark.parametrize(("mixup", "cutmix"), [(0.2, 0.0), (0.0, 1.0), (0.2, 1.0)])
def test_with_both_half_of_the_batches_each(mixup, cutmix):
    recipe = Recipe(1, flip=False, mixup=mixup, cutmix=cutmix)
    random = np.random.default_rng(0)
    images = torch.stack([torch.zeros(1, 6, 6), torch.ones(1, 6, 6)])
    blends = 0
    for _ in range(200):
        out, _ = augment(images, torch.tensor([0, 1]), 2, recipe, random)
        blends += bool(((out > 0) & (out < 1)).any())
    if not cutmix:
        assert blends > 150  # Beta(0.2, 0.2) rounds to 0 or 1 at times
    elif not mixup:
        assert blends == 0
    else:
        assert 60 < blends < 130


def test_the_normaliser_makes_mean_0_and_deviation_1_per_channel():
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 200, (50, 3, 7, 7), generator=random).to(torch.uint8)
    images[:, 1] //= 4
    images[:, 2] = 77  # a constant channel
    normalise = Normaliser.fit(images, torch.device("cpu"))
    out = normalise(images)
    assert out.dtype == torch.float32 and out.shape == images.shape
    assert torch.allclose(out.mean((0, 2, 3)), torch.zeros(3), atol=1e-4)
    assert torch.allclose(out[:, :2].std((0, 2, 3)), torch.ones(2), atol=1e-4)
    assert (out[:, 2] == 0).all()
