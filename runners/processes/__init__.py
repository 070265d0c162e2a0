"""Run functions in fresh processes, with time limits and errors of one line."""

from runners.processes.isolated import ProcessDied as ProcessDied
from runners.processes.isolated import ProcessFailed as ProcessFailed
from runners.processes.isolated import ProcessTimeout as ProcessTimeout
from runners.processes.isolated import process_context as process_context
from runners.processes.isolated import run_isolated as run_isolated
from runners.processes.isolated import run_parallel as run_parallel
from runners.processes.isolated import spawn as spawn
