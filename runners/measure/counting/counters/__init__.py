"""The counters that others use, each read through its own bookkeeping; `explain` compares them.

One file a tool: `tally(network, image, ours)` runs it as its users do and says what it counted.
"""
