"""One pixel and one segment at a time: nearest mean, mean of members, the inner mixer's twin."""

from importlib import import_module
from math import cos, isqrt, sin

import torch

VARIANTS = (
    {},
    {"inner": "linear", "segments": 5, "rounds": 2},
    {"inner": "fwa", "segments": 12, "compactness": 0.1},
    {"segments": 1, "rounds": 1},
    {"inner": "window", "segments": 16, "positions": False},
)


def naive(mixer, x):
    inner = import_module(f"tests.naive.{type(mixer.inner).__module__.split('.')[-1]}").naive
    batch, dim, height, width = x.shape
    rows, columns = grid_of(mixer.segments, height, width)
    members = [segments_of(mixer, image.detach(), rows, columns) for image in x]
    tokens = []
    for image, parts in zip(x.flatten(2), members, strict=True):
        means = [image[:, pixels].mean(1) for pixels in parts]
        if mixer.positions:
            means = [
                mean + position(dim, pixels, width).to(x.dtype)
                for mean, pixels in zip(means, parts, strict=True)
            ]
        tokens.append(torch.stack(means, -1))
    mixed = inner(mixer.inner, torch.stack(tokens).reshape(batch, dim, rows, columns)).flatten(2)
    images = []
    for image, parts in zip(mixed, members, strict=True):
        owner = {pixel: number for number, pixels in enumerate(parts) for pixel in pixels}
        images.append(image[:, [owner[pixel] for pixel in range(height * width)]])
    return torch.stack(images).reshape(x.shape)


def grid_of(segments, height, width):
    side = isqrt(segments)
    columns = min(width, segments // min(height, side))
    return min(height, segments // columns), columns


def segments_of(mixer, image, rows, columns):
    """The pixels of each segment, as lists of numbers."""
    dim, height, width = image.shape
    points = []
    for row in range(height):
        for column in range(width):
            place = [row * rows / height, column * columns / width]
            place = mixer.compactness**0.5 * torch.tensor(place, dtype=torch.float64)
            points.append(torch.cat((image[:, row, column].double() / dim**0.5, place)))
    points = torch.stack(points)
    homes = []
    for row in range(rows):
        for column in range(columns):
            middle_row = int((row + 0.5) * height / rows)
            homes.append(middle_row * width + int((column + 0.5) * width / columns))
    means = points[homes]
    for _ in range(mixer.rounds):
        parts = [[home] for home in homes]
        for pixel, point in enumerate(points):
            if pixel not in homes:
                parts[((means - point) ** 2).sum(1).argmin()].append(pixel)
        means = torch.stack([points[pixels].mean(0) for pixels in parts])
    return parts


def position(dim, pixels, width):
    row = sum(pixel // width for pixel in pixels) / len(pixels)
    column = sum(pixel % width for pixel in pixels) / len(pixels)
    count = dim // 4
    steps = [10000 ** -(step / count) for step in range(count)]
    waves = [wave(place * step) for place in (row, column) for wave in (sin, cos) for step in steps]
    return torch.tensor(waves + [0.0] * (dim % 4), dtype=torch.float64)
