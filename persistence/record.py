"""The one message layout: what a publish becomes, and what memory, log and link all hold.

A record keeps a message's bytes as they came off the wire, so that delivering it is copying:

    route     exchange shortstr | routing key shortstr       the tail of basic.deliver (1.8.3.14)
    header    class u16 | weight u16 | body size u64 | property flags u16 | property list
    body      the body frames' payloads, joined
    flags     bit 0 PERSISTENT; bits 2-15 the property flags word itself (4.2.6.1), bit 1 unused
    priority  0-255; 0 when the property is absent
    ttl_ms    the ``expiration`` property; NO_TTL when absent

The messages of one run (consecutive publishes alike) share ``route`` and, mostly, ``header``:
the same bytes object, which the renderer uses to notice that nothing but the body changed.

This is the interpreted twin. A run of records is any sequence of ``Record``; a kernel may keep it
as raw memory as long as ``len``, iteration, slicing and indexing give the same.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import repeat
from typing import Final, NamedTuple, TypeAlias

PERSISTENT: Final = 1 << 0
HAS_USER_ID: Final = 1 << 4
HAS_EXPIRATION: Final = 1 << 8
HAS_REPLY_TO: Final = 1 << 9
HAS_PRIORITY: Final = 1 << 11
HAS_HEADERS: Final = 1 << 13

NO_TTL: Final = -1


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
        return self.route[2 + self.route[0] :].decode("utf-8", "surrogateescape")


Run: TypeAlias = Sequence[Record]

_new_record: Final[Callable[[tuple[object, ...]], Record]] = partial(tuple.__new__, Record)


def make_route(exchange: str, routing_key: str) -> bytes:
    """Return the ``route`` bytes of a record: two shortstrs of at most 255 octets each."""
    exchange_name = exchange.encode("utf-8", "surrogateescape")
    key = routing_key.encode("utf-8", "surrogateescape")
    return bytes((len(exchange_name),)) + exchange_name + bytes((len(key),)) + key


def uniform_run(template: Record, bodies: Iterable[bytes]) -> list[Record]:
    """Return one record per body, alike in everything else: bodies of one size share a header."""
    route, header, _, flags, priority, ttl_ms = template
    rows = zip(
        repeat(route), repeat(header), bodies, repeat(flags), repeat(priority), repeat(ttl_ms)
    )
    return list(map(_new_record, rows))


def with_route(run: Run, route: bytes) -> list[Record]:
    """Return the run as if published with another exchange and routing key."""
    return [record._replace(route=route) for record in run]


def body_bytes(run: Run) -> int:
    """Return the sum of the body sizes, in bytes."""
    return sum([len(record[2]) for record in run])
