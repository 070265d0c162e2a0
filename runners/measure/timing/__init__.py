"""Timing in interleaved rounds: latency, the batch ladder, and whole sessions."""
