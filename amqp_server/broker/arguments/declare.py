"""Every argument of queues, exchanges and consumers: its type, its range, what it is equal to.

The order of a declare, as RabbitMQ goes about it: a queue that exists is compared
(``check_equivalent_queue``) and nothing else of the request is looked at; a new one is validated
(``validate_queue``), then configured from arguments and policy (``broker.arguments.options``).

Source: RabbitMQ 3.13; texts and orders of checking were measured on 3.10.
"""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from amqp_server.broker.arguments.rules import (
    ALTERNATE_EXCHANGE,
    CONSUMER_RULES,
    CONSUMER_VALUES,
    DEAD_LETTER_EXCHANGE,
    QUEUE_LIMITS,
    QUEUE_RULES,
    QUEUE_TYPE,
    Rule,
    int_of,
    integer_in,
    of_type,
)
from amqp_server.broker.errors import (
    BrokerError,
    NotSupportedError,
    PreconditionFailedError,
    ResourceLockedError,
)
from amqp_server.broker.names import queue_text
from amqp_server.broker.terms import field_text
from amqp_server.wire.tables import INTEGER_KINDS, TYPE_NAMES, Field, Table, longstr, plain
from queues.kinds import DEFAULT_KIND, KINDS, QueueKind, Refusal, RefusedAs, Request, requests_of

_KINDS_MAX: Final = 16

_RulesAndForeign: TypeAlias = tuple[Mapping[str, Rule], frozenset[str]]
"""The rules of a type in their order, and the arguments that only other types know."""

_ERRORS: Final[Mapping[RefusedAs, type[BrokerError]]] = {
    RefusedAs.PRECONDITION: PreconditionFailedError,
    RefusedAs.LOCKED: ResourceLockedError,
    RefusedAs.NOT_SUPPORTED: NotSupportedError,
}


class QueueProperties(NamedTuple):
    """What a declare asks for, or what a queue was declared with."""

    durable: bool
    exclusive: bool
    auto_delete: bool
    arguments: Table


class ExchangeProperties(NamedTuple):
    """What a declare asks for, or what an exchange was declared with."""

    exchange_type: str
    durable: bool
    auto_delete: bool
    internal: bool
    arguments: Table


class ConsumerArguments(NamedTuple):
    """What basic.consume's arguments ask for.

    Attributes:
        priority: higher is served first.
        consumer_timeout_ms: an unacked delivery older than this closes the channel; None leaves
            it to the queue.
        of_kind: all that the queue's kind has, as plain values, for its engine.
    """

    priority: int = 0
    consumer_timeout_ms: int | None = None
    of_kind: Mapping[str, object] = MappingProxyType({})


_NO_ARGUMENTS: Final = ConsumerArguments()


# ── a new queue ──


def with_default_queue_type(
    arguments: Table,
    default_kind: QueueKind | None,
    *,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
) -> Table:
    """Return the arguments with the vhost's or node's default type, where none is named.

    A default leaves alone the declares that it could not take, for the flags that they have. None
    is no default.
    """
    if default_kind is None or QUEUE_TYPE in arguments:
        return arguments
    asked = requests_of(durable=durable, exclusive=exclusive, auto_delete=auto_delete)
    if any(map(default_kind.refusal, asked)):
        return arguments
    return {**arguments, QUEUE_TYPE: longstr(default_kind.name)}


def queue_kind(queue_name: str, vhost: str, arguments: Table) -> QueueKind:
    """Return the type of queue that the arguments ask for; classic when they say nothing.

    Raises:
        PreconditionFailedError: no such type.
    """
    field = arguments.get(QUEUE_TYPE)
    if field is None:
        return DEFAULT_KIND
    wrong = of_type("S")(field, arguments)
    name = field_text(field)
    kind = KINDS.get(name)
    if wrong is None and kind is not None:
        return kind
    if wrong is None:
        wrong = f"\"unsupported queue type '{name}'\""
    raise _invalid(QUEUE_TYPE, queue_name, vhost, wrong)


def refused(refusal: Refusal, queue_name: str, vhost: str) -> BrokerError:
    """Return the error of asking a queue for what its kind does not do."""
    text = refusal.text.replace("{queue}", queue_text(vhost, queue_name))
    return _ERRORS[refusal.error](text)


def check_server_named(queue_name: str, vhost: str, kind: QueueKind) -> None:
    """Refuse a declare with an empty name for a type whose queues must be named.

    Raises:
        PreconditionFailedError: it must.
    """
    refusal = kind.refusal(Request.UNNAMED)
    if refusal is not None:
        raise refused(refusal, queue_name, vhost)


def validate_queue(
    queue_name: str,
    vhost: str,
    arguments: Table,
    *,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
) -> QueueKind:
    """Check everything that is said about a new queue; return its type.

    Raises:
        PreconditionFailedError: an argument has a wrong type or value, or belongs to another
            queue type, or the type cannot have one of the flags. The first that RabbitMQ finds.
    """
    if not arguments:
        return DEFAULT_KIND
    dead_letter_exchange = arguments.get(DEAD_LETTER_EXCHANGE)
    if dead_letter_exchange is not None and dead_letter_exchange.kind != "S":
        raise PreconditionFailedError(
            f"invalid type '{TYPE_NAMES[dead_letter_exchange.kind]}' for arg "
            f"'{DEAD_LETTER_EXCHANGE}' in queue '{queue_name}' in vhost '{vhost}'"
        )
    kind = queue_kind(queue_name, vhost, arguments)
    _check(queue_name, vhost, kind, arguments, _declare_rules(kind, tuple(KINDS.values())))
    for request in requests_of(durable=durable, exclusive=exclusive, auto_delete=auto_delete):
        refusal = kind.refusal(request)
        if refusal is not None:
            raise refused(refusal, queue_name, vhost)
    _check_limits(kind, arguments)
    return kind


def _check_limits(kind: QueueKind, arguments: Table) -> None:
    for key, (allowed, text) in QUEUE_LIMITS.items():
        if key in kind.arguments and key in arguments and int_of(arguments[key]) not in allowed:
            raise PreconditionFailedError(text)


@lru_cache(_KINDS_MAX)
def _declare_rules(kind: QueueKind, kinds: tuple[QueueKind, ...]) -> _RulesAndForeign:
    of_any = frozenset[str]().union(*[each.arguments for each in kinds])
    rules = {key: rule for key, rule in QUEUE_RULES.items() if key in kind.arguments}
    return rules, of_any.difference(kind.arguments)


@lru_cache(_KINDS_MAX)
def _consumer_rules(kind: QueueKind, kinds: tuple[QueueKind, ...]) -> _RulesAndForeign:
    of_any = frozenset[str]().union(*[each.consumer_arguments for each in kinds])
    known = kind.consumer_arguments
    rules = {key: CONSUMER_RULES[key] for key in known if key in CONSUMER_RULES}
    return rules, of_any.difference(known)


def _check(
    queue_name: str,
    vhost: str,
    kind: QueueKind,
    arguments: Table,
    rules_and_foreign: _RulesAndForeign,
) -> None:
    """Apply the rules in their order, then refuse arguments of other types, as they were sent."""
    rules, foreign = rules_and_foreign
    for key, rule in rules.items():
        if key in arguments and (wrong := rule(arguments[key], arguments)) is not None:
            raise _invalid(key, queue_name, vhost, wrong)
    for key in arguments:
        if key in foreign:
            raise PreconditionFailedError(
                f"invalid arg '{key}' for queue '{queue_name}' in vhost '{vhost}' "
                f"of queue type {kind.module}"
            )


# ── a queue or exchange that exists ──


def check_equivalent_queue(
    queue_name: str, vhost: str, current: QueueProperties, received: QueueProperties
) -> None:
    """Refuse a redeclare that differs from the queue that exists.

    Whether another connection owns an exclusive queue must have been asked before this.

    Raises:
        ResourceLockedError: the exclusive flags differ (405).
        PreconditionFailedError: a flag, or an argument that the queue's type knows, differs (406).
    """
    if current.exclusive != received.exclusive:
        raise locked_queue(queue_name, vhost)
    thing = f"queue '{queue_name}' in vhost '{vhost}'"
    _require_equal(thing, "durable", current.durable, received.durable)
    _require_equal(thing, "auto_delete", current.auto_delete, received.auto_delete)
    kind = queue_kind(queue_name, vhost, current.arguments)
    for key in kind.arguments:
        ours, theirs = current.arguments.get(key), received.arguments.get(key)
        if key == QUEUE_TYPE and _names_default(ours) and _names_default(theirs):
            continue
        _require_same_argument(thing, key, ours, theirs)


def check_equivalent_exchange(
    exchange_name: str, vhost: str, current: ExchangeProperties, received: ExchangeProperties
) -> None:
    """Refuse a redeclare that differs from the exchange that exists.

    Raises:
        PreconditionFailedError: the type, a flag or the alternate exchange differs (406).
    """
    thing = f"exchange '{exchange_name}' in vhost '{vhost}'"
    _require_equal(thing, "type", current.exchange_type, received.exchange_type)
    _require_equal(thing, "durable", current.durable, received.durable)
    _require_equal(thing, "auto_delete", current.auto_delete, received.auto_delete)
    _require_equal(thing, "internal", current.internal, received.internal)
    ours = current.arguments.get(ALTERNATE_EXCHANGE)
    _require_same_argument(
        thing, ALTERNATE_EXCHANGE, ours, received.arguments.get(ALTERNATE_EXCHANGE)
    )


def locked_queue(queue_name: str, vhost: str) -> ResourceLockedError:
    """Return the error of using a queue that is exclusive to another connection (405)."""
    return ResourceLockedError(
        f"cannot obtain exclusive access to locked queue '{queue_name}' in vhost '{vhost}'. It "
        "could be originally declared on another connection or the exclusive property value "
        "does not match that of the original declaration."
    )


def _names_default(field: Field | None) -> bool:
    return field is None or field == longstr(DEFAULT_KIND.name)


def _require_equal(thing: str, name: str, current: bool | str, received: bool | str) -> None:  # noqa: FBT001 -- values, not switches
    if current != received:
        ours, theirs = str(current), str(received)
        if isinstance(current, bool):
            ours, theirs = ours.lower(), theirs.lower()
        raise PreconditionFailedError(
            f"inequivalent arg '{name}' for {thing}: received '{theirs}' but current is '{ours}'"
        )


def _require_same_argument(
    thing: str, key: str, current: Field | None, received: Field | None
) -> None:
    if current is None and received is None:
        return
    if current is not None and received is not None:
        if _class(current) == _class(received) and current.value == received.value:
            return
        shown = [_bare(received), _bare(current)]
    else:
        shown = [_with_type(received), _with_type(current)]
    raise PreconditionFailedError(
        f"inequivalent arg '{key}' for {thing}: received {shown[0]} but current is {shown[1]}"
    )


def _class(field: Field) -> str:
    """Return what two fields must share to be comparable: the widths of a number do not count."""
    if field.kind in INTEGER_KINDS:
        return "integer"
    return "float" if field.kind in {"f", "d"} else field.kind


def _bare(field: Field) -> str:
    return "none" if field.kind == "V" else f"'{field_text(field)}'"


def _with_type(field: Field | None) -> str:
    if field is None:
        return "none"
    return f"the value '{field_text(field)}' of type '{TYPE_NAMES[field.kind]}'"


# ── exchanges and consumers ──


def validate_exchange(exchange_name: str, vhost: str, arguments: Table) -> None:
    """Check the arguments of a new exchange; those of its type are the type's own business.

    Raises:
        PreconditionFailedError: the alternate exchange is not a name.
    """
    field = arguments.get(ALTERNATE_EXCHANGE)
    if field is not None and field.kind != "S":
        raise PreconditionFailedError(
            f"invalid type '{TYPE_NAMES[field.kind]}' for arg '{ALTERNATE_EXCHANGE}' "
            f"in exchange '{exchange_name}' in vhost '{vhost}'"
        )


def consumer_arguments(
    queue_name: str, vhost: str, kind: QueueKind, arguments: Table
) -> ConsumerArguments:
    """Check and read the arguments of basic.consume.

    ``x-cancel-on-ha-failover`` is accepted: nothing fails over on a single node.

    Raises:
        PreconditionFailedError: a wrong type or value, or an argument of another queue type.
    """
    if not arguments:
        return _NO_ARGUMENTS
    _check(queue_name, vhost, kind, arguments, _consumer_rules(kind, tuple(KINDS.values())))
    return ConsumerArguments(
        integer_in(arguments, "x-priority") or 0,
        integer_in(arguments, "x-consumer-timeout"),
        {
            key: CONSUMER_VALUES.get(key, plain)(arguments[key])
            for key in kind.consumer_arguments
            if key in arguments
        },
    )


def _invalid(key: str, queue_name: str, vhost: str, term: str) -> PreconditionFailedError:
    return PreconditionFailedError(
        f"invalid arg '{key}' for queue '{queue_name}' in vhost '{vhost}': {term}"
    )
