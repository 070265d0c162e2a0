from .costs import measure_costs as measure_costs
from .inspection import Inspection as Inspection
from .inspection import inspect_variants as inspect_variants
from .protocol import MeasurementProtocol as MeasurementProtocol
from .quick_costs import QuickCosts as QuickCosts
from .quick_costs import count_costs as count_costs
from .quick_costs import measure_trial as measure_trial
