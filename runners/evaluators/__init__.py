"""Evaluators: how an architecture is measured and trained, or looked up in a table."""
