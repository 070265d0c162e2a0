"""What the name of a dimension means: the field of an architecture it sets, in which stages."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from attention_zoo import MixerError, did_you_mean, entries, entry
from lolvit.config import LolvitConfig
from search_space.dimension import Value
from search_space.errors import SpaceError

ALL = (1, 2, 3, 4, 5)
HOSTS = (3, 4, 5)  # the stages that can have fusion blocks


@dataclass(frozen=True)
class Word:
    """What a word of the table sets: `alone` as in "width", `staged` as in "width.4".

    `hosted` words mean something only where there are fusion blocks, `inside` ones only where the
    stage has two bottlenecks or more: they count them, and one beyond the last is the end.
    """

    kind: type
    alone: str = ""
    staged: str = ""
    stages: tuple[int, ...] = ALL
    hosted: bool = False
    inside: bool = False


WORDS = {
    "width": Word(float, "width", "stage_widths"),
    "depth": Word(int, "", "depths"),
    "expansion": Word(float, "expansions", "expansions"),
    "kernel": Word(int, "kernels", "kernels"),
    "squeeze": Word(str, "squeeze"),
    "blocks": Word(int, "", "fusion_blocks", HOSTS),
    "after": Word(int, "", "fusion_after", HOSTS, hosted=True, inside=True),
    "mixer": Word(str, "mixers", "mixers", HOSTS, hosted=True),
    "heads": Word(int, "heads", "heads", HOSTS, hosted=True),
    "fusion": Word(str, "fusion", "", HOSTS, hosted=True),
    "resolution": Word(int, "resolution"),
    "downsampling": Word(str, "downsampling"),
    "trunk_channels": Word(int, "trunk_channels"),
    "feature_channels": Word(int, "feature_channels"),
}
STAGED = {word.staged: word.stages[0] for word in WORDS.values() if word.staged}


@dataclass(frozen=True)
class Slot:
    """The place in an architecture that a dimension fills.

    Args:
        word: a word of the table, or the mixer whose option this is.
        option: the mixer's option, or "".
        field: the field of LolvitConfig.
        kinds: types its values may have; empty for any.
        stages: those it speaks for.
        single: whether the name says one stage.
        hosted: whether it means something only where there are fusion blocks.
        inside: whether it counts bottlenecks of its stage.
    """

    word: str
    option: str
    field: str
    kinds: frozenset[type]
    stages: tuple[int, ...]
    single: bool
    hosted: bool
    inside: bool = False

    @property
    def family(self) -> tuple[str, str, str]:
        """Equal for "kernel" and "kernel.4", of which the latter wins in its stage."""
        return (self.word, self.option, self.field)

    def read(self, architecture: LolvitConfig, stage: int) -> Value | None:
        """What the architecture has here; None for an option that its declaration leaves open."""
        value = getattr(architecture, self.field)
        if self.field in STAGED:
            value = value[stage - STAGED[self.field]]
        if self.option:
            told = dict(value.options) if value.name == self.word else {}
            return told.get(self.option, entry(self.word).option(self.option).default_value)
        return str(value) if self.field == "mixers" else value

    def checked(self, value: Value) -> Value:
        """The value as the field holds it; raises SpaceError for one of another type."""
        if self.option:
            try:
                return entry(self.word).convert(self.option, value)
            except MixerError as error:
                raise SpaceError(str(error)) from error
        if type(value) in self.kinds:
            return value
        if float in self.kinds and type(value) is int:
            return float(value)
        wanted = {int: "whole numbers", float: "numbers", str: "words"}[next(iter(self.kinds))]
        raise SpaceError(f"it takes {wanted}, got {value!r}")


@cache
def slot(name: str) -> Slot:
    """The place that a dimension of this name fills.

    Raises:
        SpaceError: there is no such dimension; the message names the nearest and what exists.
    """
    word, *rest = name.split(".") if isinstance(name, str) else [str(name)]
    if word in WORDS:
        return _field_slot(name, word, rest)
    if word in entries():
        return _option_slot(name, word, rest)
    known = [*WORDS, *entries()]
    raise SpaceError(f"unknown dimension {name!r}; {did_you_mean(word, known)}there are: {_all()}")


def _field_slot(name: str, word: str, rest: list[str]) -> Slot:
    known = WORDS[word]
    if rest and not known.staged:
        raise SpaceError(f"unknown dimension {name!r}: {word!r} is the same in all stages")
    if not rest and not known.alone:
        first, last = known.stages[0], known.stages[-1]
        raise SpaceError(f"dimension {name!r} needs a stage: {word}.{first} to {word}.{last}")
    stages = _stages(name, rest, known.stages)
    field = known.staged if rest else known.alone
    kinds = frozenset({known.kind})
    return Slot(word, "", field, kinds, stages, bool(rest), known.hosted, known.inside)


def _option_slot(name: str, mixer: str, rest: list[str]) -> Slot:
    if not rest:
        raise SpaceError(
            f"dimension {name!r} is a mixer: offer it as a choice of 'mixer', "
            f"or name one of its options, as in {mixer}.<option>"
        )
    option, *stage = rest
    try:
        kinds = entry(mixer).option(option).types
    except MixerError as error:
        raise SpaceError(f"unknown dimension {name!r}: {error}") from error
    return Slot(mixer, option, "mixers", kinds, _stages(name, stage, HOSTS), bool(stage), True)


def _stages(name: str, rest: list[str], allowed: tuple[int, ...]) -> tuple[int, ...]:
    if not rest:
        return allowed
    if len(rest) == 1 and rest[0] in map(str, allowed):
        return (int(rest[0]),)
    stage = ".".join(rest)
    raise SpaceError(
        f"dimension {name!r}: the stage must be {allowed[0]} to {allowed[-1]}, got {stage!r}"
    )


def _all() -> str:
    shapes = {(True, True): "{0}[.N]", (True, False): "{0}", (False, True): "{0}.N"}
    names = (shapes[bool(w.alone), bool(w.staged)].format(name) for name, w in WORDS.items())
    return ", ".join((*names, "<mixer>.<option>[.N]"))
