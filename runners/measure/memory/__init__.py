"""Memory: limits, peaks of inference and training, and probes of a first pass."""
