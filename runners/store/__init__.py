"""Where results are kept: run folders, and studies on Optuna's storages (SQLite or PostgreSQL).

Naming a run folder needs neither Optuna nor SQLAlchemy: they are imported on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
