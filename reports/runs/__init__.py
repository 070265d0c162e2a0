"""Reports of stored runs of any kind, one or several: tables, figures and one page."""
