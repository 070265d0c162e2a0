from .errors import DataError as DataError
from .errors import UserError as UserError
from .record import Costs as Costs
from .record import Provenance as Provenance
from .record import Quality as Quality
from .record import Record as Record
from .record import State as State
from .unavailable import Unavailable as Unavailable
