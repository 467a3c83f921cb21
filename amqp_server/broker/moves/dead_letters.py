"""Makes the dead letter of a message: its headers say how it died.

The ``x-death`` header is an array of tables, most recent first, one for each {queue, reason}:

    original-expiration S (only if it had one) | count l | reason S | queue S | time T |
    exchange S | routing-keys A of S

A second death of the same kind raises ``count`` and moves the table to the front. Its other values
are those of the first time. ``x-first-death-*`` never change, ``x-last-death-*`` always do. Tables
that a client put into ``x-death`` count like our own (RabbitMQ 3.12 and 3.13.3 on).

Source: RabbitMQ, dead letter exchanges; mc:record_death, rabbit_dead_letter.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import Properties, split
from amqp_server.wire.tables import INTEGER_KINDS, Field, FieldValue, longstr, plain
from persistence.record import (
    HAS_EXPIRATION,
    HAS_HEADERS,
    Record,
    Run,
    make_route,
    readdressed,
)
from queues.effects import DeathReason

DEATHS_MAX: Final = 256
"""Tables kept in x-death, which is also the most queues in a chain of dead letters."""

COUNT_MAX: Final = (1 << 63) - 1
"""A count stays at this value, the largest of its type."""

_REJECTED: Final = DeathReason.REJECTED.value
_LAST_DEATH: Final = ("x-last-death-exchange", "x-last-death-queue", "x-last-death-reason")
_FIRST_DEATH: Final = ("x-first-death-exchange", "x-first-death-queue", "x-first-death-reason")


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Messages to publish again, and their routing keys.

    Attributes:
        run: with their x-death headers, without expiration, routed to the DLX.
        routing_keys: the queue's dead letter routing key, or the messages' own keys with CC.
        died_in: the queues in which they died since they were last rejected; for ``is_cycle``.
    """

    run: Run
    routing_keys: tuple[str, ...]
    died_in: frozenset[str]

    def is_cycle(self, queue_name: str) -> bool:
        """Whether they died here before without a reject since; then they are dropped."""
        return queue_name in self.died_in


def dead_letters(
    run: Run,
    reason: DeathReason,
    queue_name: str,
    exchange_to: str,
    routing_key_to: str | None,
    wall_s: int,
) -> DeadLetters:
    """Return dead messages as they must be published to their dead letter exchange.

    Args:
        run: as they were in the queue; alike in all but their bodies.
        reason: why they died.
        queue_name: the queue in which they died.
        exchange_to: the dead letter exchange.
        routing_key_to: the dead letter routing key; None keeps the messages' own keys.
        wall_s: time of day, seconds since 1970.
    """
    record = run[0]
    properties = split(record.header)
    headers = _headers(properties)
    own_keys = (record.routing_key, *_carbon_copies(headers))
    expiration = properties.raw.pop("expiration", None)
    death = _death(record, reason, queue_name, own_keys, expiration, wall_s)
    deaths = _with_death(_deaths(headers), death)
    where = (record.exchange, queue_name, reason.value)
    headers["x-death"] = Field("A", [Field("F", death) for death in deaths])
    if not all(name in headers for name in _FIRST_DEATH):
        headers.update(zip(_FIRST_DEATH, map(longstr, where), strict=True))
    headers.update(zip(_LAST_DEATH, map(longstr, where), strict=True))
    if routing_key_to is not None:
        headers.pop("CC", None)
    properties.set_headers(headers)
    routing_keys = own_keys if routing_key_to is None else (routing_key_to,)
    return DeadLetters(
        readdressed(
            run,
            make_route(exchange_to, routing_keys[0]),
            properties.encode(),
            (record.flags | HAS_HEADERS) & ~HAS_EXPIRATION,
        ),
        routing_keys,
        _died_in(deaths),
    )


def deaths_of(header: bytes) -> list[tuple[str, str, str]]:
    """Return the deaths of a message, the most recent first: queue, exchange and routing key.

    Args:
        header: payload of a content header.
    """
    found = []
    for death in _deaths(_headers(split(header))):
        field = death.get("routing-keys")
        keys = plain(field) if field is not None else []
        key = keys[0] if isinstance(keys, list) and keys and isinstance(keys[0], str) else ""
        found.append((_text(death, "queue"), _text(death, "exchange"), key))
    return found


def _died_in(deaths: Sequence[Mapping[str, Field]]) -> frozenset[str]:
    """Return the queues of deaths, most recent first, up to where the message was rejected."""
    since = takewhile(lambda death: _text(death, "reason") != _REJECTED, deaths)
    return frozenset([_text(death, "queue") for death in since])


def _headers(properties: Properties) -> dict[str, Field]:
    """Return the headers; none if the table, which was passed on unread, cannot be decoded."""
    try:
        return properties.headers()
    except WireError:
        return {}


def _carbon_copies(headers: Mapping[str, Field]) -> list[str]:
    field = headers.get("CC")
    keys = plain(field) if field is not None and field.kind == "A" else []
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, list) else []


def _deaths(headers: Mapping[str, Field]) -> list[dict[str, Field]]:
    """Return the valid tables of x-death, in which a client may have sent anything."""
    field = headers.get("x-death")
    listed = field.value if field is not None else None
    if not isinstance(listed, list):
        return []
    tables = (each.value for each in listed)
    return _merged([dict(table) for table in tables if isinstance(table, dict)])[:DEATHS_MAX]


def _merged(deaths: list[dict[str, Field]]) -> list[dict[str, Field]]:
    """Return the first table of each kind; old brokers made a table for each death.

    A table without a count gets the number of tables of its kind.

    Source: RabbitMQ, rabbit_dead_letter:group_by_queue_and_reason; a single entry stays as it is.
    """
    if len(deaths) == 1:
        return deaths
    kinds = [(_text(death, "queue"), _text(death, "reason")) for death in deaths]
    counts = Counter(kinds)
    firsts = dict(zip(reversed(kinds), reversed(deaths), strict=True))
    return [
        firsts[kind] if "count" in firsts[kind] else {"count": Field("l", count), **firsts[kind]}
        for kind, count in counts.items()
    ]


def _with_death(deaths: list[dict[str, Field]], death: dict[str, Field]) -> list[dict[str, Field]]:
    """Return the deaths with this one in front, counted together with an equal one."""
    kind = (_text(death, "queue"), _text(death, "reason"))
    for index, earlier in enumerate(deaths):
        if (_text(earlier, "queue"), _text(earlier, "reason")) == kind:
            earlier["count"] = Field("l", _counted_up(earlier.get("count")))
            return [earlier, *deaths[:index], *deaths[index + 1 :]]
    return [death, *deaths][:DEATHS_MAX]


def _counted_up(count: Field | None) -> int:
    """Return the count plus one; a client's may be no number, or the largest possible."""
    if count is None or count.kind not in INTEGER_KINDS or not isinstance(count.value, int):
        return 1
    return min(count.value, COUNT_MAX - 1) + 1


def _death(
    record: Record,
    reason: DeathReason,
    queue_name: str,
    own_keys: Sequence[str],
    expiration: bytes | None,
    wall_s: int,
) -> dict[str, Field]:
    keys: FieldValue = [longstr(key) for key in own_keys]
    death = {
        "count": Field("l", 1),
        "reason": longstr(reason.value),
        "queue": longstr(queue_name),
        "time": Field("T", wall_s),
        "exchange": longstr(record.exchange),
        "routing-keys": Field("A", keys),
    }
    if expiration is None:
        return death
    return {"original-expiration": Field("S", expiration[1:]), **death}


def _text(death: Mapping[str, Field], key: str) -> str:
    field = death.get(key)
    value = plain(field) if field is not None else ""
    return value if isinstance(value, str) else ""
