"""Policies that change from one life of the node to the next, through its definitions file.

A queue is never too long in some lives; in others it is cut to its newest ``LENGTH_MAX`` messages,
and what is too much goes to a dead letter queue, or, where the policy names none, is dropped. So
what is lost is in neither queue and could not have been dropped.
"""

import json
from collections.abc import Sequence
from typing import Final, NamedTuple

from amqp_server.broker.access.passwords import hash_password
from load_generator import wire
from load_generator.session import Session
from tests.crash.history import Action, Kind, Row, Value

POLICED: Final = "crash.policed"
POLICED_DEAD: Final = "crash.policed.dead"
LENGTH_MAX: Final = 50
_EXCHANGE: Final = "crash.policed.dlx"
_SALT: Final = b"salt"


class Policy(NamedTuple):
    """The queue in the definitions file.

    Attributes:
        definition: of the policy.
        drops: whether what is too much is dropped.
    """

    definition: dict[str, int | str]
    drops: bool = False


POLICIES: Final = (
    Policy({"max-length": 1_000_000}),
    Policy({"max-length": LENGTH_MAX, "dead-letter-exchange": _EXCHANGE}),
    Policy({"max-length": LENGTH_MAX}, drops=True),
)


def declare_policed(session: Session) -> None:
    """Declare the dead letter exchange, and bind its queue, which is there."""
    declare = wire.exchange_declare(1, _EXCHANGE, "fanout", durable=True)
    session.call(declare, wire.EXCHANGE_DECLARE_OK)
    session.call(wire.queue_bind(1, POLICED_DEAD, _EXCHANGE, ""), wire.QUEUE_BIND_OK)


def definitions_of(vhosts: Sequence[str], policy: Policy) -> str:
    """Return the text of a definitions file with these vhosts, open to guest, and the policy."""
    guest = {
        "name": "guest",
        "password_hash": hash_password("guest", _SALT),
        "hashing_algorithm": "rabbit_password_hashing_sha256",
        "tags": ["administrator"],
    }
    rights = {"user": "guest", "configure": ".*", "write": ".*", "read": ".*"}
    policed = {"name": "policed", "pattern": f"^{POLICED}$", "apply-to": "queues", "priority": 1}
    definitions = {
        "users": [guest],
        "vhosts": [{"name": vhost} for vhost in vhosts],
        "permissions": [{**rights, "vhost": vhost} for vhost in vhosts],
        "policies": [
            {**policed, "vhost": vhost, "definition": policy.definition} for vhost in vhosts
        ],
    }
    return json.dumps(definitions)


def not_droppable(history: Sequence[Row], values: Sequence[Value]) -> tuple[Value, ...]:
    """Return the values that were never too much: too few others can have been behind them.

    What is dropped is the head of the queue, with ``LENGTH_MAX`` behind it. Behind a value is what
    had no confirm when the value was published.

    Args:
        history: of the queue.
        values: that were published, and in doubt.
    """
    doubted = set(values)
    attempts_count = sum(
        row.action is Action.ENQUEUE and row.kind is Kind.INVOKE for row in history
    )
    before_count = 0
    found: list[Value] = []
    for row in history:
        if row.action is not Action.ENQUEUE:
            continue
        if row.kind is Kind.OK:
            before_count += 1
        elif row.kind is Kind.INVOKE and row.value in doubted:
            others_count = attempts_count - 1 - before_count
            if others_count < LENGTH_MAX and row.value is not None:
                found.append(row.value)
    return tuple(found)
