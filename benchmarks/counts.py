"""Compare MAC counts with torch's own counter on the networks of timm and torchvision.

    python benchmarks/counts.py [--per-module 3] [--most-params 40] [--only resnet ...]

Takes the smallest networks of each module of timm, and of all classification networks of
torchvision. A row is a network: MACs as counted, half of FlopCounterMode's total with attention
and LSTMs decomposed (it sees neither products with a vector nor sums of products, which are listed
apart), and the seconds of the count. Exit code 1 where a difference remains.

A torchvision whose compiled operators do not fit the installed torch is made importable by
declaring the two operators that its import needs; see docs/measuring.md.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from runners.measure.counting import UncountedOperator, count_macs
from runners.measure.counting.macs import SUM_OF_PRODUCTS
from runners.records.errors import named_line

UNSEEN = (SUM_OF_PRODUCTS, "mv", "dot", "addmv", "addbmm")
"""Operators that FlopCounterMode has no rule for."""
Make = Callable[[], nn.Module]


def import_torchvision() -> None:
    """Import torchvision, with its operators declared where its compiled part does not load."""
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        importlib.import_module("torchvision")
        globals()["_kept"] = library  # the declarations live as long as it does


def networks_of_timm(most: int) -> Iterator[tuple[str, int, Make]]:
    """Name, resolution and maker of the smallest networks of each module."""
    timm = importlib.import_module("timm")
    for module in timm.list_modules():
        sized = []
        for name in timm.list_models(module=module):
            try:
                with torch.device("meta"):
                    network = timm.create_model(name, pretrained=False)
            except Exception:  # some cannot be built without memory: they sort last
                sized.append((10**12, name))
                continue
            sized.append((sum(p.numel() for p in network.parameters()), name))
        for _, name in sorted(sized)[:most]:
            config = timm.get_pretrained_cfg(name)
            size = config.input_size[-1] if config is not None else 224
            yield f"timm:{name}", size, lambda name=name: timm.create_model(name, pretrained=False)


def networks_of_torchvision() -> Iterator[tuple[str, int, Make]]:
    """Name, resolution and maker of all classification networks."""
    models = importlib.import_module("torchvision.models")
    for name in models.list_models(module=models):
        weights = models.get_model_weights(name)
        size = weights.DEFAULT.meta.get("min_size", (224, 224))[0]
        size = max(224 if not name.startswith("inception") else 299, size)
        if name == "vit_h_14":
            size = 224
        yield f"torchvision:{name}", size, lambda name=name: models.get_model(name, weights=None)


def counted_by_torch(network: nn.Module, size: int) -> int:
    """Half of FlopCounterMode's total, with nothing fused."""
    image = torch.randn(1, 3, size, size, generator=torch.Generator().manual_seed(0))
    counter = FlopCounterMode(display=False)
    onednn = torch.backends.mkldnn.flags(enabled=False, allow_tf32=None)
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), onednn, counter:
            network(image)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return counter.get_total_flops() // 2


def compare(name: str, size: int, make: Make, most_params: float) -> str:
    """Print one row; the outcome in a word."""
    try:
        with torch.device("meta"):
            params = sum(p.numel() for p in make().parameters())
        if params > most_params * 1e6:
            return "too large"
    except Exception:
        params = 0
    try:
        network = make().eval().requires_grad_(False)
    except Exception as error:
        print(f"{name:48} cannot be built: {named_line(error)}", flush=True)
        return "not built"
    start = time.perf_counter()
    try:
        count = count_macs(network, 3, size, size)
    except UncountedOperator as error:
        print(f"{name:48} refused: {error}", flush=True)
        return "refused"
    except Exception as error:
        print(f"{name:48} cannot be run: {named_line(error)}", flush=True)
        return "not run"
    seconds = time.perf_counter() - start
    theirs = counted_by_torch(network, size)
    unseen = sum(count.by_operator.get(operator, 0) for operator in UNSEEN)
    rest = count.total - unseen - theirs
    numbers = f"{count.total:16,} {theirs:16,} {unseen:12,} {rest:10,} {seconds:6.2f}"
    print(f"{name:48} {size:4} {numbers}", flush=True)
    return "different" if rest else ("equal, sums apart" if unseen else "equal")


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-module", type=int, default=3, help="networks of each module of timm")
    parser.add_argument("--most-params", type=float, default=40, help="millions, at the most")
    parser.add_argument("--only", nargs="*", help="names that contain one of these")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    import_torchvision()
    print(f"{'network':48} size {'counted':>16} {'torch':>16} {'unseen':>12} {'rest':>10} {'s':>6}")
    outcomes: Counter[str] = Counter()
    for networks in (networks_of_torchvision(), networks_of_timm(arguments.per_module)):
        for name, size, make in networks:
            if not arguments.only or any(part in name for part in arguments.only):
                outcomes[compare(name, size, make, arguments.most_params)] += 1
    print(", ".join(f"{number} {outcome}" for outcome, number in outcomes.most_common()))
    return 1 if outcomes["different"] else 0


if __name__ == "__main__":
    sys.exit(main())
