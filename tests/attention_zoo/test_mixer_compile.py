"""Each mixer compiles as one graph, or the registry says why not."""

from __future__ import annotations

import pytest
import torch

import attention_zoo
from tests.attention_zoo.cases import assert_close, drawn, every_name, made


@every_name
def test_it_is_one_graph_or_the_registry_says_why_not(name):
    mixer, x = made(name), drawn((7, 13))
    torch._dynamo.reset()
    whole = torch.compile(mixer, fullgraph=True, backend="aot_eager")
    if attention_zoo.entry(name).limits.get("compile"):
        with pytest.raises(torch._dynamo.exc.Unsupported):
            whole(x)
        whole = torch.compile(mixer, backend="eager")
    assert_close(whole(x), mixer(x), 1e-5)
