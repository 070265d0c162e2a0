"""The subcommands of bench.py, each with its parser; heavy imports wait for its `run`."""
