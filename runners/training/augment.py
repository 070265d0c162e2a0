"""Augmentations on whole batches: crop and flip, mixup or cutmix, random erasing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from runners.training.recipe import Recipe

_ERASED_AREA = (0.02, 0.25)


@dataclass(frozen=True)
class Normaliser:
    """(B, C, H, W) uint8 -> float32 with mean 0 and deviation 1 per channel of the training set."""

    mean: Tensor
    std: Tensor

    def __call__(self, images: Tensor) -> Tensor:
        return (images.float() - self.mean) / self.std

    @classmethod
    def fit(cls, images: Tensor, device: torch.device) -> Normaliser:
        """From (N, C, H, W) uint8 images, for `device`; constant channels get a deviation of 1."""
        values = images.double().transpose(0, 1).flatten(1)
        std = values.std(1)
        std[~(std > 0)] = 1
        shape = (1, -1, 1, 1)
        return cls(*(x.float().reshape(shape).to(device) for x in (values.mean(1), std)))


def augment(
    images: Tensor, labels: Tensor, classes: int, recipe: Recipe, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Augment a normalised batch.

    Args:
        images: (B, C, H, W), normalised, so that 0 is the mean colour.
        labels: (B,) class indices.
        classes: number of classes.
        recipe: what to apply, and how strongly.
        random: the only source of randomness; it draws small arrays on the CPU.

    Returns:
        Images (B, C, H, W) and targets (B, classes), whose rows sum to 1.
    """
    images = crop_and_flip(images, recipe.crop_padding, recipe.flip, random)
    targets = F.one_hot(labels, classes).to(images.dtype)
    if recipe.mixup and (not recipe.cutmix or random.random() < 0.5):
        images, targets = mixup(images, targets, random.beta(recipe.mixup, recipe.mixup))
    elif recipe.cutmix:
        images, targets = cutmix(images, targets, recipe.cutmix, random)
    if recipe.erasing:
        images = erase(images, recipe.erasing, random)
    return images, targets


def crop_and_flip(images: Tensor, padding: int, flip: bool, random: np.random.Generator) -> Tensor:
    """Cut a random window from each zero-padded image; mirror half of them."""
    b, _, h, w = images.shape
    rows = random.integers(0, 2 * padding + 1, (b, 1)) + np.arange(h)
    columns = random.integers(0, 2 * padding + 1, (b, 1)) + np.arange(w)
    if flip:
        columns = np.where(random.random((b, 1)) < 0.5, columns[:, ::-1], columns)
    padded = F.pad(images, (padding,) * 4)
    y, x = (torch.from_numpy(index).to(images.device) for index in (rows, columns))
    batch = torch.arange(b, device=images.device)[:, None, None]
    # One gather does both; it yields (B, H, W, C), so the result is in channels-last memory.
    return padded[batch, :, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)


def mixup(images: Tensor, targets: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Blend with the reversed batch: share * x + (1 - share) * x' (arXiv 1710.09412, eq. 1)."""
    return images.lerp(images.flip(0), 1 - share), targets.lerp(targets.flip(0), 1 - share)


def cutmix(
    images: Tensor, targets: Tensor, alpha: float, random: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Paste one box of the reversed batch; targets by its true area (arXiv 1905.04899)."""
    h, w = images.shape[-2:]
    side = np.sqrt(1 - random.beta(alpha, alpha))
    top, bottom = _span(h, side, random)
    left, right = _span(w, side, random)
    mixed = images.clone()
    mixed[..., top:bottom, left:right] = images.flip(0)[..., top:bottom, left:right]
    area = (bottom - top) * (right - left) / (h * w)
    return mixed, targets.lerp(targets.flip(0), area)


def erase(images: Tensor, probability: float, random: np.random.Generator) -> Tensor:
    """Cover some of the images with a rectangle of the mean colour (arXiv 1708.04896)."""
    b, _, h, w = images.shape
    side = np.sqrt(random.uniform(*_ERASED_AREA, (b, 1)))
    masks = [_mask_span(length, side, random) for length in (h, w)]
    hit = masks[0][:, :, None] & masks[1][:, None, :] & (random.random((b, 1, 1)) < probability)
    # Copied first: masked_fill would not keep channels-last memory.
    return images.clone().masked_fill_(torch.from_numpy(hit[:, None]).to(images.device), 0.0)


def _span(length: int, share: float, random: np.random.Generator) -> tuple[int, int]:
    """A span of about `share` of the length around a random centre, clipped at the ends."""
    centre = random.integers(0, length)
    half = round(share * length / 2)
    return max(0, int(centre) - half), min(length, int(centre) + half)


def _mask_span(length: int, share: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(B, length) booleans: one random span an image."""
    start = random.random(share.shape) * (1 - share) * length
    position = np.arange(length) + 0.5
    return (position >= start) & (position < start + share * length)
