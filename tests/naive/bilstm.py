"""One head, one direction, one token at a time, by the equations of the four gates."""

import torch

from tests.naive import parts

VARIANTS = ({},)


def naive(mixer, x):
    tokens = parts.tokens_of(parts.pointwise(mixer.enter, x))
    outputs = []
    for head, part in enumerate(tokens.chunk(mixer.num_heads, -1)):
        weights = dict(mixer.heads[head].named_parameters())
        there = recurrence(weights, "l0", part)
        back = recurrence(weights, "l0_reverse", part.flip(1)).flip(1)
        rows = slice(head * mixer.head_dim, (head + 1) * mixer.head_dim)
        merge = mixer.merge.weight[rows, :, 0, 0]
        outputs.append(torch.cat((there, back), -1) @ merge.T + mixer.merge.bias[rows])
    mixed = parts.map_of(torch.cat(outputs, -1), *x.shape[-2:])
    return parts.pointwise(mixer.project, mixed)


def recurrence(weights, name, tokens):
    """(B, N, d) -> (B, N, d): the hidden states of one LSTM, from zero."""
    state = cell = tokens.new_zeros(tokens.shape[0], tokens.shape[-1])
    states = []
    for token in tokens.unbind(1):
        gates = token @ weights[f"weight_ih_{name}"].T + weights[f"bias_ih_{name}"]
        gates = gates + state @ weights[f"weight_hh_{name}"].T + weights[f"bias_hh_{name}"]
        enter, forget, new, leave = gates.chunk(4, -1)
        cell = torch.sigmoid(forget) * cell + torch.sigmoid(enter) * torch.tanh(new)
        state = torch.sigmoid(leave) * torch.tanh(cell)
        states.append(state)
    return torch.stack(states, 1)
