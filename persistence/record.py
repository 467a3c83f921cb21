"""The one layout of a message, in memory, log and link.

A record keeps a message's bytes as they came off the wire, so a delivery only copies them:

    route     exchange shortstr | routing key shortstr       the tail of basic.deliver (1.8.3.14)
    header    class u16 | weight u16 | body size u64 | property flags u16 | property list
    body      the body frames' payloads, joined
    flags     bit 0 PERSISTENT; bit 1 NEEDS_LOOK; bits 2-15 the property flags word (4.2.6.1)
    priority  0-255; 0 when the property is absent
    ttl_ms    the ``expiration`` property; NO_TTL when absent

The messages of one run (consecutive publishes alike) share one bytes object as ``route`` and mostly
as ``header``. The renderer uses this to notice that only the body changed.

This is the interpreted twin, and the specification of ``persistence._record``: there a run of
records is raw memory, and ``len``, iteration, slicing and indexing give the same. Code that handles
runs calls the functions below and makes no ``Record`` of each message.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Final, NamedTuple, TypeAlias

from persistence.kernels import COMPILED

PERSISTENT: Final = 1 << 0
NEEDS_LOOK: Final = 1 << 1
"""Set if a publish may have a property that must be checked: user-id, CC or BCC, a direct reply-to,
an expiration that is not only digits. It may be set without such a property, and is never missing
with one."""

HAS_USER_ID: Final = 1 << 4
HAS_EXPIRATION: Final = 1 << 8
HAS_REPLY_TO: Final = 1 << 9
HAS_PRIORITY: Final = 1 << 11
HAS_HEADERS: Final = 1 << 13

NO_TTL: Final = -1

RESERVED_PER_OCTET: Final = 4
"""Most octets of memory for each octet that has arrived of an unfinished body."""

BODY_SIZE_STOP: Final = 12
"""Octets before the properties of a content header: class, weight and body size."""

HEAD_BYTES: Final = 24
"""Bytes of a record beside its route, header and body; the sum is a multiple of 8."""

LARGE_BODY_BYTES: Final = 32_768
"""A body of this size or more is shared and not copied, where possible (bytes)."""


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
"""The body; a view keeps its memory alive, and that memory never changes."""

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

    The kernel lets the body grow in its final memory. Memory is taken for the octets that came, not
    for those announced: at most ``RESERVED_PER_OCTET`` times as much.

    Attributes:
        size_bytes: the announced size of the body; at most as much is added.
        held_bytes: memory that is reserved for the body.
    """

    __slots__ = ("_body", "_head", "held_bytes", "size_bytes")

    def __init__(self, head: Record, size_bytes: int) -> None:
        """Begin with route, header and the rest; the body of ``head`` is empty."""
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
        """Return the message as a run of one; nothing may be added afterwards."""
        return [self._head._replace(body=bytes(self._body))]


def body_bytes(run: Run) -> int:
    """Return the sum of the body sizes, in bytes."""
    return sum([len(record[2]) for record in run])


def memory_bytes(run: Run) -> int:
    """Return the memory of a run's records, as the kernel keeps them (bytes)."""
    padded_head_bytes = HEAD_BYTES + 7
    return sum(
        [
            (padded_head_bytes + len(route) + len(header) + len(body)) & -8
            for route, header, body, _, _, _ in run
        ]
    )


def kept_bytes(run: Run) -> int:
    """Return the memory that stays in use as long as this run does (bytes).

    In the kernel a run is a view of a block of memory, which may hold many other records.
    """
    return memory_bytes(run)


def route_of(run: Run) -> bytes:
    """Return the route of the first message."""
    return run[0].route


def has_ttl(run: Run) -> bool:
    """Return whether any of the messages has a TTL of its own."""
    return any([record[5] != NO_TTL for record in run])


def priorities_of(run: Run) -> bytes:
    """Return the priority of each message, an octet each."""
    return bytes([record[4] for record in run])


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

    Route and properties, and values that depend on them, are equal. The sizes of the bodies may
    differ.
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
        header: a content header for all of them; each keeps the body size of its own header.
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
    """Return the same messages in memory of their own, which keeps no others alive."""
    return list(run)


def parted(run: Run, order: bytes, parts_of: Sequence[Sequence[int]], part_count: int) -> list[Run]:
    """Return copies of a run's messages in parts, in memory of their own; each keeps the order.

    Args:
        run: to be divided.
        order: for each message an index into ``parts_of``.
        parts_of: by index, the distinct parts, from 0, that its messages go to; may be empty.
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
    memory_bytes = _record.memory_bytes
    kept_bytes = _record.kept_bytes
    has_ttl = _record.has_ttl
    route_of = _record.route_of
    priorities_of = _record.priorities_of
    header_stretches = _record.header_stretches
    alike_stretches = _record.alike_stretches
    readdressed = _record.readdressed
    detached = _record.detached
    parted = _record.parted
