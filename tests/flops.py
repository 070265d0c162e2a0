"""An independent count of multiply-accumulates: torch's own counter, with nothing hidden."""

from __future__ import annotations

from math import prod

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def _added_product(total, left, right, *_, out_shape, **__):
    """Twice the multiply-accumulates of total + left * right; a single number scales."""
    return 2 * prod(out_shape) if prod(left) > 1 and prod(right) > 1 else 0


def counted(module, x):
    """Multiply-accumulates of one forward pass.

    MATH decomposes attention, and without oneDNN an LSTM runs as matrix products.
    Sums with weights that differ from pixel to pixel are made of addcmul.
    """
    added_products = {torch.ops.aten.addcmul: _added_product}
    counter = FlopCounterMode(display=False, custom_mapping=added_products)
    onednn = torch.backends.mkldnn.flags(enabled=False, allow_tf32=None)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), onednn, counter:
        module(x)
    macs, odd = divmod(counter.get_total_flops(), 2)
    assert odd == 0
    return macs
