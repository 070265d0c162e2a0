"""The Ray engine: tasks on the nodes of a cluster, or on this machine through a local Ray.

Ray only executes: the task queue, and with it the study, stays in the calling process and thread.
The state that Tune keeps of its trials is not used: an interrupted sweep resumes from its study.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
