"""What every interval of this package takes and gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Samples: TypeAlias = Sequence[float] | Array
Interval: TypeAlias = tuple[float, float]
"""Low and high end."""
Estimate: TypeAlias = tuple[float, float, float]
"""An estimate, the low and the high end of its interval."""
