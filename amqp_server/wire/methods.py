"""Every method but publish, deliver and ack: payload to object and back.

pamqp supplies the classes and the type of each argument. Decoding is ours: its decoder gives up
the AMQP types of table values, which RabbitMQ's error texts name, and is not for unbounded bytes.

Source: AMQP 0-9-1 §4.2.4, §4.2.5; error texts are those of RabbitMQ's reader.
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final, Protocol, TypeAlias, cast

from pamqp import commands
from pamqp.base import Frame

from amqp_server.wire.constants import FRAME_END_OCTET, FRAME_METHOD
from amqp_server.wire.errors import FrameError, UnknownMethodError
from amqp_server.wire.tables import Table, decode_table, encode_shortstr, encode_table

Method: TypeAlias = Frame


class AccessRequest(Frame):
    """access.request of AMQP 0-8, which RabbitMQ still answers; tickets mean nothing."""

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
    """access.request-ok: a ticket that nobody looks at."""

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

_FRAME_HEAD: Final = struct.Struct(">BHI")
_INDEX: Final = struct.Struct(">I")
_INTEGERS: Final[Mapping[str, struct.Struct]] = {
    "octet": struct.Struct(">B"),
    "short": struct.Struct(">H"),
    "long": struct.Struct(">I"),
    "longlong": struct.Struct(">Q"),
}
_ARGUMENTS: Final[Mapping[int, tuple[tuple[str, str], ...]]] = {
    index: tuple((name, str(getattr(kind, f"_{name}"))) for name in kind.__slots__)
    for index, kind in METHODS.items()
}


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
        MethodSyntaxError: a table that has room, and cannot be decoded (502).
    """
    index = method_index(payload)
    kind = METHODS.get(index)
    if kind is None:
        raise UnknownMethodError("unimplemented method", index)
    method = kind.__new__(kind)
    position = _INDEX.size
    bit = 0
    for name, data_type in _ARGUMENTS[index]:
        if data_type == "bit":
            if bit == 0:
                octet, position = _octet(payload, position, index)
            else:
                octet = payload[position - 1]
            setattr(method, name, bool(octet >> bit & 1))
            bit = (bit + 1) % 8
            continue
        bit = 0
        value, position = _argument(payload, position, data_type, index)
        setattr(method, name, value)
    if position != len(payload):
        raise _cannot_decode(payload, index)
    return method


def _argument(payload: bytes, position: int, data_type: str, index: int) -> tuple[object, int]:
    integer = _INTEGERS.get(data_type)
    if integer is not None:
        if position + integer.size > len(payload):
            raise _cannot_decode(payload, index)
        return integer.unpack_from(payload, position)[0], position + integer.size
    if data_type == "shortstr":
        size, start = _octet(payload, position, index)
    else:
        assert data_type in {"longstr", "table"}, f"no method has an argument of type {data_type}"
        if position + 4 > len(payload):
            raise _cannot_decode(payload, index)
        size, start = _INDEX.unpack_from(payload, position)[0], position + 4
    end = start + size
    if end > len(payload):
        raise _cannot_decode(payload, index)
    if data_type == "table":
        return decode_table(payload, position)
    octets = payload[start:end]
    return (decode_shortstr(octets) if data_type == "shortstr" else octets), end


def decode_shortstr(octets: bytes) -> str:
    """Decode the content of a shortstr.

    Raises:
        FrameError: not UTF-8 (501; RabbitMQ, rabbit_binary_parser).
    """
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise FrameError("Malformed UTF-8 in shortstr") from None


def _octet(payload: bytes, position: int, index: int) -> tuple[int, int]:
    if position >= len(payload):
        raise _cannot_decode(payload, index)
    return payload[position], position + 1


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
    parts = [_INDEX.pack(method.index)]
    bits = -1
    shift = 0
    for name, data_type in _ARGUMENTS[method.index]:
        value = getattr(method, name)
        if data_type == "bit":
            bits = max(bits, 0) | bool(value) << shift
            shift += 1
            continue
        assert bits < 0, "no method has an argument after its bits but a table, and those are ours"
        parts.append(_ENCODERS[data_type](value))
    if bits >= 0:
        parts.append(bytes((bits,)))
    payload = b"".join(parts)
    return _FRAME_HEAD.pack(FRAME_METHOD, channel, len(payload)) + payload + FRAME_END_OCTET


def _longstr(value: str | bytes) -> bytes:
    octets = value.encode() if isinstance(value, str) else value
    return _INDEX.pack(len(octets)) + octets


_ENCODERS: Final[Mapping[str, Callable[..., bytes]]] = {
    **{name: integer.pack for name, integer in _INTEGERS.items()},
    "shortstr": encode_shortstr,
    "longstr": _longstr,
    "table": encode_table,
}
