"""Numbers that the authors of other models report; never measured here."""
