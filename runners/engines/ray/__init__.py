"""The parts of the Ray engine. Ray is imported by those who use it alone: it takes its time."""
