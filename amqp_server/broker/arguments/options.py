"""The effective options of queues and exchanges: arguments, policies and the node's defaults.

Source: RabbitMQ 3.13.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from amqp_server.broker.arguments.rules import (
    ALTERNATE_EXCHANGE,
    AT_LEAST_ONCE,
    DEAD_LETTER_EXCHANGE,
    DEDUPLICATES,
    DEDUPLICATION_HEADER,
    DURABILITY,
    QUEUE_TYPE,
    integer_in,
)
from amqp_server.broker.arguments.streams import age_ms
from amqp_server.broker.terms import field_text
from amqp_server.wire.tables import Field, Table
from queues.deduplication.message_key import HEADER
from queues.kinds import QueueKind
from queues.options import Durability, Overflow, QueueOptions

DURABILITY_KEY: Final = "durability"
_TYPE_ALONE: Final = frozenset((QUEUE_TYPE,))
_PLAIN_OPTIONS_MAX: Final = 16
"""Options without argument or policy that are kept: one for each queue type of a node."""


def queue_options(
    kind: QueueKind,
    arguments: Table,
    policy: Mapping[str, object],
    default_consumer_timeout_ms: int | None = None,
    default_durability: Durability = Durability.FSYNC,
) -> QueueOptions:
    """Return the effective options of a queue.

    Limits and spans: the smaller of argument and policy. Dead-lettering and durability: the
    argument wins. Overflow: the queue type says.

    Args:
        kind: the queue's type.
        arguments: as declared, validated.
        policy: the effective definition of user and operator policy, validated; may be empty.
        default_consumer_timeout_ms: the node's; None is never.
        default_durability: the node's.

    Source: RabbitMQ 3.13, see "Winner" in the inventory: not one rule, but users rely on each.
    """
    if not policy and (not arguments or arguments.keys() <= _TYPE_ALONE):
        return _plain_options(kind, default_consumer_timeout_ms, default_durability)
    timeout_ms = _smaller(arguments, policy, "consumer-timeout")
    durability = _text(arguments.get(DURABILITY), policy.get(DURABILITY_KEY))
    overflow = _overflow(kind, arguments, policy)
    return QueueOptions(
        message_ttl_ms=_smaller(arguments, policy, "message-ttl"),
        expires_ms=_smaller(arguments, policy, "expires"),
        max_length=_smaller(arguments, policy, "max-length"),
        max_length_bytes=(
            _first(arguments, policy, "max-length-bytes")
            if kind.policy_decides_retention
            else _smaller(arguments, policy, "max-length-bytes")
        ),
        overflow=overflow,
        dead_letter_exchange=_text(
            arguments.get("x-dead-letter-exchange"), policy.get("dead-letter-exchange")
        ),
        dead_letter_routing_key=_text(
            arguments.get("x-dead-letter-routing-key"), policy.get("dead-letter-routing-key")
        ),
        dead_letters_at_least_once=(
            overflow is Overflow.REJECT_PUBLISH and wants_at_least_once(arguments, policy)
        ),
        max_priority=integer_in(arguments, "x-max-priority") or None,
        durability=default_durability if durability is None else Durability(durability),
        single_active_consumer=_is_true(arguments.get("x-single-active-consumer")),
        delivery_limit=_delivery_limit(kind, arguments, policy),
        consumer_timeout_ms=default_consumer_timeout_ms if timeout_ms is None else timeout_ms,
        max_age_ms=_age_ms(arguments, policy, "max-age"),
        segment_bytes_max=_first(arguments, policy, "stream-max-segment-size-bytes"),
        segment_age_ms=_age_ms(arguments, policy, "stream-max-segment-age"),
        filter_bytes=_first(arguments, policy, "stream-filter-size-bytes"),
        compact_key=_policy_text(arguments, policy, "stream-compact-key"),
        tombstone_age_ms=_age_ms(arguments, policy, "stream-compact-tombstone-age"),
        deduplication_header=_deduplication_header(arguments),
    )


def wants_at_least_once(arguments: Table, policy: Mapping[str, object]) -> bool:
    """Whether dead letters are to be kept until they are confirmed; a full queue must refuse then.

    Source: RabbitMQ, rabbit_quorum_queue:dlh: with another overflow it is once at most.
    """
    strategy = _text(arguments.get("x-dead-letter-strategy"), policy.get("dead-letter-strategy"))
    exchange = _text(arguments.get(DEAD_LETTER_EXCHANGE), policy.get("dead-letter-exchange"))
    return strategy == AT_LEAST_ONCE and exchange is not None


@lru_cache(_PLAIN_OPTIONS_MAX)
def _plain_options(
    kind: QueueKind, default_consumer_timeout_ms: int | None, default_durability: Durability
) -> QueueOptions:
    """Return what nearly all queues share: the options where arguments and policy say nothing."""
    return QueueOptions(
        durability=default_durability,
        delivery_limit=kind.delivery_limit,
        consumer_timeout_ms=default_consumer_timeout_ms,
    )


def _deduplication_header(arguments: Table) -> str | None:
    """Return the header by which a queue tells duplicates; None if it takes all messages."""
    if not _is_true(arguments.get(DEDUPLICATES)):
        return None
    return _text(arguments.get(DEDUPLICATION_HEADER), HEADER)


def durability_source(arguments: Table, policy: Mapping[str, object]) -> str:
    """Return what says the durability class of a queue: ``argument``, ``policy`` or ``node``."""
    if DURABILITY in arguments:
        return "argument"
    return "policy" if DURABILITY_KEY in policy else "node"


def _overflow(kind: QueueKind, arguments: Table, policy: Mapping[str, object]) -> Overflow:
    argument, policy_value = arguments.get("x-overflow"), policy.get("overflow")
    if kind.policy_decides_overflow and policy_value is not None:
        argument = None
    name = _text(argument, policy_value) or Overflow.DROP_HEAD.value
    overflow = Overflow(name)
    return Overflow.DROP_HEAD if overflow in kind.missing_overflows else overflow


def _delivery_limit(kind: QueueKind, arguments: Table, policy: Mapping[str, object]) -> int | None:
    """Return how often a message may come back: a negative limit is none, and loses to others."""
    given = _given(arguments, policy, "delivery-limit")
    if not given:
        return kind.delivery_limit
    limit = max(given) if min(given) < 0 else min(given)
    return None if limit < 0 else limit


def _smaller(arguments: Table, policy: Mapping[str, object], key: str) -> int | None:
    return min(_given(arguments, policy, key), default=None)


def _first(arguments: Table, policy: Mapping[str, object], key: str) -> int | None:
    """Return the policy's value, else the argument's."""
    value = policy.get(key)
    return value if isinstance(value, int) else integer_in(arguments, f"x-{key}")


def _age_ms(arguments: Table, policy: Mapping[str, object], key: str) -> int | None:
    """Return the policy's age in ms, else the argument's."""
    value, field = policy.get(key), arguments.get(f"x-{key}")
    if isinstance(value, str):
        return age_ms(value)
    return None if field is None else age_ms(field_text(field))


def _policy_text(arguments: Table, policy: Mapping[str, object], key: str) -> str | None:
    """Return the policy's text, else the argument's."""
    value, field = policy.get(key), arguments.get(f"x-{key}")
    if isinstance(value, str):
        return value
    return None if field is None else field_text(field)


def _given(arguments: Table, policy: Mapping[str, object], key: str) -> list[int]:
    values = (integer_in(arguments, f"x-{key}"), policy.get(key))
    return [value for value in values if isinstance(value, int)]


def _text(argument: Field | None, policy_value: object) -> str | None:
    if argument is not None:
        return field_text(argument)
    return policy_value if isinstance(policy_value, str) else None


def _is_true(field: Field | None) -> bool:
    return field is not None and field.value is True


def alternate_exchange(arguments: Table, policy: Mapping[str, object]) -> str | None:
    """Return where an exchange sends what it cannot route; the argument beats the policy."""
    return _text(arguments.get(ALTERNATE_EXCHANGE), policy.get(ALTERNATE_EXCHANGE))
