"""Ways in which deformable, superpixel and skip-layer attention are softmax; other identities."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import attention_zoo
import lolvit
from attention_zoo import MixerError
from attention_zoo.layers.focal_axis import TAPS, FocalAxis
from attention_zoo.layers.segments import pool, seed_grid, segment, unpool
from lolvit.mixer_config import MixerConfig
from runners.measure.counting import count_macs
from tests.attention_zoo.cases import assert_close, drawn, made, unsettled
from tests.naive import skip_layer as naive_skip_layer

NAMES = ("context", "bilstm", "linear_mixer", "deformable", "superpixel", "skip_layer")
VARIANTS = [(name, ()) for name in NAMES]
VARIANTS += [
    ("context", (("pool", 2),)),
    ("deformable", (("reference", "dat"),)),
    ("deformable", (("reference", "dat++"), ("groups", 2))),
    ("superpixel", (("inner", "linear"), ("positions", False))),
]


def network(name, options=(), blocks=(1, 2, 3)):
    mixers = (MixerConfig(name, options),) * 3
    config = lolvit.variant(
        "lolvit_nano", resolution=28, num_classes=10, fusion_blocks=blocks, mixers=mixers
    )
    return lolvit.build(config, seed=0)


@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_nothing_of_a_network_is_uncounted(name, options):
    built = network(name, options)
    assert count_macs(built, 3, 28, 28).total == built.macs(28, 28)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (6, 6), (7, 13)], ids=str)
@pytest.mark.parametrize("groups", [1, 3])
def test_deformable_without_offsets_and_bias_is_softmax(size, groups):
    options = {"stride": 1, "groups": groups, "kernel": 3}
    mixer = made("deformable", options, dtype=torch.float64)
    plain = made("softmax", dtype=torch.float64)
    with torch.no_grad():
        mixer.offset.weight.zero_()
        mixer.bias_table.zero_()
        for kind in ("weight", "bias"):
            query, rest = getattr(mixer.query, kind), getattr(mixer.key_value, kind)
            getattr(plain.query_key_value, kind).copy_(torch.cat((query, rest)))
    plain.project.load_state_dict(mixer.project.state_dict())
    x = drawn(size, dtype=torch.float64)
    assert_close(mixer(x), plain(x), 1e-10)


@pytest.mark.parametrize("reference", ["centered", "dat", "dat++"])
@pytest.mark.parametrize("read", ["keys", "bias"])
def test_offsets_learn_from_either_read(reference, read):
    mixer = made("deformable", {"reference": reference}, dtype=torch.float64)
    x = drawn((8, 9), dtype=torch.float64)
    with torch.no_grad():
        if read == "keys":
            mixer.bias_table.zero_()
        else:  # keys that do not depend on the map, values that do: only the bias can tell
            mixer.key_value.weight[: mixer.dim].zero_()
            x = x.mean((2, 3), keepdim=True) + torch.zeros_like(x)
            x[:, :, ::2] += 1e-3
    weights = drawn((8, 9), seed=2, dtype=torch.float64)
    (gradient,) = torch.autograd.grad((mixer(x) * weights).sum(), mixer.offset.weight)
    assert gradient.abs().max() > 1e-9


def test_keys_stay_on_the_map_unless_published_otherwise():
    x = drawn((6, 9), dtype=torch.float64)
    for reference, most in (("centered", 1), ("dat++", 1), ("dat", 1 + 2 / 3)):
        mixer = made("deformable", {"reference": reference}, dtype=torch.float64)
        with torch.no_grad():
            mixer.offset.weight.mul_(1e3)
        farthest = mixer._positions(mixer.query(x)).abs().max()
        assert 0.9 < farthest <= most


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 13), (20, 17)], ids=str)
@pytest.mark.parametrize("segments", [1, 5, 49])
def test_segments_partition_the_map(size, segments):
    x = drawn(size, dtype=torch.float64)
    grid = seed_grid(segments, *size)
    k = grid[0] * grid[1]
    assert k <= segments
    labels = segment(x, grid, 5, 1.0)
    sizes = torch.stack([row.bincount(minlength=k) for row in labels])
    assert sizes.shape == (2, k)
    assert (sizes > 0).all()
    x = x.flatten(2)
    means = pool(x, labels, k)
    assert_close((sizes[:, None] * means).sum(2), x.sum(2), 1e-12)
    flat = unpool(means, labels)
    assert_close(unpool(pool(flat, labels, k), labels), flat, 1e-12)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 20), (20, 5), (6, 6)], ids=str)
@pytest.mark.parametrize("inner", ["softmax", "fwa"])
@pytest.mark.parametrize("positions", [True, False])
def test_a_segment_for_each_pixel_is_the_inner_mixer(size, inner, positions):
    options = {"inner": inner, "segments": 100, "positions": positions}
    mixer = made("superpixel", options, dtype=torch.float64)
    assert seed_grid(100, *size) == size
    x = drawn(size, dtype=torch.float64)
    expected = x
    if positions:
        rows = torch.arange(size[0]).repeat_interleave(size[1]).double()
        columns = torch.arange(size[1]).repeat(size[0]).double()
        steps = 10000 ** -(torch.arange(3).double() / 3)
        waves = [
            wave(places * step)
            for places in (rows, columns)
            for wave in (torch.sin, torch.cos)
            for step in steps
        ]
        expected = x + torch.stack(waves).reshape(1, 12, *size)
    assert_close(mixer(x), mixer.inner(expected), 1e-10)


def test_segments_follow_an_edge():
    """Two flat halves: no segment crosses where features tell them apart."""
    x = torch.zeros(1, 4, 12, 12)
    x[..., 5:] = 10
    labels = segment(x, seed_grid(9, 12, 12), 5, 1.0).reshape(12, 12)
    assert not set(labels[:, :5].unique().tolist()) & set(labels[:, 5:].unique().tolist())


@pytest.mark.parametrize("n_h", [0, 1, 3])
def test_skip_layer_without_memory_is_softmax(n_h):
    mixer = made("skip_layer", {"n_h": n_h}, dtype=torch.float64)
    plain = made("softmax", dtype=torch.float64)
    plain.load_state_dict(mixer.state_dict())
    x = drawn((7, 13), dtype=torch.float64)
    assert_close(mixer(x), plain(x), 1e-12)
    assert_close(mixer(x, []), plain(x), 1e-12)
    older = [(torch.ones(2, 3, 91, 4).double(), torch.ones(2, 3, 91, 4).double())]
    assert torch.equal(mixer(x, older), mixer(x)) == (n_h == 0)


@pytest.mark.parametrize("options", [{"n_h": 1}, {"n_h": 2, "n_l": 2}, {"n_h": 9}], ids=str)
def test_layers_of_a_stage_look_back_as_their_twins_do(options):
    layers = [made("skip_layer", options, seed=seed, dtype=torch.float64) for seed in range(4)]
    maps = [drawn((5, 6), seed=seed, dtype=torch.float64) for seed in range(4)]
    memory = []
    found = [layer(x, memory) for layer, x in zip(layers, maps, strict=True)]
    for mine, its in zip(found, naive_skip_layer.stack(layers, maps), strict=True):
        assert_close(mine, its, 1e-9)


def test_gradients_flow_into_the_earlier_layer():
    first, second = (made("skip_layer", {"n_h": 1}, seed=seed) for seed in range(2))
    x = drawn((5, 6)).requires_grad_()
    memory = []
    first(x, memory)
    second(drawn((5, 6), seed=3), memory).square().sum().backward()
    keys_and_values = first.query_key_value.weight.grad[first.dim :].reshape(2, 3, 4, 12)
    assert (keys_and_values[:, 0].abs().amax((1, 2)) > 0).all()
    assert (keys_and_values[:, 1:] == 0).all()
    assert x.grad.abs().max() > 0


def test_the_memory_lasts_for_one_forward_of_one_stage():
    """Other batches between two equal forwards change nothing, and stages do not share."""
    built = unsettled(network("skip_layer")).eval()
    x = torch.randn(3, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    lengths = []
    for module in built.modules():
        if type(module).__name__ == "SkipLayerAttention":
            module.register_forward_hook(lambda _, inputs, __: lengths.append(len(inputs[1])))
    first = built(x)
    assert lengths == [1, 1, 2, 1, 2, 3]
    assert built(x[:1]).shape == (1, 10)
    assert torch.equal(built(x), first)
    assert_close(torch.cat([built(image[None]) for image in x]), first, 1e-5)


def test_a_stage_of_skip_layers_differs_from_one_of_softmax():
    skip, plain = network("skip_layer").eval(), network("softmax").eval()
    plain.load_state_dict(skip.state_dict())
    x = torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    assert not torch.allclose(skip(x), plain(x))
    alone = network("skip_layer", (("n_h", 0),)).eval()
    alone.load_state_dict(skip.state_dict())
    assert_close(alone(x), plain(x), 1e-6)


def test_the_linear_mixer_is_linear_in_pixels():
    mixer = attention_zoo.build("linear_mixer", dim=32)
    per_pixel = {mixer.macs(side, side) / side**2 for side in (9, 20, 64, 128)}
    assert len(per_pixel) == 1
    assert mixer.macs(64, 1) < mixer.macs(8, 8)  # fewer taps along a short side


def test_taps_cover_eleven_pixels_a_side_once():
    covered = [first + step for _, first, length in TAPS for step in range(length)]
    assert sorted(covered) == list(range(-11, 12))
    assert len(TAPS) == 13


def test_taps_of_a_constant_map_are_the_constant():
    """Also at the borders, where a segment is partly or wholly off the map."""
    axis = FocalAxis(4, 2, 3, axis=-1)
    nn.init.zeros_(axis.weigh.weight)
    nn.init.zeros_(axis.weigh.bias)
    with torch.no_grad():  # only the first tap after the pixel, with weight tanh(1)
        axis.weigh.bias[2:4] = 1
        y = axis(torch.full((1, 4, 3, 20), 5.0))
    assert_close(y[..., :-1], torch.full((1, 4, 3, 19), 5.0).mul(torch.tanh(torch.ones(()))), 1e-6)
    assert (y[..., -1] == 0).all()


def test_costs_of_the_specification():
    n, c, d, m = 14 * 14, 64, 16, 7 * 7
    assert attention_zoo.build("bilstm", dim=c, num_heads=4).macs(14, 14) == n * (
        2 * c**2 + 18 * c * d
    )
    deformable = attention_zoo.build("deformable", dim=c, num_heads=4, kernel=3)
    assert deformable.macs(14, 14) == 2 * n * m * c + 2 * n * c**2 + 2 * m * c**2 + 11 * m * c
    assert attention_zoo.build("skip_layer", dim=c).macs(14, 14) == 4 * n * c**2 + 2 * n**2 * c


WHOLE = (0, -1, 2.0, "7", None, True)
REFUSED = [
    *(("context", option, value) for option in ("key_dim", "value_dim", "pool") for value in WHOLE),
    *(("linear_mixer", option, value) for option in ("groups", "kernel") for value in WHOLE),
    ("linear_mixer", "kernel", 4),
    *(("deformable", o, value) for o in ("groups", "stride", "kernel", "base") for value in WHOLE),
    ("deformable", "kernel", 2),
    *(("deformable", "reference", value) for value in ("DAT", None, 1)),
    *(("superpixel", option, value) for option in ("segments", "rounds") for value in WHOLE),
    *(("superpixel", "compactness", value) for value in (0, -1.0, "1", None, True, float("nan"))),
    *(("superpixel", "inner", value) for value in ("superpixel", "nothing", None)),
    *(("superpixel", "positions", value) for value in (1, "yes", None)),
    *(("skip_layer", "n_l", value) for value in WHOLE),
    *(("skip_layer", "n_h", value) for value in WHOLE[1:]),
]


@pytest.mark.parametrize(("name", "option", "value"), REFUSED, ids=str)
def test_bad_values_are_refused(name, option, value):
    with pytest.raises(MixerError) as caught:
        attention_zoo.build(name, dim=8, **{option: value})
    message = str(caught.value)
    assert "\n" not in message
    assert option in message
    assert repr(value) in message
