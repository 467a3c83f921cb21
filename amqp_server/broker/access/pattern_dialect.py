r"""Respells patterns of RabbitMQ's users so that PCRE2 gives them the same meaning.

RabbitMQ hands patterns to Erlang's ``re``: PCRE 8.44 over single octets, with the character types
of ISO-8859-1. Our binding is PCRE2 over code points, with Unicode's types and with JavaScript's
``\x`` and ``\u``. An octet becomes the code point of its number, and these constructs are
respelled:

- ``\w``, ``\s``, ``\b`` and POSIX classes, as sets of octets: Unicode's are other ones;
- ``\x{e9}`` and ``\x9``, which to JavaScript are an ``x`` and something behind it;
- ``{,3}`` and ``{ 3 }``, which are no quantifiers to PCRE 8;
- ``\j`` and other letters without a meaning, which PCRE2 refuses.

A construct that cannot be respelled is refused by name. No construct gets another meaning.

Source: pcrepattern(3) of 8.44, pcre2pattern(3) of 10.47; the types of octets asked of Erlang.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

_LETTERS: Final = r"A-Za-z\xaa\xb5\xba\xc0-\xd6\xd8-\xf6\xf8-\xff"
_WORD: Final = _LETTERS + "0-9_"
_NO_WORD: Final = r"\x00-\x2f\x3a-\x40\x5b-\x5e\x60\x7b-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7"
_SPACE: Final = r"\x09-\x0d\x20"
_NO_SPACE: Final = r"\x00-\x08\x0e-\x1f\x21-\xff"
_PUNCTUATION: Final = r"!-/\x3a-\x40\x5b-\x60{-~\xa0-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7"
_NO_PUNCTUATION: Final = _LETTERS + r"0-9\x00-\x20\x7f-\x9f"

_TYPES: Final[Mapping[str, str]] = {"w": _WORD, "W": _NO_WORD, "s": _SPACE, "S": _NO_SPACE}
_BOUNDARIES: Final[Mapping[str, str]] = {
    "b": f"(?:(?<=[{_WORD}])(?![{_WORD}])|(?<![{_WORD}])(?=[{_WORD}]))",
    "B": f"(?:(?<=[{_WORD}])(?=[{_WORD}])|(?<![{_WORD}])(?![{_WORD}]))",
}
_POSIX: Final[Mapping[str, tuple[str, str]]] = {
    "alnum": (_LETTERS + "0-9", _NO_WORD + "_"),
    "ascii": (r"\x00-\xff", r"\o{400}"),  # every octet; a code point that none becomes
    "blank": (r"\x09\x20", r"\x00-\x08\x0a-\x1f\x21-\xff"),
    "graph": (r"\x21-\x7e\xa0-\xff", r"\x00-\x20\x7f-\x9f"),
    "lower": (r"a-z\xaa\xb5\xba\xdf-\xf6\xf8-\xff", r"\x00-`{-\xa9\xab-\xb4\xb6-\xb9\xbb-\xde\xf7"),
    "punct": (_PUNCTUATION, _NO_PUNCTUATION),
    "space": (_SPACE, _NO_SPACE),
    "word": (_WORD, _NO_WORD),
}
"""Classes that differ in Unicode: the octets that are in them, and all others."""

_SETS: Final = frozenset("dDhHvVwWsSpP")
_UNKNOWN: Final = frozenset("uUxlL")
_OCTET_MAX: Final = 0xFF
_WITHOUT_MEANING: Final = frozenset("FIJMOTYijmqy")
_QUOTED: Final = re.compile(r"\\Q(.*?)(?:\\E|\Z)", re.DOTALL)
_HEX: Final = re.compile(r"\\x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{1,2}|(?!\{)))")
_BRACED: Final = re.compile(r"\\[gkopPN]\{[^}]*\}|\\c.", re.DOTALL)
_QUANTIFIER: Final = re.compile(r"\{[0-9]+(?:,[0-9]*)?\}")
_POSIX_CLASS: Final = re.compile(r"\[:(\^?)([a-z]+):\]")
_CLASS_START: Final = re.compile(r"\[\^?\]?")
_COMMENT: Final = re.compile(r"\(\?#[^)]*\)")
_UTF: Final = re.compile(r"(?:\(\*[A-Z_]+(?:=[0-9]+)?\))*?\(\*(?:UTF\d*|UCP)\)")
_FLAGS: Final = re.compile(r"\(\?\^?[a-zA-Z]*(-?)[a-zA-Z]*[:)]")


class DialectError(ValueError):
    """A pattern that cannot be respelled.

    Attributes:
        reason: why.
        position: of the octet where it stands.
    """

    def __init__(self, reason: str, position: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


class Respelled(NamedTuple):
    """A pattern for our PCRE2, and the origin of each of its parts.

    Attributes:
        text: the pattern.
        starts: indexes of the parts of ``text``.
        positions: where the parts stand in the pattern as it was given; one more is its length.
    """

    text: str
    starts: list[int]
    positions: list[int]

    def position_of(self, index: int) -> int:
        """Return the place in the given pattern that an index of ``text`` comes from."""
        return self.positions[max(bisect_right(self.starts, index) - 1, 0)]


def respell(pattern: str) -> Respelled:
    """Return a pattern with the meaning in PCRE2 that this one has in RabbitMQ.

    Args:
        pattern: one character for each octet.

    Raises:
        DialectError: there is no such pattern.
    """
    if _UTF.match(pattern):
        raise DialectError("(*UTF) and (*UCP) are not supported", 0)
    parts: list[str] = []
    starts: list[int] = []
    positions: list[int] = []
    size = 0
    for position, part in _parts(pattern):
        parts.append(part)
        starts.append(size)
        positions.append(position)
        size += len(part)
    return Respelled("".join(parts), [*starts, size], [*positions, len(pattern)])


def _parts(pattern: str) -> Iterator[tuple[int, str]]:
    """Yield the pieces of a pattern, respelled, each with its position."""
    position, in_class = 0, False
    while position < len(pattern):
        end, part = (_in_class if in_class else _outside)(pattern, position)
        if in_class:
            in_class = part != "]"
        elif part[0] == "[" and pattern[position] == "[":
            in_class = True
        yield position, part
        position = end


def _outside(pattern: str, position: int) -> tuple[int, str]:
    character = pattern[position]
    if character == "\\":
        return _escaped(pattern, position, in_class=False)
    if character == "{":
        found = _QUANTIFIER.match(pattern, position)
        return (found.end(), found[0]) if found else (position + 1, r"\{")
    if character == "[":
        if _POSIX_CLASS.match(pattern, position):
            raise DialectError("POSIX named classes are supported only within a class", position)
        found = _CLASS_START.match(pattern, position)
        assert found is not None, "it begins with a bracket"
        return found.end(), found[0]
    if character == "(":
        return _opened(pattern, position)
    return position + 1, character


def _opened(pattern: str, position: int) -> tuple[int, str]:
    if (comment := _COMMENT.match(pattern, position)) is not None:
        return comment.end(), comment[0]
    flags = _FLAGS.match(pattern, position)
    # A comment to the end of a line would have to be found before anything else is.
    if flags is not None and "x" in flags[0].partition("-")[0] and "#" in pattern:
        raise DialectError("comments with # are not supported", position)
    return position + 1, "("


def _in_class(pattern: str, position: int) -> tuple[int, str]:
    character = pattern[position]
    end, part = position + 1, character
    if character == "\\":
        end, part = _escaped(pattern, position, in_class=True)
    elif (found := _POSIX_CLASS.match(pattern, position)) is not None:
        end, part = found.end(), _posix(found)
    elif character == "-" and _is_set(pattern, end):
        return end, r"\-"
    if _is_set(pattern, position) and pattern.startswith("-", end):
        # Behind a set of characters it is no range that begins.
        return end + 1, part + r"\-"
    return end, part


def _posix(found: re.Match[str]) -> str:
    is_negated, name = found.groups()
    if name not in _POSIX:
        return found[0]
    return _POSIX[name][bool(is_negated)]


def _is_set(pattern: str, position: int) -> bool:
    """Whether what stands here in a class is several characters by one name."""
    if pattern[position : position + 1] == "\\":
        return pattern[position + 1 : position + 2] in _SETS
    return _POSIX_CLASS.match(pattern, position) is not None


def _escaped(pattern: str, position: int, *, in_class: bool) -> tuple[int, str]:
    for kept in (_QUOTED, _BRACED):
        if (found := kept.match(pattern, position)) is not None:
            return found.end(), found[0]
    if (found := _HEX.match(pattern, position)) is not None:
        return found.end(), _octet(found, position)
    letter = pattern[position + 1 : position + 2]
    end = position + 2
    if letter in _UNKNOWN:
        raise DialectError(f"\\{letter} is not supported here", position)
    if letter in _WITHOUT_MEANING:
        return end, letter
    if letter in _TYPES:
        return end, _TYPES[letter] if in_class else f"[{_TYPES[letter]}]"
    if not in_class and letter in _BOUNDARIES:
        return end, _BOUNDARIES[letter]
    if not in_class and letter == "C":
        return end, "(?s:.)"
    return end, f"\\{letter}"


def _octet(found: re.Match[str], position: int) -> str:
    number = int(found[1] or found[2] or "0", 16)
    if number > _OCTET_MAX:
        raise DialectError("character value in \\x{} is too large", position)
    return f"\\x{number:02x}"
