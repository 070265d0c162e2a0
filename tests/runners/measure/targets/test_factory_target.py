"""Networks returned by Python functions; every mistake of the function is one line."""

from __future__ import annotations

import importlib
import pickle
import sys

import pytest
import torch

from runners.measure.counting import count_target
from runners.measure.targets import TargetError, parse_target
from runners.processes.isolated import run_isolated

MODULE = """
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

def raises_without_message():
    raise KeyError

def takes_argument(something):
    return small()

def returns_none():
    pass

def returns_list():
    return [small()]
"""


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """A working directory with a module and a package, importable only from there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    (tmp_path / "own_nets.py").write_text(MODULE)
    (tmp_path / "own_pack").mkdir()
    (tmp_path / "own_pack/__init__.py").write_text("")
    (tmp_path / "own_pack/nets.py").write_text(MODULE)
    (tmp_path / "own_typo.py").write_text("def make(:")
    (tmp_path / "own_needs.py").write_text("import not_installed_anywhere")
    importlib.invalidate_caches()
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("own_")]:
        del sys.modules[name]


@pytest.mark.parametrize("text", ["own_nets:small", "own_nets:Nets.small", "own_pack.nets:small"])
def test_builds_equal_modules(folder, text):
    target = parse_target(f"{text}@8")
    target.load()
    one, other = target.build(), target.build()
    assert one is not other and torch.equal(one.weight, other.weight)
    assert target.macs_by_formula(one, target.shape) is None
    assert pickle.loads(pickle.dumps(target)).hash == target.hash


def test_other_processes_import_it(folder):
    counts = run_isolated(60, count_target, parse_target("own_nets:small@8"), allow_uncounted=False)
    assert counts.params == 3 * 2 * 9 + 2
    assert counts.macs.total == 3 * 2 * 9 * 6 * 6


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("own_nets:smal", "AttributeError: .*has no attribute 'smal'"),
        ("own_nets:small.more", "AttributeError: "),
        ("own_nets:number", "number is not a function"),
        ("own_typo:make", "SyntaxError: "),
        ("own_needs:make", "ModuleNotFoundError: .*not_installed_anywhere"),
    ],
)
@pytest.mark.parametrize("method", ["load", "build"])
def test_a_missing_function(folder, text, message, method):
    with pytest.raises(TargetError, match=message) as caught:
        getattr(parse_target(text), method)()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("own_nets:fails", "ValueError: no such$"),
        ("own_nets:raises_without_message", "KeyError"),
        ("own_nets:takes_argument", "TypeError: .*something"),
        ("own_nets:returns_none", "NoneType, not a torch.nn.Module"),
        ("own_nets:returns_list", "list, not a torch.nn.Module"),
        ("own_nets:a_network", "TypeError"),  # it is callable, but takes an image
    ],
)
def test_a_function_that_returns_no_network(folder, text, message):
    target = parse_target(text)
    target.load()
    for build in (
        target.build,
        lambda: run_isolated(60, count_target, target, allow_uncounted=False),
    ):
        with pytest.raises(TargetError, match=message) as caught:
            build()
        assert "\n" not in str(caught.value)


def test_the_random_state_is_unchanged(folder):
    target = parse_target("own_nets:small")
    target.load()
    torch.manual_seed(3)
    state = torch.get_rng_state()
    target.build()
    assert torch.equal(torch.get_rng_state(), state)


def test_a_module_that_is_deleted(folder):
    target = parse_target("own_nets:small")
    (folder / "own_nets.py").unlink()
    importlib.invalidate_caches()
    with pytest.raises(TargetError, match="No module named 'own_nets'"):
        target.build()
    with pytest.raises(TargetError, match="there is no module 'own_nets'"):
        parse_target("own_nets:small")
