"""Messages for tests of queues: the body is what tells them apart."""

from persistence.record import (
    HAS_EXPIRATION,
    HAS_PRIORITY,
    NO_TTL,
    PERSISTENT,
    Record,
    make_route,
)

ROUTE = make_route("", "jobs")
HEADER = b"\x00\x3c\x00\x00" + bytes(10)


def record(
    body: bytes, *, ttl_ms: int = NO_TTL, priority: int = 0, persistent: bool = False
) -> Record:
    flags = (HAS_EXPIRATION if ttl_ms != NO_TTL else 0) | (HAS_PRIORITY if priority else 0)
    flags |= PERSISTENT if persistent else 0
    return Record(ROUTE, HEADER, body, flags, priority, ttl_ms)


def run_of(*bodies: bytes, ttl_ms: int = NO_TTL, priority: int = 0) -> list[Record]:
    return [record(body, ttl_ms=ttl_ms, priority=priority) for body in bodies]
