"""Dense N x N attention: -inf between pixels of different windows, a bias for every pair."""

from tests.naive import parts

VARIANTS = ({}, {"window": 1}, {"window": 2}, {"window": 4})


def naive(mixer, x):
    height, width = x.shape[-2:]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    bias = pair_bias(mixer.bias_table, mixer.window, height, width)
    mixed = parts.attend(q, k, v, mixer.num_heads, bias=bias)
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))


def pair_bias(table, window, height, width, shifts=(0, 0)):
    """(heads, N, N): the table's entry where both pixels share a window, -inf elsewhere."""
    pixels = [(row, column) for row in range(height) for column in range(width)]
    windows = [
        ((row - shifts[0]) // window, (column - shifts[1]) // window) for row, column in pixels
    ]
    queries, keys, down, right = [], [], [], []
    for i, (row, column) in enumerate(pixels):
        for j, (other_row, other_column) in enumerate(pixels):
            if windows[i] == windows[j]:
                queries.append(i)
                keys.append(j)
                down.append(row - other_row + window - 1)
                right.append(column - other_column + window - 1)
    bias = table.new_full((table.shape[0], len(pixels), len(pixels)), float("-inf"))
    bias[:, queries, keys] = table[:, down, right]
    return bias
