"""Errors that a user can cause; bench.py prints them as one line and exits with code 2."""


class UserError(Exception):
    """A mistake in the command line, the data or the set-up; the message is one line."""


class DataError(UserError):
    """A data set that is missing, broken or inconsistent; the message names the file or folder."""


def first_line(error: BaseException) -> str:
    """The first line of an error's message, in UTF-8; its class if it has no message."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.encode("utf-8", "backslashreplace").decode()


def named_line(error: BaseException) -> str:
    """The class of an error and the first line of its message."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"
