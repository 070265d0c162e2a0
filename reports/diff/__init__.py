"""The diff of two runs: what changed arm by arm, and which changes are regressions."""
