"""One AMQP 1.0 message, read for an AMQP 0-9-1 consumer: see ``queues.stream.from_amqp10``.

Of the kernels' twin this is the part that looks into a message; the kernel does it in raw memory.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from queues.stream.amqp10 import (
    AMQP10_TYPE,
    APPLICATION_PROPERTIES,
    DATA,
    FILTER_VALUE,
    FOOTER,
    HEADER,
    KEPT_HEADERS,
    MESSAGE_ANNOTATIONS,
    OCTET_MAX,
    OFFSET_HEADER,
    PROPERTIES,
    SECTION_CODES,
    SEQUENCE,
    VALUE,
    MalformedMessageError,
    content_of,
    field_end,
    inner_end,
    is_plain_text,
    value_end,
)
from queues.stream.fields import (
    BINARIES,
    TEXTS,
    count_of,
    field_of,
    key_of,
    longstr,
    seconds_of,
    urn_of,
)

_HEADER_FIELDS_MAX: Final = 5
_PROPERTIES_MAX: Final = 13
_LISTS: Final = frozenset(b"\x45\xc0\xd0")
_MAPS: Final = frozenset(b"\xc1\xd1")
_CONSTRUCTORS: Final = {
    HEADER: _LISTS,
    MESSAGE_ANNOTATIONS: _MAPS,
    PROPERTIES: _LISTS,
    APPLICATION_PROPERTIES: _MAPS,
    DATA: BINARIES,
    SEQUENCE: _LISTS,
}
_EMPTY_LIST: Final = 0x45
_UINTS: Final = frozenset(b"\x43\x52\x70")
_ULONGS: Final = frozenset(b"\x44\x53\x80")
_TRUE: Final = 0x41
_BOOLEAN: Final = 0x56
_BOOLEANS: Final = frozenset(b"\x41\x42\x56")
_UBYTE: Final = frozenset(b"\x50")
_ULONG: Final = frozenset(b"\x80")
_TIMESTAMP: Final = frozenset(b"\x83")
_UUID: Final = frozenset(b"\x98")
_STRINGS: Final = TEXTS | BINARIES
_BASIC: Final = b"x-basic-"


class Told(NamedTuple):
    """What a message says.

    Attributes:
        body: the octets that a consumer gets.
        exchange: None if the message names none.
        routing_key: None if the message names none.
        filter_value: of its annotation ``x-stream-filter-value``; empty without.
        headers: fields of the headers table.
        values: octets of every property but the headers, in the order of 0-9-1; None is absent.
    """

    body: bytes
    exchange: bytes | None = None
    routing_key: bytes | None = None
    filter_value: bytes = b""
    headers: bytes = b""
    values: tuple[bytes | None, ...] = (None,) * 13

    @property
    def is_persistent(self) -> bool:
        """Whether the delivery mode says so."""
        return self.values[2] == b"\x02"

    @property
    def priority(self) -> int:
        """The priority, 0 without."""
        return self.values[3][0] if self.values[3] else 0

    def properties(self, first_field: bytes) -> bytes:
        """Return property flags and list; the headers begin with this field, if it is not empty."""
        headers = first_field + self.headers
        table = len(headers).to_bytes(4) + headers if headers else None
        values = (*self.values[:2], table, *self.values[2:])
        flags = 0
        for index, value in enumerate(values):
            if value is not None:
                flags |= 1 << 15 - index
        return flags.to_bytes(2) + b"".join([value for value in values if value is not None])


class _Headers:
    """The headers table as it grows, with the kept fields in their places."""

    def __init__(self, kept: bytes) -> None:
        self.octets = bytearray()
        self._kept = kept if _is_table(kept) else b""
        self._position = 0

    def add(self, key: bytes, value: bytes | None) -> None:
        """Add a field; a kept one of this name stands for it. A value of None has no field."""
        if key == OFFSET_HEADER:
            return
        if self._position < len(self._kept):
            value_at = self._position + 1 + self._kept[self._position]
            if self._kept[self._position + 1 : value_at] == key:
                stop = inner_end(self._kept, value_at)
                self.octets += self._kept[self._position : stop]
                self._position = stop
                return
        if value is not None:
            self.octets += bytes((len(key),)) + key + value

    def close(self) -> bytes:
        """Add the kept fields that are left, and return all."""
        while self._position < len(self._kept):
            value_at = self._position + 1 + self._kept[self._position]
            stop = inner_end(self._kept, value_at)
            if self._kept[self._position + 1 : value_at] != OFFSET_HEADER:
                self.octets += self._kept[self._position : stop]
            self._position = stop
        return bytes(self.octets)


def _is_table(octets: bytes) -> bool:
    position = 0
    while position < len(octets):
        position = field_end(octets, position + 1 + octets[position], len(octets))
        if position < 0:
            return False
    return True


class _Sections:
    """Where the sections of a message stand; of equal ones the last counts."""

    def __init__(self, octets: bytes) -> None:
        self.starts: dict[int, int] = {}
        self.body: list[tuple[int, int]] = []
        self.body_code = 0
        position = 0
        while position < len(octets):
            code, start = _descriptor(octets, position)
            if start >= len(octets) or octets[start] not in _CONSTRUCTORS.get(
                code, octets[start : start + 1]
            ):
                raise MalformedMessageError("a section is of the wrong type")
            stop = value_end(octets, start, len(octets))
            self.starts[code] = start
            if DATA <= code <= VALUE:
                if self.body and (code != self.body_code or code == VALUE):
                    raise MalformedMessageError("a message has more than one body")
                self.body_code = code
                self.body.append(
                    content_of(octets, octets[start], start + 1, stop)
                    if code == DATA
                    else (position, stop)
                )
            position = stop
        if not self.starts:
            raise MalformedMessageError("a message has no sections")


def _descriptor(octets: bytes, position: int) -> tuple[int, int]:
    """Return the code of a section, and where its value begins."""
    if octets[position] != 0 or position + 1 >= len(octets):
        raise MalformedMessageError("a section has no descriptor")
    constructor = octets[position + 1]
    start, stop = content_of(octets, constructor, position + 2, len(octets))
    content = octets[start:stop]
    code = 0
    if constructor in {0x53, 0x80}:
        code = int.from_bytes(content)
    elif constructor in {0xA3, 0xB3}:
        code = SECTION_CODES.get(content, 0)
    if not HEADER <= code <= FOOTER:
        raise MalformedMessageError("a section is of an unknown kind")
    return code, stop


def tell(octets: bytes) -> Told:
    """Read a message.

    Raises:
        MalformedMessageError: it is none that can be told in 0-9-1.
    """
    return _Teller(octets).tell()


class _Teller:
    """Tells one message part by part."""

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._sections = _Sections(octets)
        starts = self._sections.starts
        self._header = self._items(starts.get(HEADER), _HEADER_FIELDS_MAX)
        self._properties = self._items(starts.get(PROPERTIES), _PROPERTIES_MAX)
        self._annotations = list(self._pairs(starts.get(MESSAGE_ANNOTATIONS)))
        self._application_properties = list(self._pairs(starts.get(APPLICATION_PROPERTIES)))
        self._annotation_at = {key: at for key, at in self._annotations if key is not None}

    def tell(self) -> Told:
        """Return what the message says."""
        return Told(
            b"".join([self._octets[start:stop] for start, stop in self._sections.body]),
            self._text(self._annotation_at.get(b"x-exchange")),
            self._text(self._annotation_at.get(b"x-routing-key")),
            self._text(self._annotation_at.get(FILTER_VALUE)) or b"",
            self._headers(),
            (
                self._shortstr(b"content-type", self._text(self._property(6))),
                self._shortstr(b"content-encoding", self._text(self._property(7))),
                self._delivery_mode(),
                self._ubyte(self._header_field(1), b"priority"),
                self._shortstr(b"correlation-id", self._id_text(self._property(5))),
                self._shortstr(b"reply-to", self._text(self._property(4))),
                self._shortstr(b"expiration", None) if (ttl := self._ttl()) is None else ttl,
                self._shortstr(b"message-id", self._id_text(self._property(0))),
                self._timestamp(),
                self._type(),
                self._shortstr(b"user-id", self._user_id()),
                self._shortstr(b"app-id", self._text(self._property(10))),
                self._shortstr(b"cluster-id", None),
            ),
        )

    def _items(self, start: int | None, count_max: int) -> list[int]:
        """Return where the items of a list begin."""
        if start is None or self._octets[start] == _EMPTY_LIST:
            return []
        constructor = self._octets[start]
        content_at, stop = content_of(self._octets, constructor, start + 1, len(self._octets))
        count, position = count_of(self._octets, constructor, content_at, stop)
        if count > count_max:
            raise MalformedMessageError("a section has too many fields")
        items = []
        for _ in range(count):
            items.append(position)
            position = value_end(self._octets, position, stop)
        if position != stop:
            raise MalformedMessageError("a section has another count")
        return items

    def _pairs(self, start: int | None) -> Iterator[tuple[bytes | None, int]]:
        """Yield the key of each pair of a map, and where its value begins."""
        if start is None:
            return
        constructor = self._octets[start]
        content_at, stop = content_of(self._octets, constructor, start + 1, len(self._octets))
        count, position = count_of(self._octets, constructor, content_at, stop)
        for _ in range(count // 2):
            key, value_at = key_of(self._octets, position, stop)
            position = value_end(self._octets, value_at, stop)
            yield key, value_at
        if position != stop or count % 2:
            raise MalformedMessageError("a section has another count")

    def _headers(self) -> bytes:
        headers = _Headers(self._binary(self._annotation_at.get(KEPT_HEADERS)))
        for key, value_at in self._annotations:
            if key == b"x-cc":
                headers.add(b"CC", self._field(value_at))
            elif (
                key is not None
                and not key.startswith(_BASIC)
                and key not in {b"x-exchange", b"x-routing-key", KEPT_HEADERS}
            ):
                headers.add(key, self._field(value_at))
        for index, name, header in (
            (5, b"correlation-id", b"x-correlation-id"),
            (0, b"message-id", b"x-message-id"),
        ):
            if _BASIC + name not in self._annotation_at:
                headers.add(header, self._id_header(self._property(index)))
        for key, value_at in self._application_properties:
            if key is not None:
                headers.add(key, self._field(value_at))
        return headers.close()

    def _property(self, index: int) -> int | None:
        return self._properties[index] if index < len(self._properties) else None

    def _header_field(self, index: int) -> int | None:
        return self._header[index] if index < len(self._header) else None

    def _field(self, value_at: int) -> bytes | None:
        return field_of(self._octets, value_at, len(self._octets))[0]

    def _content(self, value_at: int | None, constructors: frozenset[int]) -> bytes | None:
        """Return the content of a value, None if it is of another type."""
        if value_at is None or self._octets[value_at] not in constructors:
            return None
        constructor = self._octets[value_at]
        start, stop = content_of(self._octets, constructor, value_at + 1, len(self._octets))
        return self._octets[start:stop]

    def _text(self, value_at: int | None) -> bytes | None:
        """Return a text that a shortstr can be."""
        content = self._content(value_at, _STRINGS)
        return content if content is not None and len(content) <= OCTET_MAX else None

    def _binary(self, value_at: int | None) -> bytes:
        return self._content(value_at, BINARIES) or b""

    def _uint(self, value_at: int | None, constructors: frozenset[int]) -> int | None:
        content = self._content(value_at, constructors)
        return None if content is None else int.from_bytes(content)

    def _shortstr(self, name: bytes, octets: bytes | None) -> bytes | None:
        """Return the annotation that keeps a property, or else octets, as a shortstr."""
        kept_at = self._annotation_at.get(_BASIC + name)
        if kept_at is not None:
            octets = self._text(kept_at)
        return None if octets is None else bytes((len(octets),)) + octets

    def _delivery_mode(self) -> bytes | None:
        value_at = self._header_field(0)
        if value_at is not None:
            constructor = self._octets[value_at]
            if constructor in _BOOLEANS:
                is_durable = (
                    self._octets[value_at + 1] if constructor == _BOOLEAN else constructor == _TRUE
                )
                return b"\x02" if is_durable else b"\x01"
        return self._ubyte(None, b"delivery-mode")

    def _ubyte(self, value_at: int | None, name: bytes) -> bytes | None:
        """Return an octet, or else that of an annotation."""
        content = self._content(value_at, _UBYTE)
        if content is None:
            content = self._content(self._annotation_at.get(_BASIC + name), _UBYTE)
        return content

    def _ttl(self) -> bytes | None:
        ttl_ms = self._uint(self._header_field(2), _UINTS)
        if ttl_ms is None:
            return None
        digits = str(ttl_ms).encode()
        return bytes((len(digits),)) + digits

    def _id_text(self, value_at: int | None) -> bytes | None:
        """Return a message-id or correlation-id that a shortstr can be."""
        uuid = self._content(value_at, _UUID)
        if uuid is not None:
            return urn_of(uuid)
        number = self._uint(value_at, _ULONGS)
        if number is not None:
            return str(number).encode()
        content = self._content(value_at, TEXTS)
        return content if content is not None and len(content) <= OCTET_MAX else None

    def _id_header(self, value_at: int | None) -> bytes | None:
        """Return a message-id or correlation-id that no shortstr can be as a field."""
        content = self._content(value_at, BINARIES)
        if content is not None:
            return longstr(b"x", content)
        content = self._content(value_at, TEXTS)
        if content is None or len(content) <= OCTET_MAX:
            return None
        return longstr(b"S", content)

    def _timestamp(self) -> bytes | None:
        kept = self._content(self._annotation_at.get(_BASIC + b"timestamp"), _ULONG)
        if kept is not None:
            return kept
        milliseconds = self._content(self._property(9), _TIMESTAMP)
        return None if milliseconds is None else seconds_of(milliseconds)

    def _type(self) -> bytes | None:
        if self._sections.body_code != DATA:
            return bytes((len(AMQP10_TYPE),)) + AMQP10_TYPE
        return self._shortstr(b"type", None)

    def _user_id(self) -> bytes | None:
        octets = self._text(self._property(1))
        return octets if octets is not None and is_plain_text(octets) else None
