"""An independent count of multiply-accumulates: torch's own counter, made to see everything."""

from __future__ import annotations

from math import prod

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


def counted(module, x):
    """Multiply-accumulates torch sees in one forward.

    MATH takes attention apart, and without oneDNN an LSTM is its matrix products, so none hide.
    A weighted sum whose weights differ from pixel to pixel is made of addcmul.
    """
    added_products = {torch.ops.aten.addcmul: lambda *shapes, out_shape, **_: 2 * prod(out_shape)}
    counter = FlopCounterMode(display=False, custom_mapping=added_products)
    onednn = torch.backends.mkldnn.flags(enabled=False)
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), onednn, counter:
        module(x)
    macs, odd = divmod(counter.get_total_flops(), 2)
    assert odd == 0
    return macs
