"""The configuration of a sweep, validated completely before anything starts."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from attention_zoo import did_you_mean, unknown_name
from reports.sweep.objective import MAX_OBJECTIVES
from runners.records.errors import UserError
from runners.records.objectives import DEFAULT_DIRECTIONS, VAL_ACCURACY, Direction
from runners.search import samplers
from search_space import Space, SpaceError, from_dict
from search_space.yaml_file import read_yaml


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class SamplerConfig(_Section):
    """A sampler of Optuna by name, with its seed and options."""

    name: str = "tpe"
    seed: Annotated[int, Field(ge=0)] = 0
    options: dict[str, bool | int | float] = {}


class TrainingConfig(_Section):
    """How trials are trained; None is the default of the data set.

    Images keep the data set's size unless `resolution` is set, here or as a dimension.
    """

    dataset: str = "fashion-mnist-mini"
    resolution: Annotated[int | None, Field(ge=1)] = None
    epochs: Annotated[int | None, Field(ge=1)] = None
    batch_size: Annotated[int | None, Field(ge=1)] = None
    learning_rate: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = None
    amp: bool = False
    seed: Annotated[int, Field(ge=0)] = 0
    threads: Annotated[int, Field(ge=1)] = 1


class RungsConfig(_Section):
    """Epochs after which trials are ranked: first, first x eta, ...; the best 1/eta continue."""

    first: Annotated[int, Field(ge=1)] = 1
    eta: Annotated[int, Field(ge=2)] = 2


class LatencyConfig(_Section):
    """How trials are timed, interleaved with a reference network: the base of the space."""

    rounds: Annotated[int, Field(ge=2)] = 100
    precision: Annotated[float, Field(gt=0, lt=1)] = 0.02
    seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    threads: Annotated[int, Field(ge=1)] = 1


class SweepConfig(_Section):
    """A sweep.

    Args:
        space: the architectures, and constraints on their costs.
        objectives: directions by name.
        sampler: proposes architectures.
        trials: how many to finish or prune.
        training: required by val_accuracy, and allowed with it only.
        rungs: when trials may be pruned; None prunes nothing.
        latency: how to time.
        device: "cpu" or "cuda".
        enqueue: names of variants to evaluate first.
    """

    space: Space
    objectives: dict[str, Direction]
    sampler: SamplerConfig = SamplerConfig()
    trials: int = Field(ge=1)
    training: TrainingConfig | None = None
    rungs: RungsConfig | None = None
    latency: LatencyConfig = LatencyConfig()
    device: Literal["cpu", "cuda"] = "cpu"
    enqueue: list[str] = []

    @field_validator("objectives")
    @classmethod
    def _check_names(cls, objectives: dict[str, Direction]) -> dict[str, Direction]:
        if not objectives:
            raise ValueError(
                f"at least one is required; available: {', '.join(DEFAULT_DIRECTIONS)}"
            )
        if len(objectives) > MAX_OBJECTIVES:
            raise ValueError(f"at most {MAX_OBJECTIVES} are possible, got {len(objectives)}")
        for name in objectives:
            if name not in DEFAULT_DIRECTIONS:
                raise ValueError(unknown_name("objective", name, DEFAULT_DIRECTIONS))
        return objectives

    def model_post_init(self, context: Any) -> None:
        """Check that the sections fit together; raises UserError."""
        samplers.check_sampler(self.sampler.name, self.sampler.options)
        has_accuracy = VAL_ACCURACY in self.objectives
        if has_accuracy and self.training is None:
            raise UserError("the objective val_accuracy requires a section `training`")
        if not has_accuracy and self.training is not None:
            raise UserError("`training` requires the objective val_accuracy")
        if self.rungs is not None and not has_accuracy:
            raise UserError("`rungs` require the objective val_accuracy")


def read_sweep(file: Path) -> SweepConfig:
    """Read a sweep from a YAML file.

    Raises:
        UserError: the configuration is invalid.
        SpaceError: the file cannot be read, or is not YAML.
    """
    data = read_yaml(file)
    if not isinstance(data, dict):
        raise UserError(f"{file}: a sweep must be a mapping with keys `space` and `objectives`")
    try:
        return parse_sweep(data)
    except (UserError, SpaceError) as error:
        raise UserError(f"{file}: {error}") from error


def parse_sweep(data: dict[str, Any]) -> SweepConfig:
    """Make a sweep from a mapping; raises UserError or SpaceError."""
    data = dict(data)
    for key in data:
        if key not in SweepConfig.model_fields:
            raise UserError(_unknown_key(str(key), key, SweepConfig.model_fields))
    if "space" not in data:
        raise UserError("`space` is missing; give the name of a preset, or a mapping")
    space = data["space"]
    data["space"] = from_dict({"preset": space} if isinstance(space, str) else space)
    if isinstance(data.get("sampler"), str):
        data["sampler"] = {"name": data["sampler"]}
    if data.get("training", "") is None:
        data["training"] = {}
    try:
        return SweepConfig(**data)
    except ValidationError as error:
        raise UserError(_describe(error)) from error


def _describe(error: ValidationError) -> str:
    """Describe the first error: where it is, what is expected, and the value."""
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"])
    if first["type"] == "missing":
        return f"`{path}` is missing"
    if first["type"] == "extra_forbidden":
        section = SweepConfig.model_fields[str(first["loc"][0])].annotation
        types = [type_ for type_ in getattr(section, "__args__", (section,)) if type_ is not None]
        return _unknown_key(path, first["loc"][-1], getattr(types[0], "model_fields", {}))
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "value_error":
        return f"{path}: {message}"
    return f"{path}: {message[0].lower() + message[1:]}, got {first['input']!r}"


def _unknown_key(path: str, key: object, keys: Iterable[str]) -> str:
    return f"unknown key `{path}`; {did_you_mean(key, keys)}available: {', '.join(keys)}"
