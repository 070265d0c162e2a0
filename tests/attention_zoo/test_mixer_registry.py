"""What the registry reads from sources is what the classes are; every mistake is one line."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from inspect import formatannotation
from pathlib import Path
from textwrap import dedent

import pytest

import attention_zoo
from attention_zoo import MixerError
from tests.attention_zoo.cases import NAMES, every_name
from tests.bench_runs import bench_in_process

ROOT = Path(__file__).parents[2]
DECLARED = """
    from attention_zoo import register

    @register("{name}", paper="none", complexity="0")
    class Halved:
        pass
"""
MIXER = """
    from attention_zoo import register
    from attention_zoo.registry.mixer import Mixer

    @register("{name}", paper="none", complexity="0")
    class Halved(Mixer):
        '''Half of x.

        More words.
        '''

        def __init__(self, dim, num_heads=1, *, share: float = 0.5, other: int | str = "a"):
            super().__init__(dim, num_heads)
            self.share = share

        def forward(self, x):
            return self.share * x

        def macs(self, height, width):
            return 0
"""


def python(code, path=""):
    """Run code in a fresh interpreter with a folder in front of its path."""
    search = os.pathsep.join([str(path), str(ROOT)] if path else [str(ROOT)])
    return subprocess.run(
        [sys.executable, "-c", dedent(code)],
        capture_output=True,
        text=True,
        cwd=path or ROOT,
        env={**os.environ, "PYTHONPATH": search},
        timeout=60,
    )


def printed(code, path=""):
    done = python(code, path)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:-1]


@every_name
def test_the_entry_is_what_the_class_is(name):
    entry = attention_zoo.entry(name)
    cls = entry.load()
    assert issubclass(cls, attention_zoo.Mixer)
    assert (cls.__module__, cls.__qualname__) == (entry.module, entry.class_name)
    assert entry.summary == inspect.getdoc(cls).split("\n")[0]
    assert entry.summary
    assert entry.paper
    assert entry.complexity
    assert "\n" not in entry.summary + entry.paper + entry.complexity
    parameters = list(inspect.signature(cls).parameters.values())
    assert [parameter.name for parameter in parameters[:2]] == ["dim", "num_heads"]
    keyword_only = parameters[2:]
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in keyword_only)
    assert [option.name for option in entry.options] == [p.name for p in keyword_only]
    for option, parameter in zip(entry.options, keyword_only, strict=True):
        assert eval(option.default) == parameter.default
        hint = parameter.annotation
        assert option.annotation == (hint if isinstance(hint, str) else formatannotation(hint))


@every_name
def test_a_reconstruction_says_so(name):
    entry = attention_zoo.entry(name)
    assert entry.reconstructed == ("Reconstructed" in (entry.load().__doc__ or ""))


def test_listing_does_not_import_torch():
    code = """
        import sys
        import attention_zoo
        print(*attention_zoo.entries())
        print("torch" in sys.modules)
    """
    names, has_torch = printed(code)
    assert set(names.split()) >= {"none", "softmax", "linear", "fwa"}
    assert has_torch == "False"


def one_line(caught):
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


def test_an_unknown_name_lists_the_nearest_and_all():
    with pytest.raises(MixerError) as caught:
        attention_zoo.build("sofmax", dim=8)
    message = one_line(caught)
    assert "'sofmax'" in message
    assert "did you mean 'softmax'?" in message
    assert all(name in message for name in attention_zoo.entries())


def test_a_name_near_none_lists_all():
    with pytest.raises(MixerError) as caught:
        attention_zoo.build("zzzzzz", dim=8)
    message = one_line(caught)
    assert "did you mean" not in message
    assert all(name in message for name in attention_zoo.entries())


def test_a_class_elsewhere_registers_when_imported(tmp_path):
    (tmp_path / "mine.py").write_text(dedent(MIXER.format(name="halved")))
    code = """
        import attention_zoo
        print("halved" in attention_zoo.entries())
        import mine
        entry = attention_zoo.entry("halved")
        print(entry.load() is mine.Halved, entry.summary, [o.name for o in entry.options])
        print(attention_zoo.build("halved", dim=4, share=0.25).share)
    """
    expected = ["False", "True Half of x. ['share', 'other']", "0.25"]
    assert printed(code, tmp_path) == expected


def test_a_script_may_declare_a_mixer(tmp_path):
    script = dedent(MIXER.format(name="halved")) + "print(register.__name__)\n"
    script += "import attention_zoo\nprint(attention_zoo.build('halved', dim=4).share)\n"
    (tmp_path / "script.py").write_text(script)
    done = subprocess.run(
        [sys.executable, "script.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60,
    )
    assert done.stdout.split() == ["register", "0.5"], done.stderr


@pytest.mark.parametrize("name", ["softmax", "halved"])
def test_a_name_is_registered_once(tmp_path, name):
    """By a mixer of this package, or by a file that declared it first."""
    for file in ("mine", "yours"):
        (tmp_path / f"{file}.py").write_text(dedent(DECLARED.format(name=name)))
    code = """
        import attention_zoo
        try:
            import mine
            import yours
        except attention_zoo.MixerError as error:
            print(error)
    """
    (message,) = printed(code, tmp_path)
    assert f"mixer {name!r} is registered twice" in message
    assert ("yours.Halved" if name == "halved" else "mine.Halved") in message


@pytest.mark.parametrize("where", ["def make():", "if True:"])
def test_a_class_below_the_top_level_is_refused(tmp_path, where):
    body = dedent(DECLARED.format(name="hidden")).replace("\n", "\n    ")
    (tmp_path / "mine.py").write_text(f"{where}\n{body}\n" + ("make()\n" if "def" in where else ""))
    code = """
        import attention_zoo
        try:
            import mine
        except attention_zoo.MixerError as error:
            print(error)
    """
    (message,) = printed(code, tmp_path)
    assert "'hidden' must be declared at the top level of a source file" in message


def test_a_class_without_a_source_file_is_refused():
    code = f"""
import attention_zoo
try:
    exec({dedent(DECLARED.format(name="typed"))!r})
except attention_zoo.MixerError as error:
    print(error)
"""
    (message,) = printed(code)
    assert "'typed' must be declared at the top level of a source file" in message


def installed(folder, name, module, source, record=True):
    """A package as an installer leaves it: sources and metadata with an entry point."""
    file = folder / Path(*module.split(".")).with_suffix(".py")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(source))
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[attention_zoo]\n{name} = {module}\n")
    if record:
        (info / "RECORD").write_text(f"{file.relative_to(folder)},,\n")


LIST = """
    import sys
    import attention_zoo
    try:
        print("halved" in attention_zoo.entries())
        print("torch" in sys.modules)
        print(attention_zoo.build("halved", dim=4).share)
    except attention_zoo.MixerError as error:
        print(error)
"""


@pytest.mark.parametrize(
    "module", [pytest.param("halving", marks=pytest.mark.slow), "halving_package.mixers"]
)
def test_an_installed_package_adds_its_mixers(tmp_path, module):
    installed(tmp_path, "halver", module, MIXER.format(name="halved"))
    assert printed(LIST, tmp_path) == ["True", "False", "0.5"]


@pytest.mark.parametrize(
    "module", ["halving", pytest.param("halving_package.mixers", marks=pytest.mark.slow)]
)
def test_an_editable_install_adds_its_mixers(tmp_path, module):
    """Its RECORD does not list the sources, which lie elsewhere."""
    installed(tmp_path, "halver", module, MIXER.format(name="halved"), record=False)
    assert printed(LIST, tmp_path) == ["True", "False", "0.5"]


def test_an_installed_package_may_not_take_a_name(tmp_path):
    installed(tmp_path, "halver", "halving", DECLARED.format(name="softmax"))
    (message,) = printed(LIST, tmp_path)
    assert message == "mixer 'softmax' is registered twice: in attention_zoo.softmax and halving"


@every_name
def test_a_mixer_says_what_it_is_in_six_words(name):
    assert 1 <= len(attention_zoo.entry(name).about.split()) <= 6


def test_evidence_is_said_in_words():
    evidence = {name: attention_zoo.entry(name).evidence for name in NAMES}
    assert evidence["fwa"] == "reconstructed"
    assert evidence["softmax"] == "published, equal to the authors' formula in all details"
    assert evidence["deformable"].startswith("published, differs in ")
    assert evidence["none"] == "published"


def test_the_list_fits_80_columns(tmp_path):
    done = bench_in_process(tmp_path, "list", COLUMNS="80")
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines[1 : len(NAMES) + 1]] == list(NAMES)
