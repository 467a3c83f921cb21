"""Decodes and encodes every method except publish, deliver and ack.

pamqp supplies the classes and the type of each argument. The decoder is ours. pamqp's loses the
AMQP types of table values, which RabbitMQ's error texts name, and it has no limits for hostile
bytes.

Source: AMQP 0-9-1 §4.2.4, §4.2.5; error texts are those of RabbitMQ's reader.
"""

import re
import struct
from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any, ClassVar, Final, NamedTuple, Protocol, TypeAlias, cast

from pamqp import commands
from pamqp.base import Frame

from amqp_server.wire.constants import FRAME_END_OCTET, FRAME_METHOD
from amqp_server.wire.errors import FrameError, UnknownMethodError
from amqp_server.wire.tables import Table, decode_table, encode_shortstr, encode_table

Method: TypeAlias = Frame


class AccessRequest(Frame):
    """access.request of AMQP 0-8, which RabbitMQ still answers; tickets have no meaning."""

    # The order is the order on the wire.
    __slots__: ClassVar[list[str]] = [  # noqa: RUF023
        "realm",
        "exclusive",
        "passive",
        "active",
        "write",
        "read",
    ]
    frame_id: ClassVar[int] = 10
    index: ClassVar[int] = 0x001E000A
    name: ClassVar[str] = "Access.Request"
    _realm = "shortstr"
    _exclusive = "bit"
    _passive = "bit"
    _active = "bit"
    _write = "bit"
    _read = "bit"


class AccessRequestOk(Frame):
    """access.request-ok: its ticket is never read."""

    __slots__: ClassVar[list[str]] = ["ticket"]
    frame_id: ClassVar[int] = 11
    index: ClassVar[int] = 0x001E000B
    name: ClassVar[str] = "Access.RequestOk"
    _ticket = "short"

    def __init__(self, ticket: int = 1) -> None:
        self.ticket = ticket


METHODS: Final[Mapping[int, type[Frame]]] = {
    **commands.INDEX_MAPPING,
    AccessRequest.index: AccessRequest,
    AccessRequestOk.index: AccessRequestOk,
}

_NAMES: Final[Mapping[int, str]] = {
    index: re.sub(r"(?<=[a-z])(?=[A-Z])", "-", method.name).lower()
    for index, method in METHODS.items()
}
_FRAME_HEAD: Final = struct.Struct(">BHI")
_INDEX: Final = struct.Struct(">I")
_BITS_PER_OCTET: Final = 8
_NOT_UTF8: Final = "Malformed UTF-8 in shortstr"
_INTEGERS: Final[Mapping[str, struct.Struct]] = {
    "octet": struct.Struct(">B"),
    "short": struct.Struct(">H"),
    "long": struct.Struct(">I"),
    "longlong": struct.Struct(">Q"),
}

# How the arguments of a method follow one another; bits share an octet.
_SHORTSTR, _INTEGER, _BITS, _TABLE, _LONGSTR = range(5)
_FORMS: Final[Mapping[str, int]] = {
    **dict.fromkeys(_INTEGERS, _INTEGER),
    "shortstr": _SHORTSTR,
    "longstr": _LONGSTR,
    "table": _TABLE,
    "bit": _BITS,
}


class _Argument(NamedTuple):
    """One argument of a method, or the bits that share an octet.

    Attributes:
        name: of the argument; empty for bits.
        form: one of the five above.
        integer: how an integer is packed; without meaning for other forms.
        bits: name and value of each bit, lowest first.
        encode: returns the argument's octets; not used for bits.
    """

    name: str
    form: int
    integer: struct.Struct
    bits: tuple[tuple[str, int], ...]
    encode: Callable[..., bytes]


def _longstr(value: str | bytes) -> bytes:
    octets = value.encode() if isinstance(value, str) else value
    return _INDEX.pack(len(octets)) + octets


def _bits(_value: object) -> bytes:
    raise AssertionError("bits are put together where the method is")


_ENCODERS: Final[Mapping[str, Callable[..., bytes]]] = {
    **{name: integer.pack for name, integer in _INTEGERS.items()},
    "shortstr": encode_shortstr,
    "longstr": _longstr,
    "table": encode_table,
    "bit": _bits,
}


def _arguments(kind: type[Frame]) -> tuple[_Argument, ...]:
    """Return the fields that follow the ids of a method, in order."""
    arguments: list[_Argument] = []
    for name in kind.__slots__:
        data_type = str(getattr(kind, f"_{name}"))
        form = _FORMS[data_type]
        if form == _BITS and arguments and arguments[-1].form == _BITS:
            held = arguments[-1].bits
            assert len(held) < _BITS_PER_OCTET, "no method has more bits in a row than an octet"
            arguments[-1] = arguments[-1]._replace(bits=(*held, (name, 1 << len(held))))
            continue
        bits = ((name, 1),) if form == _BITS else ()
        integer = _INTEGERS.get(data_type, _INDEX)
        shown = "" if bits else name
        arguments.append(_Argument(shown, form, integer, bits, _ENCODERS[data_type]))
    return tuple(arguments)


_ARGUMENTS: Final[Mapping[int, tuple[_Argument, ...]]] = {
    index: _arguments(kind) for index, kind in METHODS.items()
}

_BitValues: TypeAlias = tuple[tuple[bool, ...], ...]
"""The values of bits that share an octet, by the octet."""


def _reading(
    arguments: tuple[_Argument, ...],
) -> tuple[tuple[str, ...], tuple[tuple[int, struct.Struct, _BitValues], ...]]:
    """Return the names of all arguments and bits of a method, and how each argument is read."""
    names: list[str] = []
    forms: list[tuple[int, struct.Struct, _BitValues]] = []
    for name, form, integer, bits, _encode in arguments:
        names += [bit_name for bit_name, _ in bits] or [name]
        octets = range(1 << len(bits))
        values = tuple([tuple([octet & bit != 0 for _, bit in bits]) for octet in octets])
        forms.append((form, integer, values))
    return tuple(names), tuple(forms)


_READINGS: Final = {index: _reading(arguments) for index, arguments in _ARGUMENTS.items()}


def method_name(index: int) -> str:
    """Return what the specification calls a method, for the log: ``queue.declare-ok``.

    Args:
        index: class id << 16 | method id; 0 means no method, shown as ``-``.
    """
    return _NAMES.get(index, f"{index >> 16}.{index & 0xFFFF}" if index else "-")


def method_index(payload: bytes) -> int:
    """Return class id << 16 | method id of a method frame's payload.

    Raises:
        FrameError: shorter than the four octets of the two ids (501).
    """
    if len(payload) < _INDEX.size:
        explanation = f"type 1, all octets = {erlang_binary(payload)}: unknown_frame"
        raise FrameError(explanation)
    return int(_INDEX.unpack_from(payload)[0])


def decode_method(payload: bytes) -> Method:
    """Decode a method frame's payload; tables become ``Table`` (see ``arguments_of``).

    Raises:
        UnknownMethodError: no such class and method (503).
        FrameError: arguments cut short, or bytes left over, or a name that is not UTF-8 (501).
        MethodSyntaxError: a table that fits into the payload but cannot be decoded (502).
    """
    index = method_index(payload)
    kind = METHODS.get(index)
    if kind is None:
        raise UnknownMethodError("unimplemented method", index)
    method = kind.__new__(kind)
    try:
        end = _read_arguments(method, payload, index)
    except UnicodeDecodeError:
        raise FrameError(_NOT_UTF8) from None
    except (IndexError, struct.error):
        raise _cannot_decode(payload, index) from None
    if end != len(payload):
        raise _cannot_decode(payload, index)
    return method


def _read_arguments(method: Method, payload: bytes, index: int) -> int:
    """Set the arguments of a method; return where they end.

    Raises:
        IndexError, struct.error: the payload ends before they do.
        UnicodeDecodeError: a name is not UTF-8.
        MethodSyntaxError: the content of a table cannot be decoded (502).
    """
    values: list[object] = []
    position = _INDEX.size
    names, forms = _READINGS[index]
    for form, integer, bit_values in forms:
        if form == _SHORTSTR:
            start = position + 1
            position = start + payload[position]
            if position > len(payload):
                raise IndexError(position)
            values.append(payload[start:position].decode())
        elif form == _INTEGER:
            values += integer.unpack_from(payload, position)
            position += integer.size
        elif form == _BITS:
            values += bit_values[payload[position] % len(bit_values)]
            position += 1
        else:
            value, position = _table_or_longstr(payload, position, form)
            values.append(value)
    for _ in map(setattr, repeat(method), names, values):
        pass
    return position


def _table_or_longstr(payload: bytes, position: int, form: int) -> tuple[object, int]:
    """Read a longstr or a table, which begin with a length of 32 bits.

    Raises:
        IndexError, struct.error: the payload ends before it does.
        MethodSyntaxError: the content of the table cannot be decoded (502).
    """
    (size_bytes,) = _INDEX.unpack_from(payload, position)
    start = position + _INDEX.size
    end = start + size_bytes
    if end > len(payload):
        raise IndexError(end)
    if form == _LONGSTR:
        return payload[start:end], end
    return decode_table(payload, position) if size_bytes else ({}, end)


def decode_shortstr(octets: bytes) -> str:
    """Decode the content of a shortstr.

    Raises:
        FrameError: not UTF-8 (501; RabbitMQ, rabbit_binary_parser).
    """
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise FrameError(_NOT_UTF8) from None


def _cannot_decode(payload: bytes, index: int) -> FrameError:
    return FrameError(f"cannot decode {erlang_binary(payload[4:])}", index)


def erlang_binary(octets: bytes) -> str:
    """Return bytes as RabbitMQ's texts print them, as far as a reply text (255 octets) can hold."""
    shown = octets[:256]
    if shown.isascii() and shown.decode("ascii").isprintable() and shown:
        return f'<<"{shown.decode("ascii")}">>'
    return f"<<{','.join(map(str, shown))}>>"


class _WithArguments(Protocol):
    arguments: Any


def arguments_of(method: _WithArguments) -> Table:
    """Return the ``arguments`` table of a decoded method, its types kept."""
    return cast("Table", method.arguments)


def encode_method(channel: int, method: Method) -> bytes:
    """Return the whole frame of a method; a table argument is a ``Table``."""
    payload = _INDEX.pack(method.index)
    for name, form, _integer, bits, encode in _ARGUMENTS[method.index]:
        if form == _BITS:
            octet = 0
            for bit_name, bit in bits:
                if getattr(method, bit_name):
                    octet |= bit
            payload += bytes((octet,))
        else:
            payload += encode(getattr(method, name))
    return _FRAME_HEAD.pack(FRAME_METHOD, channel, len(payload)) + payload + FRAME_END_OCTET
