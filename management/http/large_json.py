"""JSON texts that take long to read: member by member and item by item, in slices of the loop.

A parser in C holds the loop for as long as it reads: 20 MB of brackets are 1.5 s. So a large text
is read in pieces of bounded size. The text must be an object. Strings in it may be long, as they
are read fast. Definitions may have long lists, too.
"""

import json
import re
from collections.abc import Mapping
from json.decoder import scanstring  # type: ignore[attr-defined] # it has no types
from typing import Any, Final

import orjson

from management.http.json_text import NotJsonError
from management.slices import Slices

AT_ONCE_BYTES: Final = 64 * 1024
"""A text of this size takes 5 ms at worst."""

PIECE_CHARACTERS_MAX: Final = 256 * 1024
"""Longest member, or item of a long list, that is no string: what is read in 20 ms at worst."""

PIECES_CHARACTERS_MAX: Final = 1024 * 1024
"""All of them together, where lists are not long."""

MEMBERS_MAX: Final = 1_000
ITEMS_MAX: Final = 2_000_000
"""Of all lists: they take 100 B at least."""

_LOOK_CHARACTERS: Final = 4 * 1024
_GROWTH: Final = 4
_DROPPED_AT_ONCE: Final = 500
_BLANK: Final = re.compile(r"[ \t\r\n]*")


COMMAS_AT_ONCE_MAX: Final = 20_000
"""There are few more values than commas: the parser bounds the depth of a text."""


def is_read_at_once(text: bytes) -> bool:
    """Return whether a text has so few values that to read them takes no longer than to copy it."""
    return len(text) <= AT_ONCE_BYTES or text.count(b",") <= COMMAS_AT_ONCE_MAX


def _no_constant(name: str) -> float:
    raise ValueError(name)


_DECODER: Final = json.JSONDecoder(parse_constant=_no_constant)


async def loaded_in_slices(
    text: bytes, slices: Slices, *, has_long_lists: bool = False
) -> dict[str, Any]:
    """Return the object of a large JSON text.

    Args:
        text: of the object.
        slices: of the loop.
        has_long_lists: its members may be lists without a bound; the caller ends with ``dropped``.

    Raises:
        NotJsonError: it is none, or has more in one place than can be read at once.
    """
    try:
        reader = _Reader(text.decode(), slices, has_long_lists=has_long_lists)
    except UnicodeDecodeError as error:
        raise NotJsonError(str(error)) from error
    found: dict[str, Any] = {}
    try:
        await reader.read_into(found)
    except NotJsonError:
        await dropped(found, slices)
        raise
    return found


async def dropped(document: Mapping[str, Any], slices: Slices) -> None:
    """Empty the lists of a document in slices: to free millions of values takes long too."""
    for value in document.values():
        if isinstance(value, list):
            while value:
                del value[-_DROPPED_AT_ONCE:]
                if slices.is_spent():
                    await slices.pause()


class _Reader:
    """Reads one text."""

    def __init__(self, text: str, slices: Slices, *, has_long_lists: bool) -> None:
        self._text = text
        self._has_long_lists = has_long_lists
        self._characters_left = PIECES_CHARACTERS_MAX
        self._slices = slices
        self._place = 0
        self._items_left = ITEMS_MAX

    async def read_into(self, found: dict[str, Any]) -> None:
        """Read the whole text, which is one object."""
        await self._slices.pause()
        self._take("{")
        while not self._takes("}"):
            if found:
                self._take(",")
            self._expect('"')
            key = self._string()
            self._take(":")
            if self._has_long_lists and self._takes("["):
                items: list[Any] = []
                found[key] = items
                await self._read_items(items)
            else:
                found[key] = await self._value()
            if len(found) > MEMBERS_MAX:
                raise NotJsonError(f"more than {MEMBERS_MAX} members")
        if self._next():
            raise NotJsonError("something follows the object")

    async def _read_items(self, items: list[Any]) -> None:
        while not self._takes("]"):
            if items:
                self._take(",")
            items.append(await self._value())
            self._items_left -= 1
            if self._items_left < 0:
                raise NotJsonError(f"more than {ITEMS_MAX} items")

    async def _value(self) -> object:
        if self._slices.is_spent():
            await self._slices.pause()
        if self._next() == '"':
            return self._string()
        size = _LOOK_CHARACTERS
        while size <= PIECE_CHARACTERS_MAX:
            piece = self._text[self._place : self._place + size]
            is_rest = self._place + size >= len(self._text)
            try:
                value, end = _DECODER.raw_decode(piece)
            except (ValueError, RecursionError) as error:
                if is_rest or isinstance(error, RecursionError):
                    raise NotJsonError(str(error)) from None
            else:
                # A number at the end may have lost its last digits.
                if end < len(piece) or is_rest:
                    self._place += end
                    self._note_size(end)
                    return _checked(value, piece[:end])
            size *= _GROWTH
            await self._slices.pause()
        raise NotJsonError("more in one place than can be read at once")

    def _note_size(self, characters_count: int) -> None:
        self._characters_left -= characters_count
        if self._characters_left < 0 and not self._has_long_lists:
            raise NotJsonError(f"more than {PIECES_CHARACTERS_MAX} characters beside strings")

    def _string(self) -> str:
        try:
            value, self._place = scanstring(self._text, self._place + 1, True)  # noqa: FBT003
            value.encode()
        except ValueError as error:
            raise NotJsonError(str(error)) from error
        return str(value)

    def _next(self) -> str:
        blank = _BLANK.match(self._text, self._place)
        assert blank is not None, "it matches nothing too"
        self._place = blank.end()
        return self._text[self._place : self._place + 1]

    def _takes(self, character: str) -> bool:
        if self._next() != character:
            return False
        self._place += 1
        return True

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise NotJsonError(f"expected {character} at {self._place}")

    def _take(self, character: str) -> None:
        self._expect(character)
        self._place += 1


def _checked(value: object, text: str) -> object:
    """Return a value; halves of surrogate pairs, which only the lax parser takes, are refused."""
    if "\\u" not in text:
        return value
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NotJsonError(str(error)) from error
