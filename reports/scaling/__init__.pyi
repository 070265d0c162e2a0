from .report import MixerGrowth as MixerGrowth
from .report import growth_table as growth_table
from .report import growths as growths
from .report import scaling_notes as scaling_notes
from .report import write_scaling as write_scaling
