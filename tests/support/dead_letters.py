"""Messages that died, as the tests of dead letters make and read them."""

from amqp_server.broker.moves.dead_letters import DeadLetters, dead_letters
from amqp_server.wire.tables import Field, plain
from persistence.record import Record
from queues.effects import DeathReason
from tests.support.vhosts import headers_of

NOW_S = 1_700_000_000
REJECTED, EXPIRED = DeathReason.REJECTED, DeathReason.EXPIRED


def die(
    record: Record,
    reason: DeathReason = REJECTED,
    queue_name: str = "jobs",
    *,
    exchange_to: str = "dlx",
    routing_key_to: str | None = None,
    wall_s: int = NOW_S,
) -> DeadLetters:
    """Return a message that died, on its way to its dead letter exchange."""
    return dead_letters((record,), reason, queue_name, exchange_to, routing_key_to, wall_s)


def deaths_of(record: Record) -> list[dict[str, Field]]:
    """Return the entries of its x-death."""
    deaths = headers_of(record)["x-death"]
    assert isinstance(deaths.value, list)
    return [entry.value for entry in deaths.value if isinstance(entry.value, dict)]


def history_of(record: Record) -> list[tuple[object, object, object]]:
    """Return queue, reason and count of each entry."""
    return [
        tuple(plain(entry[key]) for key in ("queue", "reason", "count"))  # type: ignore[misc] # three
        for entry in deaths_of(record)
    ]
