"""What a user can do wrong, as one exception the front door turns into one line and exit code 2."""


class UserError(Exception):
    """A mistake in the command line, the data or the set-up; the message is one line."""


class DataError(UserError):
    """A data set that is missing, broken or inconsistent; the message names the file or folder."""
