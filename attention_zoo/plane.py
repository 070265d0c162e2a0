"""Attention along the rows or the columns of a map."""

from typing import Any

from torch import Tensor, nn

from attention_zoo.layers.windowed import attend_in_windows, channels_last, windowed_macs
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_choice

AXES = ("row", "col", "both")


@register(
    "plane",
    about="attention along rows and columns",
    paper="arXiv 2403.11026",
    complexity="N(4C^2 + 2WC), H for W along columns",
    reconstructed=True,
)
class PlaneAttention(Mixer):
    """Softmax attention among the pixels of one row, or of one column, of the map (EfficientMorph).

    Reconstructed from the abstract of arXiv 2403.11026; the paper attends within planes of volumes,
    of which a row or a column is the analogue in two dimensions.

    Args:
        dim: channels C.
        num_heads: heads h.
        axis: "row", "col", or "both": the mean of the two, from the same queries, keys and values.
            None is "row", and in a network "row" and "col" from block to block in turn.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, axis: str | None = None) -> None:
        super().__init__(dim, num_heads)
        self.axis = "row" if axis is None else axis
        check_choice("axis", self.axis, AXES)
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)

    @classmethod
    def options_of_block(cls, options: dict[str, Any], block: int) -> dict[str, Any]:
        """Rows and columns in turn, from block to block, unless an axis is set."""
        return {"axis": ("row", "col")[block % 2], **options}

    def forward(self, x: Tensor) -> Tensor:
        qkv = self.query_key_value(channels_last(x))
        lines = self._lines(*x.shape[-2:])
        mixed = [attend_in_windows(qkv, self.num_heads, line) for line in lines]
        return self.project(mixed[0] if len(mixed) == 1 else (mixed[0] + mixed[1]) / 2)

    def _lines(self, height: int, width: int) -> list[tuple[int, int]]:
        """Rows and columns of each kind of line that is attended to."""
        row, column = (1, width), (height, 1)
        return {"row": [row], "col": [column], "both": [row, column]}[self.axis]

    def macs(self, height: int, width: int) -> int:
        lines = self._lines(height, width)
        attention = sum(windowed_macs(self.dim, height, width, line) for line in lines)
        return 4 * height * width * self.dim**2 + attention
