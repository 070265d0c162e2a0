"""Window attention whose windows lie across the borders of the plain ones."""

from attention_zoo.registry import register
from attention_zoo.window import WindowAttention


@register(
    "shifted_window",
    about="softmax within shifted windows",
    paper="arXiv 2103.14030",
    complexity="4NC^2 + 2N'w^2C, N' = N padded to windows",
    differs="",
)
class ShiftedWindowAttention(WindowAttention):
    """Softmax attention within w x w windows, the map rolled by w // 2 (Swin, eq. 3, figure 4).

    Pixels that only the roll brings into one window do not meet. A side that one window holds is
    not rolled. Everything else is as in `window`; Swin lets the two take turns.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, window: int = 7) -> None:
        super().__init__(dim, num_heads, window=window)

    def _shift(self, side: int) -> int:
        return self.window // 2 if side > self.window else 0
