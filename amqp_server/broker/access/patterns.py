"""The regular expressions of permissions and policies: PCRE, searched in names octet by octet.

A search takes at most ``STEPS_MAX`` steps, whatever pattern and name, which is mostly half a
millisecond. A search that needs more finds nothing, as in Erlang, whose limit is 500 times as high.
The answers for the most recent names are kept.

Source: RabbitMQ, access control and policies; Erlang, re:run/3; ADR 22.
"""

import logging
import re
from functools import lru_cache
from typing import Final

import pcre2

from amqp_server.broker.access.pattern_dialect import DialectError, respell

log = logging.getLogger(__name__)

STEPS_MAX: Final = 20_000
HEAP_MAX_KIB: Final = 1024
_COMPILED_MAX: Final = 256
_FOUND_MAX: Final = 4096
_IN_ALL: Final = frozenset({"", ".*", "^", "^.*", ".*$"})
"""The pattern of nearly every user and many policies."""

# The lower one holds, where a pattern has a limit of its own.
_PREFIX: Final = "(*LIMIT_MATCH={steps_max})(*LIMIT_HEAP={heap_max_kib})(*LF)"


class PatternError(ValueError):
    """Not a regular expression.

    Attributes:
        reason: what is wrong with it, in words.
        position: index of the octet where it goes wrong.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(f"{reason} at position {position}")
        self.reason = reason
        self.position = position


class Pattern:
    """A compiled pattern; equal only to itself, so that it is a key of the kept answers.

    Attributes:
        text: the pattern.
        is_in_all: every name matches, so it needs no search.
    """

    __slots__ = ("_compiled", "is_in_all", "text")

    def __init__(self, text: str, steps_max: int = STEPS_MAX) -> None:
        """Compile a pattern.

        Args:
            text: the pattern.
            steps_max: of one search.

        Raises:
            PatternError: it is not a regular expression.
        """
        self.text = text
        self.is_in_all = text in _IN_ALL
        self._compiled = _compiled(text, steps_max)

    def search(self, name: str) -> bool:
        """Return whether the pattern matches anywhere in the name."""
        try:
            return self._compiled.search(_octets(name)) is not None
        except pcre2.LibraryError as error:
            log.warning("pattern %.100r is not found in %.300r: %s", self.text, name, error.msg)
            return False

    def is_in(self, octets: bytes) -> bool | None:
        """Return whether the pattern matches anywhere in octets; None took too many steps."""
        try:
            return self._compiled.search(octets.decode("latin-1")) is not None
        except pcre2.LibraryError:
            return None


@lru_cache(_COMPILED_MAX)
def compile_pattern(text: str) -> Pattern:
    """Compile a pattern that ``is_found`` searches in names.

    Raises:
        PatternError: it is not a regular expression.
    """
    return Pattern(text)


def is_found(pattern: Pattern, name: str) -> bool:
    """Return whether the pattern matches anywhere in the name (RabbitMQ does not anchor)."""
    return pattern.is_in_all or was_found(pattern, name)


@lru_cache(_FOUND_MAX)
def was_found(pattern: Pattern, name: str) -> bool:
    """Return the answer of a search, or the kept answer."""
    return pattern.search(name)


def quote(text: str) -> str:
    """Return a pattern that matches exactly this text, for values put into a pattern."""
    return re.escape(text)


def _octets(text: str) -> str:
    """Return a text with a character for each octet of its UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "surrogateescape").decode("latin-1")


def _compiled(text: str, steps_max: int) -> "pcre2.Pattern":
    prefix = _PREFIX.format(steps_max=steps_max, heap_max_kib=HEAP_MAX_KIB)
    try:
        respelled = respell(_octets(text))
    except UnicodeEncodeError as error:
        raise PatternError("not a text", error.start) from error
    except DialectError as error:
        raise PatternError(error.reason, error.position) from error
    try:
        return pcre2.compile(prefix + respelled.text, jit=False)
    except pcre2.PatternError as error:
        reason = error.msg.partition("; ")[2]
        position = respelled.position_of(error.pos - len(prefix))
        raise PatternError(reason, position) from error
