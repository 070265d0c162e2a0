"""The front of a sweep: tables, figure, files, and what is new since the last publication."""
