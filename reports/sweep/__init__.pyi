from .csv_files import read_front as read_front
from .publication import Publication as Publication
from .publication import publish as publish
from .publication import sweep_terminal as sweep_terminal
from .summary import SweepFront as SweepFront
from .summary import SweepSummary as SweepSummary
from .summary import summarise_sweep as summarise_sweep
