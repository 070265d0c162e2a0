from .report import scaling_grid as scaling_grid
from .report import write_scaling as write_scaling
