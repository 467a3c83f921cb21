"""The regular expressions of permissions and policies: searched in names, octet by octet.

RabbitMQ's patterns are PCRE over the octets of a name; Python's are close enough once compiled
over octets too. What admins write and Python spells otherwise is respelled here: named groups
``(?<name>…)`` and POSIX classes ``[[:alpha:]]``.
"""

import re
import warnings
from typing import Final, TypeAlias

Pattern: TypeAlias = re.Pattern[bytes]

_NAMED_GROUP: Final = re.compile(r"(?<!\\)\(\?<(?![=!])")
_POSIX_CLASSES: Final = {
    "[:alnum:]": "a-zA-Z0-9",
    "[:alpha:]": "a-zA-Z",
    "[:digit:]": "0-9",
    "[:lower:]": "a-z",
    "[:punct:]": r"!-/:-@\[-`{-~",
    "[:space:]": r"\s",
    "[:upper:]": "A-Z",
    "[:word:]": r"\w",
    "[:xdigit:]": "0-9a-fA-F",
}


class PatternError(ValueError):
    """Not a regular expression.

    Attributes:
        reason: what is wrong with it, in words.
        position: index of the character where it goes wrong.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at position {position}")
        self.reason = reason
        self.position = position


def compile_pattern(text: str) -> Pattern:
    """Compile a pattern that ``is_found`` searches in names.

    Raises:
        PatternError: it is not a regular expression.
    """
    respelled = _NAMED_GROUP.sub("(?P<", text)
    for posix_class, members in _POSIX_CLASSES.items():
        respelled = respelled.replace(posix_class, members)
    try:
        with warnings.catch_warnings():
            # PCRE has no opinion on "[[", where Python foresees a set difference of its own.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(respelled.encode("utf-8", "surrogateescape"))
    except (re.error, OverflowError, RecursionError, UnicodeEncodeError) as error:
        position = getattr(error, "pos", None)
        raise PatternError(getattr(error, "msg", str(error)), position or 0) from error


def is_found(pattern: Pattern, name: str) -> bool:
    """Return whether the pattern matches anywhere in the name (RabbitMQ does not anchor)."""
    return pattern.search(name.encode("utf-8", "surrogateescape")) is not None


def quote(text: str) -> str:
    """Return a pattern that matches exactly this text: for values put into a pattern."""
    return re.escape(text)
