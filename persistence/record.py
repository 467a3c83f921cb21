"""The one message layout: what a publish becomes, and what memory, log and link all hold.

A record keeps a message's bytes as they came off the wire, so that delivering it is copying:

    route     exchange shortstr | routing key shortstr       the tail of basic.deliver (1.8.3.14)
    header    class u16 | weight u16 | body size u64 | property flags u16 | property list
    body      the body frames' payloads, joined
    flags     bit 0 PERSISTENT; bit 1 NEEDS_LOOK; bits 2-15 the property flags word (4.2.6.1)
    priority  0-255; 0 when the property is absent
    ttl_ms    the ``expiration`` property; NO_TTL when absent

The messages of one run (consecutive publishes alike) share ``route`` and, mostly, ``header``:
the same bytes object, which the renderer uses to notice that nothing but the body changed.

This is the interpreted twin, and the specification of ``persistence._record``: there a run of
records is raw memory, and ``len``, iteration, slicing and indexing give the same. Whoever handles
runs asks the functions below and makes no ``Record`` of each message.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Final, NamedTuple, TypeAlias

from persistence.kernels import COMPILED

PERSISTENT: Final = 1 << 0
NEEDS_LOOK: Final = 1 << 1
"""A property that a publish is checked for: user-id, CC or BCC, a direct reply-to, an expiration
that is not just digits. Never missing where there is one; a look may find nothing."""

HAS_USER_ID: Final = 1 << 4
HAS_EXPIRATION: Final = 1 << 8
HAS_REPLY_TO: Final = 1 << 9
HAS_PRIORITY: Final = 1 << 11
HAS_HEADERS: Final = 1 << 13

NO_TTL: Final = -1

RESERVED_PER_OCTET: Final = 4
"""How much memory a body that is still arriving may take for what has arrived."""

BODY_SIZE_STOP: Final = 12
"""A content header begins with class, weight and body size; then come the properties."""

LARGE_BODY_BYTES: Final = 32_768
"""From here on a body is shared rather than copied, wherever that can be helped."""


class Record(NamedTuple):
    """One message; see the drawing above."""

    route: bytes
    header: bytes
    body: bytes
    flags: int = 0
    priority: int = 0
    ttl_ms: int = NO_TTL

    @property
    def exchange(self) -> str:
        """Name of the exchange that the message was published to."""
        return self.route[1 : 1 + self.route[0]].decode("utf-8", "surrogateescape")

    @property
    def routing_key(self) -> str:
        """Routing key that the message was published with."""
        return routing_key_of(self.route)


Octets: TypeAlias = bytes | memoryview
"""What leaves; a view keeps the memory alive that it shows, and nobody changes that."""

Run: TypeAlias = Sequence[Record]

_new_record: Final[Callable[[tuple[object, ...]], Record]] = partial(tuple.__new__, Record)


def make_route(exchange: str, routing_key: str) -> bytes:
    """Return the ``route`` bytes of a record: two shortstrs of at most 255 octets each."""
    exchange_name = exchange.encode("utf-8", "surrogateescape")
    key = routing_key.encode("utf-8", "surrogateescape")
    return bytes((len(exchange_name),)) + exchange_name + bytes((len(key),)) + key


def routing_key_of(route: bytes) -> str:
    """Return the routing key of a record with this route."""
    return route[2 + route[0] :].decode("utf-8", "surrogateescape")


def uniform_run(template: Record, bodies: Iterable[bytes]) -> list[Record]:
    """Return one record per body, alike in everything else: bodies of one size share a header."""
    route, header, _, flags, priority, ttl_ms = template
    rows = zip(
        repeat(route), repeat(header), bodies, repeat(flags), repeat(priority), repeat(ttl_ms)
    )
    return list(map(_new_record, rows))


class OpenRecord:
    """A message whose body is still arriving.

    The kernel lets the body grow where it is to stay. Memory is not taken for what was announced
    but for what came, ``RESERVED_PER_OCTET`` times that at most.

    Attributes:
        size_bytes: of the body as announced; no more than that is ever added.
        held_bytes: what is reserved for the body.
    """

    __slots__ = ("_body", "_head", "held_bytes", "size_bytes")

    def __init__(self, head: Record, size_bytes: int) -> None:
        """Begin with everything but the body, which ``head`` has none of."""
        self._head = head
        self._body = bytearray()
        self.size_bytes = size_bytes
        self.held_bytes = 0

    def add(self, octets: bytes | memoryview) -> None:
        """Append to the body."""
        self._body += octets
        added_bytes = len(self._body)
        assert added_bytes <= self.size_bytes, "a body is as long as announced"
        if added_bytes > self.held_bytes:
            self.held_bytes = min(RESERVED_PER_OCTET * added_bytes, self.size_bytes)

    def finish(self) -> Run:
        """Return the message with what was added: a run of one. Nothing is added after it."""
        return [self._head._replace(body=bytes(self._body))]


def body_bytes(run: Run) -> int:
    """Return the sum of the body sizes, in bytes."""
    return sum([len(record[2]) for record in run])


def route_of(run: Run) -> bytes:
    """Return the route of the first message."""
    return run[0].route


def has_ttl(run: Run) -> bool:
    """Return whether any of the messages has a TTL of its own."""
    return any([record[5] != NO_TTL for record in run])


def header_stretches(run: Run) -> list[tuple[int, int]]:
    """Return (start, stop) of each stretch of messages with equal content headers, in order."""
    stretches: list[tuple[int, int]] = []
    start = 0
    for index in range(1, len(run) + 1):
        if index == len(run) or run[index].header != run[start].header:
            stretches.append((start, index))
            start = index
    return stretches if run else []


def alike_stretches(run: Run) -> list[tuple[int, int]]:
    """Return (start, stop) of each stretch of messages alike in all but their bodies, in order.

    Route, properties and what follows from them are equal; the sizes of the bodies need not be.
    """
    stretches: list[tuple[int, int]] = []
    start = 0
    for index in range(1, len(run) + 1):
        if index == len(run) or _likeness(run[index]) != _likeness(run[start]):
            stretches.append((start, index))
            start = index
    return stretches if run else []


def _likeness(record: Record) -> tuple[bytes, bytes, int]:
    return record.route, record.header[BODY_SIZE_STOP:], len(record.header)


def readdressed(run: Run, route: bytes, header: bytes, flags: int) -> Run:
    """Return the same bodies as messages of another route and header, which never expire.

    Args:
        run: at least one message, each with a content header.
        route: of all of them.
        header: a content header, likewise; but each keeps the body size that its own header says.
        flags: of all of them; each keeps its own priority.
    """
    rest = header[BODY_SIZE_STOP:]
    return [
        Record(
            route,
            record.header[:BODY_SIZE_STOP] + rest,
            record.body,
            flags,
            record.priority,
            NO_TTL,
        )
        for record in run
    ]


def detached(run: Run) -> Run:
    """Return the same messages in memory of their own: they keep no others with them."""
    return list(run)


def parted(run: Run, order: bytes, parts_of: Sequence[Sequence[int]], part_count: int) -> list[Run]:
    """Return copies of a run's messages in parts, in memory of their own; each keeps the order.

    Args:
        run: what to part.
        order: for each message an index into ``parts_of``.
        parts_of: the distinct parts, from 0, that messages of an index go to; there may be none.
        part_count: above every part in ``parts_of``.
    """
    parts: list[list[Record]] = [[] for _ in range(part_count)]
    for record, index in zip(run, order, strict=True):
        for part in parts_of[index]:
            parts[part].append(record)
    return [*parts]


if COMPILED:
    from persistence import _record  # type: ignore[attr-defined]

    OpenRecord = _record.OpenRecord  # type: ignore[misc]
    body_bytes = _record.body_bytes
    has_ttl = _record.has_ttl
    route_of = _record.route_of
    header_stretches = _record.header_stretches
    alike_stretches = _record.alike_stretches
    readdressed = _record.readdressed
    detached = _record.detached
    parted = _record.parted
