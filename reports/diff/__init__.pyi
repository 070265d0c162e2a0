from .arm_diff import ArmDiff as ArmDiff
from .diff import diff_runs as diff_runs
from .regression import find_regressions as find_regressions
from .table import diff_grid as diff_grid
