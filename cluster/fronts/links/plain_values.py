"""Arguments of a consumer as octets: a table of plain values, bounded in size and depth.

    table   count u16 | key, value, ...       in a frame without the letter
    key     bytes u16 | text
    value   'n' | 't' | 'f'                   None, True, False
            'i' i64 | 'd' double
            's' bytes u32 | text              'b' bytes u32 | octets
            'o' form u8 | value i64           where in a stream to begin
            'l' count u16 | value, ...        'm' table

Texts are UTF-8; octets of a client that are none stay what they were (surrogateescape).
"""

from collections.abc import Mapping
from struct import Struct
from struct import error as StructError  # noqa: N812 -- it is a class
from typing import Any, Final

from cluster.links.errors import LinkError
from queues.offset_spec import OffsetKind, OffsetSpec

VALUES_BYTES_MAX: Final = 256 * 1024
"""More than a client can say in one frame of the usual size."""

DEPTH_MAX: Final = 32
INTEGER_BITS: Final = 63

_COUNT: Final = Struct("<H")
_BYTES: Final = Struct("<I")
_INT: Final = Struct("<q")
_DOUBLE: Final = Struct("<d")
_CONSTANTS: Final = {ord("n"): None, ord("t"): True, ord("f"): False}
_FORMS: Final = {form.value: form for form in OffsetKind}
_COUNT_MAX: Final = 0xFFFF


def encode_table(table: Mapping[str, object]) -> bytes:
    """Return the octets of a table.

    Raises:
        ValueError: a value is not plain, or there is more than a link carries.
    """
    parts: list[bytes] = []
    _encode_table(table, parts, DEPTH_MAX)
    octets = b"".join(parts)
    if len(octets) > VALUES_BYTES_MAX:
        raise ValueError(f"arguments of {len(octets)} octets, {VALUES_BYTES_MAX} are allowed")
    return octets


def decode_table(octets: memoryview) -> dict[str, object]:
    """Return the table that these octets are, and nothing else.

    Raises:
        LinkError: they are none.
    """
    if len(octets) > VALUES_BYTES_MAX:
        raise LinkError(f"arguments of {len(octets)} octets, {VALUES_BYTES_MAX} are allowed")
    reading = _Reading(octets)
    try:
        table = reading.table(DEPTH_MAX)
    except (StructError, IndexError):
        raise LinkError("arguments that end too early") from None
    if reading.at != len(octets):
        raise LinkError(f"{len(octets) - reading.at} octets behind arguments")
    return table


def _encode_table(table: Mapping[str, object], parts: list[bytes], depth: int) -> None:
    parts.append(_count(len(table), depth))
    for key, value in table.items():
        octets = key.encode("utf-8", "surrogateescape")
        parts.append(_count(len(octets), depth) + octets)
        _encode_value(value, parts, depth - 1)


def _encode_value(value: object, parts: list[bytes], depth: int) -> None:
    match value:
        case None | bool():
            parts.append(b"n" if value is None else b"t" if value else b"f")
        case OffsetSpec():
            parts.append(b"o" + bytes((value.kind.value,)) + _INT.pack(value.value))
        case int() if -1 << INTEGER_BITS <= value < 1 << INTEGER_BITS:
            parts.append(b"i" + _INT.pack(value))
        case float():
            parts.append(b"d" + _DOUBLE.pack(value))
        case str():
            octets = value.encode("utf-8", "surrogateescape")
            parts += (b"s" + _BYTES.pack(len(octets)), octets)
        case bytes():
            parts += (b"b" + _BYTES.pack(len(value)), value)
        case list() | tuple():
            parts.append(b"l" + _count(len(value), depth))
            for each in value:
                _encode_value(each, parts, depth - 1)
        case Mapping():
            parts.append(b"m")
            _encode_table(value, parts, depth)
        case _:
            raise ValueError(f"{type(value).__name__} is no plain value of a link")


def _count(count: int, depth: int) -> bytes:
    if count > _COUNT_MAX or depth <= 0:
        raise ValueError("arguments that are too deep, or too many")
    return _COUNT.pack(count)


class _Reading:
    """Octets that are read from their beginning; each value takes one of them at least."""

    def __init__(self, octets: memoryview) -> None:
        self._octets = octets
        self.at = 0

    def table(self, depth: int) -> dict[str, object]:
        if depth <= 0:
            raise LinkError("arguments that are too deep")
        table: dict[str, object] = {}
        count = self._unpack(_COUNT)
        for _ in range(count):
            key = self._text(self._unpack(_COUNT))
            table[key] = self._value(depth - 1)
        if len(table) != count:
            raise LinkError("an argument that is there twice")
        return table

    def _value(self, depth: int) -> object:
        letter = self._octets[self.at]
        self.at += 1
        if letter in _CONSTANTS:
            return _CONSTANTS[letter]
        match chr(letter):
            case "i":
                return self._unpack(_INT)
            case "d":
                return self._unpack(_DOUBLE)
            case "s":
                return self._text(self._unpack(_BYTES))
            case "b":
                return bytes(self._take(self._unpack(_BYTES)))
            case "o":
                return self._offset()
            case "m":
                return self.table(depth)
            case "l":
                if depth <= 0:
                    raise LinkError("arguments that are too deep")
                return [self._value(depth - 1) for _ in range(self._unpack(_COUNT))]
            case _:
                raise LinkError(f"an argument of type {letter}")

    def _offset(self) -> OffsetSpec:
        form = _FORMS.get(self._octets[self.at])
        if form is None:
            raise LinkError(f"an offset of form {self._octets[self.at]}")
        self.at += 1
        return OffsetSpec(form, self._unpack(_INT))

    def _text(self, size_bytes: int) -> str:
        return str(self._take(size_bytes), "utf-8", "surrogateescape")

    def _take(self, size_bytes: int) -> memoryview:
        start = self.at
        if size_bytes > len(self._octets) - start:
            raise LinkError("arguments that end too early")
        self.at += size_bytes
        return self._octets[start : self.at]

    def _unpack(self, layout: Struct) -> Any:  # noqa: ANN401 -- a number
        (value,) = layout.unpack_from(self._octets, self.at)
        self.at += layout.size
        return value
