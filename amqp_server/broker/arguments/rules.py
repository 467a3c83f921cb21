"""What the value of each argument may be, whatever the queue type.

An argument is one of three things to a queue type: known (validated, compared), known to another
type only (refused), or unknown to all (kept and shown, neither validated nor compared). Which it is
says the type's row in ``queues.kinds``.

Source: RabbitMQ 3.13; texts and orders of checking were measured on 3.10.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from amqp_server.broker.arguments.streams import (
    FILTER_BYTES,
    SEGMENT_BYTES_MAX,
    offset_spec,
    wrong_age,
    wrong_filter,
    wrong_offset_spec,
)
from amqp_server.broker.terms import field_text
from amqp_server.wire.tables import INTEGER_KINDS, TYPE_NAMES, Field, Table
from queues.options import Durability, Overflow

SPAN_MAX_MS: Final = 315_360_000_000
"""Ten years: the longest TTL or expiry RabbitMQ takes."""

PRIORITY_MAX: Final = 255
SHORTSTR_MAX_BYTES: Final = 255

AT_LEAST_ONCE: Final = "at-least-once"
DEAD_LETTER_STRATEGIES: Final = ("at-most-once", AT_LEAST_ONCE)

QUEUE_TYPE: Final = "x-queue-type"
MAX_PRIORITY: Final = "x-max-priority"
DEAD_LETTER_EXCHANGE: Final = "x-dead-letter-exchange"
DURABILITY: Final = "x-durability"
DEDUPLICATES: Final = "x-message-deduplication"
DEDUPLICATION_HEADER: Final = "x-deduplication-header"
SEGMENT_BYTES: Final = "x-stream-max-segment-size-bytes"
FILTER_SIZE: Final = "x-stream-filter-size-bytes"
COMPACT_KEY: Final = "x-stream-compact-key"

ALTERNATE_EXCHANGE: Final = "alternate-exchange"
"""Of exchange.declare, and the policy key of the same name."""

Rule: TypeAlias = Callable[[Field, Table], "str | None"]
"""Returns what is wrong with a value, as the term that ends RabbitMQ's text; None if nothing."""


def _integer(field: Field, _arguments: Table) -> str | None:
    if field.kind not in INTEGER_KINDS:
        return f'"expected integer, got {TYPE_NAMES[field.kind]}"'
    return None


def _non_negative(field: Field, arguments: Table) -> str | None:
    return _integer(field, arguments) or _below_zero(int_of(field))


def _positive(field: Field, arguments: Table) -> str | None:
    wrong = _non_negative(field, arguments)
    return wrong or ("{value_zero,0}" if field.value == 0 else None)


def _below_zero(value: int) -> str | None:
    return f"{{value_negative,{value}}}" if value < 0 else None


def _at_most(limit: int, term: str, rule: Rule) -> Rule:
    def check(field: Field, arguments: Table) -> str | None:
        wrong = rule(field, arguments)
        if wrong is None and int_of(field) > limit:
            return f"{{{term},{int_of(field)}}}"
        return wrong

    return check


def of_type(kind: str) -> Rule:
    """Return the rule that a value has exactly this AMQP type."""

    def check(field: Field, _arguments: Table) -> str | None:
        if field.kind != kind:
            return f"{{unacceptable_type,{TYPE_NAMES[field.kind]}}}"
        return None

    return check


def _one_of(values: tuple[str, ...], term: str) -> Rule:
    is_longstr = of_type("S")

    def check(field: Field, arguments: Table) -> str | None:
        wrong = is_longstr(field, arguments)
        if wrong is None and field_text(field) not in values:
            return term.format(field_text(field))
        return wrong

    return check


def _dead_letter_routing_key(field: Field, arguments: Table) -> str | None:
    wrong = of_type("S")(field, arguments)
    if wrong is None and DEAD_LETTER_EXCHANGE not in arguments:
        return "routing_key_but_no_dlx_defined"
    return wrong or _shortstr(field, arguments)


def _shortstr(field: Field, _arguments: Table) -> str | None:
    """RabbitMQ finds out when it first dead-letters; a name or key never is longer than this."""
    size_bytes = len(field_text(field).encode("utf-8", "surrogateescape"))
    return f"{{max_length_exceeded,{size_bytes}}}" if size_bytes > SHORTSTR_MAX_BYTES else None


def _queue_version(field: Field, arguments: Table) -> str | None:
    wrong = _integer(field, arguments)
    if wrong is None and field.value not in {1, 2}:
        return f"\"unsupported queue version '{int_of(field)}'\""
    return wrong


def _name(field: Field, arguments: Table) -> str | None:
    wrong = of_type("S")(field, arguments) or _shortstr(field, arguments)
    return wrong or (None if field_text(field) else "{empty_name}")


def _no_window(_field: Field, arguments: Table) -> str | None:
    """The keys of a queue are those of its messages; an exchange has a window."""
    field = arguments.get(DEDUPLICATES)
    return "queues_have_no_cache" if field is not None and field.value is True else None


def _tombstone_age(field: Field, arguments: Table) -> str | None:
    wrong = wrong_age(field, arguments)
    if wrong is None and COMPACT_KEY not in arguments:
        return "tombstone_age_but_no_compact_key_defined"
    return wrong


_SPAN_MS: Final = _at_most(SPAN_MAX_MS, "value_too_large", _non_negative)
_LOCATORS: Final = ("client-local", "balanced", "random", "least-leaders")

QUEUE_RULES: Final[Mapping[str, Rule]] = {
    "x-expires": _at_most(SPAN_MAX_MS, "value_too_large", _positive),
    "x-message-ttl": _SPAN_MS,
    DEAD_LETTER_EXCHANGE: _shortstr,
    "x-dead-letter-routing-key": _dead_letter_routing_key,
    "x-dead-letter-strategy": _one_of(DEAD_LETTER_STRATEGIES, "invalid_dlx_strategy"),
    "x-max-length": _non_negative,
    "x-max-length-bytes": _non_negative,
    "x-max-in-memory-length": _non_negative,
    "x-max-in-memory-bytes": _non_negative,
    MAX_PRIORITY: _at_most(PRIORITY_MAX, "max_value_exceeded", _non_negative),
    "x-overflow": _one_of(tuple(overflow.value for overflow in Overflow), "invalid_overflow"),
    "x-queue-mode": _one_of(("default", "lazy"), "\"unsupported queue mode '{}'\""),
    "x-queue-version": _queue_version,
    "x-single-active-consumer": of_type("t"),
    "x-quorum-initial-group-size": _positive,
    "x-queue-leader-locator": _one_of(_LOCATORS, "invalid_queue_locator_arg"),
    "x-queue-master-locator": _one_of(
        ("min-masters", "client-local", "random"), "invalid_queue_locator_arg"
    ),
    "x-delivery-limit": _integer,
    "x-consumer-timeout": _SPAN_MS,
    "x-max-age": wrong_age,
    SEGMENT_BYTES: _non_negative,
    "x-stream-max-segment-age": wrong_age,
    FILTER_SIZE: _non_negative,
    COMPACT_KEY: _name,
    "x-stream-compact-tombstone-age": _tombstone_age,
    "x-initial-cluster-size": _positive,
    DEDUPLICATES: of_type("t"),
    DEDUPLICATION_HEADER: _name,
    "x-cache-size": _no_window,
    "x-cache-ttl": _no_window,
    DURABILITY: _one_of(
        tuple(durability.value for durability in Durability), "\"unsupported durability '{}'\""
    ),
}
"""In RabbitMQ's order of checking; three before the last it does not check (and fails with 541).

The last five are no arguments of RabbitMQ's: to it they are like any other word.
"""

QUEUE_LIMITS: Final[Mapping[str, tuple[range, str]]] = {
    SEGMENT_BYTES: (range(SEGMENT_BYTES_MAX + 1), f"Exceeded max value for {SEGMENT_BYTES}"),
    FILTER_SIZE: (FILTER_BYTES, f"Invalid value for {FILTER_SIZE}"),
}
"""Integers that RabbitMQ checks once more when all else is right, and the text if they are out."""

CONSUMER_RULES: Final[Mapping[str, Rule]] = {
    "x-priority": _integer,
    "x-cancel-on-ha-failover": of_type("t"),
    "x-consumer-timeout": _SPAN_MS,
    "x-stream-offset": wrong_offset_spec,
    "x-stream-filter": wrong_filter,
    "x-stream-match-unfiltered": of_type("t"),
    "x-stream-automatic-offset-tracking": of_type("t"),
    "x-stream-group": _name,
}

CONSUMER_VALUES: Final[Mapping[str, Callable[[Field], object]]] = {"x-stream-offset": offset_spec}
"""How the value of an argument becomes what its engine gets, where that is not the plain value."""


def int_of(field: Field) -> int:
    """Return the value of a field that is known to be an integer."""
    assert isinstance(field.value, int), "only asked of integer fields"
    return field.value


def integer_in(arguments: Table, key: str) -> int | None:
    """Return the value of an argument that is an integer, if anything; None where there is none."""
    field = arguments.get(key)
    return None if field is None else int_of(field)
