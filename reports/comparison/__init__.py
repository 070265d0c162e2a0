"""The comparison of arms: one row per architecture, notes, tables and the Pareto figure."""
