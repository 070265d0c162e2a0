from .arm import Arm as Arm
from .files import write_comparison as write_comparison
from .summary import Summary as Summary
from .summary import merge_runs as merge_runs
from .summary import summarise as summarise
from .table import comparison_grid as comparison_grid
from .table import to_csv as to_csv
from .table import to_latex as to_latex
