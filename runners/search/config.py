"""A sweep as a file says it: checked whole before anything is begun."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from attention_zoo import did_you_mean
from runners.records.errors import UserError
from runners.search import samplers
from runners.search.objectives import USUAL, VAL_ACCURACY, Direction
from search_space import Space, SpaceError, from_dict
from search_space.yaml_file import read_yaml


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Sampler(_Section):
    """Who proposes: a sampler of Optuna by name, its seed and options."""

    name: str = "tpe"
    seed: Annotated[int, Field(ge=0)] = 0
    options: dict[str, bool | int | float] = {}


class Training(_Section):
    """How trials are trained; what is left out is the usual of the data set.

    Images have the data set's own size unless `resolution` says otherwise, or is a dimension.
    """

    dataset: str = "fashion-mnist-mini"
    resolution: Annotated[int | None, Field(ge=1)] = None
    epochs: Annotated[int | None, Field(ge=1)] = None
    batch_size: Annotated[int | None, Field(ge=1)] = None
    learning_rate: Annotated[float | None, Field(gt=0)] = None
    amp: bool = False
    seed: Annotated[int, Field(ge=0)] = 0
    threads: Annotated[int, Field(ge=1)] = 1


class Rungs(_Section):
    """After which epochs trials are judged: first, first x eta, ...; the best 1/eta go on."""

    first: Annotated[int, Field(ge=1)] = 1
    eta: Annotated[int, Field(ge=2)] = 2


class Latency(_Section):
    """How trials are timed, in turns with a reference network: the base of the space."""

    rounds: Annotated[int, Field(ge=2)] = 100
    precision: Annotated[float, Field(gt=0, lt=1)] = 0.02
    seconds: Annotated[float, Field(gt=0)] = 1.0
    threads: Annotated[int, Field(ge=1)] = 1


class SweepConfig(_Section):
    """A sweep.

    Args:
        space: which architectures exist, and what they may cost.
        objectives: names and directions.
        sampler: who proposes.
        trials: results wanted.
        training: how to train; needed by, and only for, val_accuracy.
        rungs: where trials may be stopped early; None stops nothing.
        latency: how to time.
        device: "cpu" or "cuda".
        enqueue: variants to begin with, by name.
    """

    space: Space
    objectives: dict[str, Direction]
    sampler: Sampler = Sampler()
    trials: int = Field(ge=1)
    training: Training | None = None
    rungs: Rungs | None = None
    latency: Latency = Latency()
    device: Literal["cpu", "cuda"] = "cpu"
    enqueue: list[str] = []

    @field_validator("objectives")
    @classmethod
    def _known(cls, objectives: dict[str, Direction]) -> dict[str, Direction]:
        if not objectives:
            raise ValueError(f"name at least one of: {', '.join(USUAL)}")
        for name in objectives:
            if name not in USUAL:
                hint = did_you_mean(name, USUAL)
                raise ValueError(f"unknown objective {name!r}; {hint}known: {', '.join(USUAL)}")
        return objectives

    def model_post_init(self, context: Any) -> None:
        """Check what sections say of each other; raises UserError."""
        samplers.check(self.sampler.name, self.sampler.options)
        accuracy = VAL_ACCURACY in self.objectives
        if accuracy and self.training is None:
            raise UserError("the objective val_accuracy needs a section `training`")
        if not accuracy and self.training is not None:
            raise UserError("`training` is of no use: val_accuracy is not among the objectives")
        if self.rungs is not None and not accuracy:
            raise UserError("`rungs` stop trainings, but val_accuracy is not among the objectives")


def read(file: Path) -> SweepConfig:
    """The sweep of a YAML file.

    Raises:
        UserError: the file says something impossible.
        SpaceError: it cannot be read, or is not YAML.
    """
    data = read_yaml(file)
    if not isinstance(data, dict):
        raise UserError(f"{file}: a sweep is a mapping with a `space` and `objectives`")
    try:
        return parse(data)
    except (UserError, SpaceError) as error:
        raise UserError(f"{file}: {error}") from error


def parse(data: dict[str, Any]) -> SweepConfig:
    """The sweep that a mapping describes; raises UserError or SpaceError."""
    data = dict(data)
    for key in data:
        if key not in SweepConfig.model_fields:
            hint = did_you_mean(str(key), SweepConfig.model_fields)
            raise UserError(
                f"unknown key {key!r}; {hint}known: {', '.join(SweepConfig.model_fields)}"
            )
    if "space" not in data:
        raise UserError("`space` is missing: a preset's name, or a mapping")
    space = data["space"]
    data["space"] = from_dict({"preset": space} if isinstance(space, str) else space)
    if isinstance(data.get("sampler"), str):
        data["sampler"] = {"name": data["sampler"]}
    if data.get("training", "") is None:
        data["training"] = {}
    try:
        return SweepConfig(**data)
    except ValidationError as error:
        raise UserError(_first(error)) from error


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, in words: where, what is there, what should be."""
    found = error.errors()[0]
    where = ".".join(str(part) for part in found["loc"])
    if found["type"] == "missing":
        return f"`{where}` is missing"
    if found["type"] == "extra_forbidden":
        section = SweepConfig.model_fields[str(found["loc"][0])].annotation
        kinds = [kind for kind in getattr(section, "__args__", (section,)) if kind is not None]
        known = getattr(kinds[0], "model_fields", {})
        hint = did_you_mean(str(found["loc"][-1]), known)
        return f"unknown key `{where}`; {hint}known: {', '.join(known)}"
    told = found["msg"].removeprefix("Value error, ")
    return (
        f"{where}: {told[0].lower() + told[1:]}, got {found['input']!r}"
        if found["type"] != ("value_error")
        else f"{where}: {told}"
    )
