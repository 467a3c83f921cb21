"""Field tables with their AMQP types kept, decoded without recursion and within limits.

RabbitMQ's error texts name the type of an argument (``longstr``, ``signedint``), and a header that
the broker passes on keeps its type. So a value is a ``Field``: type octet and value.

Source: AMQP 0-9-1 §4.2.5.5; the types are those RabbitMQ reads (``s`` is a 16-bit integer).
"""

import struct
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeAlias

from amqp_server.wire.errors import MethodSyntaxError

DEPTH_MAX: Final = 64
ELEMENTS_MAX: Final = 16_384


class Field(NamedTuple):
    """One typed value of a table or an array.

    Attributes:
        kind: the AMQP type octet as a one-character string.
        value: int (``I i s u b B l L T``), float (``f d``), bool (``t``), bytes (``S x``), None
            (``V``), ``(scale, unscaled)`` (``D``), dict (``F``) or list (``A``) of Fields.
    """

    kind: str
    value: "FieldValue"


FieldValue: TypeAlias = (
    "bool | int | float | bytes | tuple[int, int] | dict[str, Field] | list[Field] | None"
)
Table: TypeAlias = Mapping[str, Field]

TYPE_NAMES: Final[Mapping[str, str]] = {
    "S": "longstr",
    "I": "signedint",
    "i": "unsignedint",
    "s": "short",
    "u": "unsignedshort",
    "b": "byte",
    "B": "unsignedbyte",
    "l": "long",
    "L": "long",
    "f": "float",
    "d": "double",
    "t": "bool",
    "T": "timestamp",
    "D": "decimal",
    "F": "table",
    "A": "array",
    "x": "binary",
    "V": "void",
}
"""The names RabbitMQ uses for the types in its error texts."""

INTEGER_KINDS: Final = frozenset("IisubBlL")

_FIXED: Final[Mapping[int, tuple[str, struct.Struct]]] = {
    ord(kind): (kind, struct.Struct(layout))
    for kind, layout in {
        "I": ">i",
        "i": ">I",
        "s": ">h",
        "u": ">H",
        "b": ">b",
        "B": ">B",
        "l": ">q",
        "L": ">q",
        "f": ">f",
        "d": ">d",
        "T": ">Q",
    }.items()
}
_LONGSTR: Final = ord("S")
_U32: Final = struct.Struct(">I")
_DECIMAL: Final = struct.Struct(">BI")


def decode_table(payload: bytes, start: int = 0) -> tuple[dict[str, Field], int]:
    """Decode a table at ``start`` (its u32 length first); the last of equal keys wins.

    Returns:
        The table, and the index just past it.

    Raises:
        MethodSyntaxError: a length runs past what holds it, an unknown type, deeper than
            DEPTH_MAX or more than ELEMENTS_MAX elements in all (502).
    """
    table: dict[str, Field] = {}
    stack: list[tuple[dict[str, Field] | list[Field], int]] = []
    container: dict[str, Field] | list[Field] = table
    position, end = _enter(payload, start, len(payload))
    elements = 0
    while True:
        if position == end:
            if not stack:
                return table, position
            container, end = stack.pop()
            continue
        elements += 1
        if elements > ELEMENTS_MAX:
            raise MethodSyntaxError(f"table has more than {ELEMENTS_MAX} elements")
        key = ""
        if isinstance(container, dict):
            key, position = _shortstr(payload, position, end)
        field, position, inner_end = _field(payload, position, end)
        if isinstance(container, dict):
            container[key] = field
        else:
            container.append(field)
        if inner_end is not None:
            if len(stack) == DEPTH_MAX:
                raise MethodSyntaxError(f"table is nested deeper than {DEPTH_MAX}")
            stack.append((container, end))
            assert isinstance(field.value, dict | list), "only tables and arrays are entered"
            container, end = field.value, inner_end


def _enter(payload: bytes, position: int, end: int) -> tuple[int, int]:
    """Read the u32 length at ``position``; return where the content starts and ends."""
    if position + 4 > end:
        raise MethodSyntaxError("table or array is cut short")
    (length,) = _U32.unpack_from(payload, position)
    inner_end = position + 4 + length
    if inner_end > end:
        raise MethodSyntaxError("table or array is longer than what holds it")
    return position + 4, inner_end


def _shortstr(payload: bytes, position: int, end: int) -> tuple[str, int]:
    if position >= end:
        raise MethodSyntaxError("table key is cut short")
    stop = position + 1 + payload[position]
    if stop > end:
        raise MethodSyntaxError("table key is cut short")
    return payload[position + 1 : stop].decode("utf-8", "surrogateescape"), stop


def _field(payload: bytes, position: int, end: int) -> tuple[Field, int, int | None]:
    """Read a type octet and its value; for a table or array also return where it ends."""
    if position >= end:
        raise MethodSyntaxError("field value is cut short")
    kind = payload[position]
    position += 1
    if (fixed := _FIXED.get(kind)) is not None:
        name, layout = fixed
        if position + layout.size > end:
            raise MethodSyntaxError("field value is cut short")
        return Field(name, layout.unpack_from(payload, position)[0]), position + layout.size, None
    reader = _READERS.get(kind)
    if reader is None:
        raise MethodSyntaxError(f"unknown field type {kind}")
    return reader(payload, position, end)


def _read_bytes(kind: str) -> "_Reader":
    def read(payload: bytes, position: int, end: int) -> tuple[Field, int, int | None]:
        start, stop = _enter(payload, position, end)
        return Field(kind, payload[start:stop]), stop, None

    return read


def _read_bool(payload: bytes, position: int, end: int) -> tuple[Field, int, int | None]:
    if position >= end:
        raise MethodSyntaxError("field value is cut short")
    return Field("t", payload[position] != 0), position + 1, None


def _read_void(_payload: bytes, position: int, _end: int) -> tuple[Field, int, int | None]:
    return Field("V", None), position, None


def _read_decimal(payload: bytes, position: int, end: int) -> tuple[Field, int, int | None]:
    if position + _DECIMAL.size > end:
        raise MethodSyntaxError("field value is cut short")
    scale, unscaled = _DECIMAL.unpack_from(payload, position)
    return Field("D", (scale, unscaled)), position + _DECIMAL.size, None


def _read_table(payload: bytes, position: int, end: int) -> tuple[Field, int, int | None]:
    start, stop = _enter(payload, position, end)
    return Field("F", {}), start, stop


def _read_array(payload: bytes, position: int, end: int) -> tuple[Field, int, int | None]:
    start, stop = _enter(payload, position, end)
    return Field("A", []), start, stop


_Reader: TypeAlias = Callable[[bytes, int, int], tuple[Field, int, int | None]]
_READERS: Final[Mapping[int, _Reader]] = {
    ord("S"): _read_bytes("S"),
    ord("x"): _read_bytes("x"),
    ord("t"): _read_bool,
    ord("V"): _read_void,
    ord("D"): _read_decimal,
    ord("F"): _read_table,
    ord("A"): _read_array,
}


def encode_table(table: Table) -> bytes:
    """Encode a table, its u32 length first. Keys that we made are cut to 255 octets.

    This recurses, because nesting is bounded: by DEPTH_MAX in decoded tables, and by us in our own.
    """
    content = b"".join([encode_shortstr(key) + encode_field(field) for key, field in table.items()])
    return _U32.pack(len(content)) + content


def encode_field(field: Field) -> bytes:
    """Encode the type octet and the value."""
    kind, value = field
    octet = kind.encode()
    fixed = _FIXED.get(octet[0])
    if fixed is not None:
        return octet + fixed[1].pack(value)
    match value:
        case None:
            return octet
        case bool():
            return octet + (b"\x01" if value else b"\x00")
        case bytes():
            return octet + _U32.pack(len(value)) + value
        case dict():
            return octet + encode_table(value)
        case list():
            content = b"".join(map(encode_field, value))
            return octet + _U32.pack(len(content)) + content
        case (scale, unscaled):
            return octet + _DECIMAL.pack(scale, unscaled)
        case _:
            raise AssertionError(f"field type {kind} does not hold {value!r}")


def encode_shortstr(text: str) -> bytes:
    """Encode a shortstr (4.2.5.3).

    Raises:
        ValueError: longer than 255 octets, which is a bug of ours, because input is bounded.
    """
    octets = text.encode("utf-8", "surrogateescape")
    return bytes((len(octets),)) + octets


def longstr(text: str) -> Field:
    """Return a longstr field of a text."""
    return Field("S", text.encode("utf-8", "surrogateescape"))


def decode_matched_table(payload: bytes, start: int = 0) -> dict[str, object]:
    """Decode a table at ``start``; the same as ``matched`` of the fields of ``decode_table``.

    Headers exchanges call this for each message. So longstr, numbers and instants are read in
    place. A table with any other type is decoded by ``decode_table``.

    Raises:
        MethodSyntaxError: as ``decode_table`` (502).
    """
    table: dict[str, object] = {}
    position, end = _enter(payload, start, len(payload))
    while position < end:
        key, position = _shortstr(payload, position, end)
        kind = payload[position] if position < end else 0
        fixed = _FIXED.get(kind)
        if kind == _LONGSTR:
            first, stop = _enter(payload, position + 1, end)
            table[key] = payload[first:stop].decode("utf-8", "surrogateescape")
        elif fixed is not None and position + 1 + fixed[1].size <= end:
            stop = position + 1 + fixed[1].size
            (table[key],) = fixed[1].unpack_from(payload, position + 1)
        else:
            return matched_table(decode_table(payload, start)[0])
        position = stop
    if len(table) > ELEMENTS_MAX:
        raise MethodSyntaxError(f"table has more than {ELEMENTS_MAX} elements")
    return table


def plain(field: Field) -> object:
    """Return the value without AMQP types: text for longstr, dict and list for table and array."""
    value = field.value
    match value:
        case dict():
            return {key: plain(inner) for key, inner in value.items()}
        case list():
            return [plain(inner) for inner in value]
        case bytes() if field.kind == "S":
            return value.decode("utf-8", "surrogateescape")
        case _:
            return value


def matched_table(table: Table) -> dict[str, object]:
    """Return a table of headers, or of a binding's arguments, as headers exchanges compare it."""
    return {key: matched(field) for key, field in table.items()}


def matched(field: Field) -> object:
    """Return the value without its own AMQP type, but with the types of its items.

    The same as ``plain``, except that an item of a table or an array is a pair: RabbitMQ's name of
    its type, and the value in this same form.
    """
    value = field.value
    match value:
        case dict():
            return {key: (TYPE_NAMES[inner.kind], matched(inner)) for key, inner in value.items()}
        case list():
            return [(TYPE_NAMES[inner.kind], matched(inner)) for inner in value]
        case _:
            return plain(field)
