"""Errors that a user can cause; bench.py prints them as one line and exits with code 2."""


class UserError(Exception):
    """A mistake in the command line, the data or the set-up; the message is one line."""


class DataError(UserError):
    """A data set that is missing, broken or inconsistent; the message names the file or folder."""


_LONGEST_WORD, _LONGEST_MESSAGE = 120, 800


def brief(message: str) -> str:
    """A message on one line, long words and long messages shortened in the middle.

    What a user typed or a file holds may be of any length, and is repeated in messages.
    """
    words = (_shorten(word, _LONGEST_WORD) for word in message.split())
    return _shorten(" ".join(words), _LONGEST_MESSAGE)


def _shorten(text: str, longest: int) -> str:
    half = (longest - 3) // 2
    return text if len(text) <= longest else f"{text[:half]}...{text[-half:]}"


def first_line(error: BaseException) -> str:
    """The first line of an error's message, in UTF-8; its class if it has no message."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return line.encode("utf-8", "backslashreplace").decode()


def named_line(error: BaseException) -> str:
    """The class of an error and the first line of its message."""
    name, line = type(error).__name__, first_line(error)
    return name if line == name else f"{name}: {line}"
