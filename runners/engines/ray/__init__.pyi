from .engine import run as run
from .options import RayOptions as RayOptions
