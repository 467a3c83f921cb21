"""JSON of requests and answers.

Texts may hold octets that are no UTF-8 (surrogate escapes, as in all names of the broker). RabbitMQ
sends those as Latin-1 would be read; so do we: an octet becomes the character of its number.
"""

import json
from typing import Any, Final

import orjson

_OPTIONS: Final = orjson.OPT_NON_STR_KEYS


class NotJsonError(ValueError):
    """The text is not JSON."""


def dumped(value: object) -> bytes:
    """Return a value as JSON: NaN and infinities are null."""
    try:
        # It takes half as long where all names of fields are text, as nearly all are.
        return orjson.dumps(value, default=_plain)
    except TypeError:
        pass
    try:
        return orjson.dumps(value, default=_plain, option=_OPTIONS)
    except TypeError:
        # Text that is no UTF-8, or an integer of more than 64 bits.
        return json.dumps(_readable(value), separators=(",", ":"), ensure_ascii=False).encode()


def loaded(text: bytes) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return the value of a JSON text.

    Raises:
        NotJsonError: it is none, or is nested too deeply.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotJsonError(str(error)) from error


def _plain(value: object) -> object:
    """Return something that JSON has, for what it has not."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "surrogateescape")
    if isinstance(value, set | frozenset):
        return sorted(value)
    return str(value)


def _readable(value: object) -> object:
    if isinstance(value, str):
        return readable(value)
    if isinstance(value, dict):
        return {readable(str(key)): _readable(held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_readable(held) for held in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        is_finite = value - value == 0
        return value if is_finite else None
    return _readable(_plain(value))


def readable(text: str) -> str:
    """Return a text without surrogates: octets that are no UTF-8 as characters of Latin-1."""
    return "".join(
        [
            character
            if not "\ud800" <= character <= "\udfff"
            else chr(ord(character) - 0xDC00)
            if "\udc80" <= character <= "\udcff"
            else "\ufffd"
            for character in text
        ]
    )
