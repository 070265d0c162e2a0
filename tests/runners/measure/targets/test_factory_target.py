"""A function of the user's: what it returns is measured, what it does wrong is said in one line."""

from __future__ import annotations

import importlib
import pickle
import sys

import pytest
import torch

from runners.measure.counting import count_target
from runners.measure.targets import TargetError, parse_target
from runners.processes.isolated import run_isolated

OWN = """
import torch

class Nets:
    @staticmethod
    def small():
        return torch.nn.Conv2d(3, 2, 3)

small = Nets.small
a_network = small()
number = 3

def fails():
    raise ValueError("no such\\nluck")

def wordless():
    raise KeyError

def wants(something):
    return small()

def nothing():
    pass

def several():
    return [small()]
"""


@pytest.fixture
def own(monkeypatch, tmp_path):
    """The current folder with a module and a package; found from there alone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "own_nets.py").write_text(OWN)
    (tmp_path / "own_pack").mkdir()
    (tmp_path / "own_pack/__init__.py").write_text("")
    (tmp_path / "own_pack/nets.py").write_text(OWN)
    (tmp_path / "own_typo.py").write_text("def make(:")
    (tmp_path / "own_needs.py").write_text("import not_installed_anywhere")
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


@pytest.mark.parametrize("text", ["own_nets:small", "own_nets:Nets.small", "own_pack.nets:small"])
def test_it_is_built(own, text):
    target = parse_target(f"{text}@8")
    target.load()
    one, other = target.build(), target.build()
    assert one is not other and torch.equal(one.weight, other.weight)
    assert target.macs_by_formula(one, target.shape) is None
    assert pickle.loads(pickle.dumps(target)).hash == target.hash


def test_other_processes_find_it(own):
    found = run_isolated(60, count_target, parse_target("own_nets:small@8"), allow_uncounted=False)
    assert found.params == 3 * 2 * 9 + 2
    assert found.macs.total == 3 * 2 * 9 * 6 * 6


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("own_nets:smal", "AttributeError: .*has no attribute 'smal'"),
        ("own_nets:small.more", "AttributeError: "),
        ("own_nets:number", "number is no function"),
        ("own_typo:make", "SyntaxError: "),
        ("own_needs:make", "ModuleNotFoundError: .*not_installed_anywhere"),
    ],
)
@pytest.mark.parametrize("how", ["load", "build"])
def test_what_is_not_there(own, text, said, how):
    with pytest.raises(TargetError, match=said) as caught:
        getattr(parse_target(text), how)()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("own_nets:fails", "ValueError: no such$"),
        ("own_nets:wordless", "KeyError"),
        ("own_nets:wants", "TypeError: .*something"),
        ("own_nets:nothing", "NoneType, not a torch.nn.Module"),
        ("own_nets:several", "list, not a torch.nn.Module"),
        ("own_nets:a_network", "TypeError"),  # it can be called, but wants an image
    ],
)
def test_what_returns_no_network(own, text, said):
    target = parse_target(text)
    target.load()
    for build in (
        target.build,
        lambda: run_isolated(60, count_target, target, allow_uncounted=False),
    ):
        with pytest.raises(TargetError, match=said) as caught:
            build()
        assert "\n" not in str(caught.value)


def test_the_random_state_stays(own):
    target = parse_target("own_nets:small")
    target.load()
    torch.manual_seed(3)
    state = torch.get_rng_state()
    target.build()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_module_that_went_away(own):
    target = parse_target("own_nets:small")
    (own / "own_nets.py").unlink()
    importlib.invalidate_caches()
    with pytest.raises(TargetError, match="No module named 'own_nets'"):
        target.build()
    with pytest.raises(TargetError, match="there is no module 'own_nets'"):
        parse_target("own_nets:small")
