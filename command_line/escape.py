r"""Text of others on a terminal: what could drive it is written as an escape.

A queue may be called ``\x1b[2J``. Printed as it is, it would clear the screen of whoever lists it.
"""

import re
from typing import Final

_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters, what changes the direction or is not seen, and octets that are no UTF-8."""

_NAMED: Final = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}


def escaped(text: str) -> str:
    r"""Return a text in one line, with ``\x1b`` for the control character and so on."""
    return _UNSAFE.sub(_written, text)


def escaped_lines(text: str) -> str:
    """Return a text whose ends of lines and tabs are kept."""
    return "\n".join("\t".join(map(escaped, line.split("\t"))) for line in text.split("\n"))


def escaped_in_json(text: str) -> str:
    r"""Return JSON with ``\u001b`` for what could drive a terminal: the values stay the same."""
    return _UNSAFE.sub(_written_in_json, text)


def _written(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 -- an octet that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    named = _NAMED.get(character)
    if named is not None:
        return named
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004


def _written_in_json(match: re.Match[str]) -> str:
    character = match.group()
    # Between values JSON has ends of lines only; inside a text they are escaped already.
    return character if character == "\n" else f"\\u{ord(character):04x}"
