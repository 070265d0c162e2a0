"""The training recipe that all arms of a comparison share. No torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from runners.records.errors import UserError


@dataclass(frozen=True)
class Recipe:
    """How to train: the same for all arms, and stored in every record.

    Args:
        epochs: passes over the training split.
        batch_size: images per step.
        learning_rate: peak of the schedule.
        weight_decay: AdamW's, on weights of two or more dimensions.
        warmup: share of all steps with a linear rise; cosine to zero follows.
        label_smoothing: share of the target spread over all classes.
        ema_decay: decay per step of the averaged weights, lower during the first steps.
        crop_padding: pixels of zeros around the image before a random crop of its size.
        flip: mirror half of the images.
        mixup: alpha of mixup's Beta distribution; 0 is off.
        cutmix: alpha of cutmix's Beta distribution; 0 is off. With both, half of the batches each.
        erasing: probability that an image loses a rectangle.
        amp: bfloat16 autocast.
    """

    epochs: int
    batch_size: int = 100
    learning_rate: float = 1e-2
    weight_decay: float = 0.05
    warmup: float = 0.15
    label_smoothing: float = 0.1
    ema_decay: float = 0.95
    crop_padding: int = 0
    flip: bool = True
    mixup: float = 0.0
    cutmix: float = 0.0
    erasing: float = 0.0
    amp: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise UserError(f"{name} must be an integer of at least 1, got {value!r}")
        if not 0 < self.learning_rate < float("inf"):
            raise UserError(f"learning_rate must be above 0, got {self.learning_rate!r}")

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


# A minute on two cores: little data, few epochs, so little regularisation.
SHORT = Recipe(epochs=8)
# Common settings for small colour images, from about ten thousand examples on.
LONG = Recipe(
    epochs=30,
    batch_size=128,
    learning_rate=4e-3,
    warmup=0.05,
    ema_decay=0.999,
    crop_padding=4,
    mixup=0.2,
    cutmix=1.0,
    erasing=0.1,
)


def check_batch_size(batch_size: int | None, images: int) -> None:
    """Refuse a batch size that a user asks for, and that the training images do not fill.

    Raises:
        UserError: there are fewer images.
    """
    if batch_size is not None and batch_size > images:
        raise UserError(f"batch size {batch_size:,}: the data set has {images:,} training images")


_BY_DATASET = {"fashion-mnist-mini": SHORT, "fashion-mnist": SHORT}


def recipe_for(dataset: str, **changes: Any) -> Recipe:
    """The default recipe of a data set by name, with those fields changed that are not None."""
    changes = {field: value for field, value in changes.items() if value is not None}
    return replace(_BY_DATASET.get(dataset, LONG), **changes)
