"""Parts of every report: columns, grids, LaTeX, CSV records, differing conditions."""
