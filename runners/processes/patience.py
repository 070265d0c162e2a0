"""How long an evaluation may make no progress; light, for the command line."""

DEFAULT_PATIENCE_S = 3600.0


def no_progress(patience_s: float) -> str:
    """Why an evaluation was ended that sent nothing for so long."""
    return f"made no progress for {patience_s:g} s (--patience)"
