from .limit import DoesNotFit as DoesNotFit
from .limit import free_memory as free_memory
from .limit import run_within_memory as run_within_memory
from .peak import inference_peak as inference_peak
from .peak import training_peak as training_peak
from .probe import ProbeResult as ProbeResult
from .probe import probe_target as probe_target
