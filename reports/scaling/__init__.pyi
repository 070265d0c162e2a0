from .report import growth_table as growth_table
from .report import scaling_notes as scaling_notes
from .report import write_scaling as write_scaling
