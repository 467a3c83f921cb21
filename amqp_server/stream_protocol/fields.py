"""The fields of a frame's body: taken off with every length checked, and written.

    string   i16 length, -1 is null, UTF-8        array   i32 count, items
    octets   i32 length, -1 is null               map     array of two strings

All numbers are big-endian.

Source: RabbitMQ, stream protocol, Types.
"""

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeVar

from amqp_server.broker.steps import Steps, finish
from amqp_server.stream_protocol.errors import MalformedFrameError

T = TypeVar("T")

U8: Final = struct.Struct(">B")
U16: Final = struct.Struct(">H")
U32: Final = struct.Struct(">I")
U64: Final = struct.Struct(">Q")
I16: Final = struct.Struct(">h")
I32: Final = struct.Struct(">i")
I64: Final = struct.Struct(">q")

ITEMS_MAX: Final = 4_096
"""Most items of an array; a map has no more."""

_STRING_BYTES_MIN: Final = 2
_STEP_ITEMS: Final = 256


class Fields:
    """Takes fields off the front of a body.

    Each method raises ``MalformedFrameError`` where the body does not have the field.
    """

    __slots__ = ("_at", "_octets")

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._at = 0

    def u8(self) -> int:
        """Take a number of one octet."""
        return self._number(U8)

    def u16(self) -> int:
        """Take a number of two octets."""
        return self._number(U16)

    def u32(self) -> int:
        """Take a number of four octets."""
        return self._number(U32)

    def u64(self) -> int:
        """Take a number of eight octets."""
        return self._number(U64)

    def i64(self) -> int:
        """Take a signed number of eight octets."""
        return self._number(I64)

    def optional_string(self) -> str | None:
        """Take a string that may be null."""
        size_bytes = self._number(I16)
        return None if size_bytes < 0 else self._text(size_bytes)

    def string(self) -> str:
        """Take a string; null is the empty one."""
        return self.optional_string() or ""

    def optional_octets(self) -> bytes | None:
        """Take octets that may be null."""
        size_bytes = self._number(I32)
        return None if size_bytes < 0 else self._take(size_bytes)

    def map(self) -> dict[str, str]:
        """Take a map as ``map_in_steps`` does, of a frame that is known to be short."""
        return finish(self.map_in_steps())

    def array_in_steps(
        self, item: Callable[[], T], item_bytes_min: int, items_max: int | None = ITEMS_MAX
    ) -> Steps[list[T]]:
        """Take an array; a client may send so many items that they take longer than a piece may.

        Args:
            item: takes one item.
            item_bytes_min: of each item, so that the count is checked before it is used.
            items_max: what no client needs more of; None is as many as the frame has.
        """
        count = self._count(item_bytes_min)
        if items_max is not None and count > items_max:
            raise MalformedFrameError(f"expected at most {items_max} items, got {count}")
        taken: list[T] = []
        for _ in range(count):
            taken.append(item())
            if not len(taken) % _STEP_ITEMS:
                yield
        return taken

    def map_in_steps(self) -> Steps[dict[str, str]]:
        """Take a map of strings; of two entries with one key the last counts."""
        pair_bytes_min = 2 * _STRING_BYTES_MIN
        return dict((yield from self.array_in_steps(self._pair, pair_bytes_min)))

    def strings_in_steps(self) -> Steps[list[str]]:
        """Take an array of strings, however long it is."""
        return (yield from self.array_in_steps(self.string, _STRING_BYTES_MIN, items_max=None))

    def _pair(self) -> tuple[str, str]:
        return self.string(), self.string()

    @property
    def is_at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._octets)

    def end(self) -> None:
        """Check that nothing is left."""
        if not self.is_at_end:
            raise MalformedFrameError(f"{len(self._octets) - self._at} octets too many")

    def _count(self, item_bytes_min: int) -> int:
        count = max(self._number(I32), 0)
        if count * item_bytes_min > len(self._octets) - self._at:
            raise MalformedFrameError(f"expected {count} items, got fewer octets than they take")
        return count

    def _number(self, form: struct.Struct) -> int:
        end = self._at + form.size
        if end > len(self._octets):
            raise MalformedFrameError(f"expected {form.size} octets, got the end of the frame")
        (value,) = form.unpack_from(self._octets, self._at)
        self._at = end
        number: int = value
        return number

    def _take(self, size_bytes: int) -> bytes:
        start, end = self._at, self._at + size_bytes
        if end > len(self._octets):
            raise MalformedFrameError(f"expected {size_bytes} octets, got the end of the frame")
        self._at = end
        return self._octets[start:end]

    def _text(self, size_bytes: int) -> str:
        return self._take(size_bytes).decode("utf-8", "surrogateescape")


def string(text: str) -> bytes:
    """Return a string as it is written; one that is too long is cut off."""
    octets = text.encode("utf-8", "surrogateescape")[:0x7FFF]
    return I16.pack(len(octets)) + octets


def strings(texts: Iterable[str]) -> bytes:
    """Return an array of strings as it is written."""
    items = [string(text) for text in texts]
    return I32.pack(len(items)) + b"".join(items)


def string_map(entries: Mapping[str, str]) -> bytes:
    """Return a map as it is written."""
    items = [string(key) + string(value) for key, value in entries.items()]
    return I32.pack(len(items)) + b"".join(items)
