"""The keys that a policy may set, and the valid values of each.

Keys that mean nothing on a single node (``ha-*``, locators, group sizes) or in this version
(streams) are accepted and shown: a definitions file that RabbitMQ exported must load.

``durability``, ``stream-compact-key`` and ``stream-compact-tombstone-age`` are HareMQ's own keys.

Source: RabbitMQ 3.13 for keys, 3.10 for texts where it has the key.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from amqp_server.broker.access.patterns import PatternError, compile_pattern
from amqp_server.broker.arguments.rules import DEAD_LETTER_STRATEGIES, SHORTSTR_MAX_BYTES
from amqp_server.broker.arguments.streams import age_ms
from amqp_server.broker.terms import json_term, proplist
from queues.options import Durability, Overflow

_Check: TypeAlias = Callable[[object], bool]

_MAX_AGE: Final = re.compile(r"\A[0-9]+[YMDhms]\Z")
_LOCATORS: Final = ("client-local", "balanced", "random", "least-leaders")
_MASTER_LOCATORS: Final = ("min-masters", "client-local", "random")


def _integer_from(minimum: int) -> _Check:
    def check(value: object) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value >= minimum

    return check


def _one_of(*values: object) -> _Check:
    return lambda value: not isinstance(value, bool) and value in values


def _name(value: object) -> bool:
    if not isinstance(value, str):
        return False
    return len(value.encode("utf-8", "surrogateescape")) <= SHORTSTR_MAX_BYTES


def _compact_key(value: object) -> bool:
    return value != "" and _name(value)


def _max_age(value: object) -> bool:
    return isinstance(value, str) and _MAX_AGE.match(value) is not None


def _age(value: object) -> bool:
    return isinstance(value, str) and age_ms(value) is not None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_int(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_RULES: Final[Mapping[str, tuple[_Check, str]]] = {
    "alternate-exchange": (_name, "is not a valid alternate exchange name"),
    "consumer-timeout": (_integer_from(0), "is not a valid consumer timeout"),
    "dead-letter-exchange": (_name, "is not a valid dead letter exchange name"),
    "dead-letter-routing-key": (_name, "is not a valid dead letter routing key"),
    "dead-letter-strategy": (
        _one_of(*DEAD_LETTER_STRATEGIES),
        "is not a valid dead letter strategy",
    ),
    "delivery-limit": (_is_int, "is not a valid delivery limit"),
    "durability": (
        _one_of(*[durability.value for durability in Durability]),
        "is not a valid durability value",
    ),
    "expires": (_integer_from(1), "is not a valid queue expiry"),
    "federation-upstream": (_is_text, "is not a valid federation upstream name"),
    "federation-upstream-pattern": (_is_text, "is not a valid federation upstream pattern name"),
    "federation-upstream-set": (_is_text, "is not a valid federation upstream set name"),
    "initial-cluster-size": (_integer_from(0), "is not a valid cluster size"),
    "max-age": (_max_age, "is not a valid max age"),
    "max-in-memory-bytes": (_integer_from(0), "is not a valid maximum memory in bytes"),
    "max-in-memory-length": (_integer_from(0), "is not a valid maximum memory in bytes"),
    "max-length": (_integer_from(0), "is not a valid maximum length"),
    "max-length-bytes": (_integer_from(0), "is not a valid maximum length in bytes"),
    "message-ttl": (_integer_from(0), "is not a valid message TTL"),
    "overflow": (
        _one_of(*[overflow.value for overflow in Overflow]),
        "is not a valid overflow value",
    ),
    "queue-leader-locator": (_one_of(*_LOCATORS), "is not a valid queue leader locator value"),
    "queue-master-locator": (_one_of(*_MASTER_LOCATORS), "invalid queue-master-locator value"),
    "queue-mode": (_one_of("default", "lazy"), "is not a valid queue-mode value"),
    "queue-version": (_one_of(1, 2), "is not a valid queue-version value"),
    "stream-compact-key": (_compact_key, "is not a valid compact key"),
    "stream-compact-tombstone-age": (_age, "is not a valid tombstone age"),
    "stream-filter-size-bytes": (_one_of(*range(16, 256)), "is not a valid filter size"),
    "stream-max-segment-size-bytes": (_integer_from(0), "is not a valid segment size"),
    "target-group-size": (_integer_from(1), "is not a valid target group size"),
}

_MIRRORING: Final[Mapping[str, tuple[_Check, str]]] = {
    "ha-mode": (_one_of("all", "exactly", "nodes"), "{} is not a valid ha-mode value"),
    "ha-params": (lambda _value: True, "depends on ha-mode"),
    "ha-sync-mode": (
        _one_of("automatic", "manual"),
        'ha-sync-mode must be "manual" or "automatic", got {}',
    ),
    "ha-sync-batch-size": (
        _integer_from(1),
        "ha-sync-batch-size takes an integer greater than 0, {} given",
    ),
    "ha-promote-on-shutdown": (
        _one_of("always", "when-synced"),
        'ha-promote-on-shutdown must be "always" or "when-synced", got {}',
    ),
    "ha-promote-on-failure": (
        _one_of("always", "when-synced"),
        'ha-promote-on-failure must be "always" or "when-synced", got {}',
    ),
}

FEDERATION_KEYS: Final = frozenset(
    {"federation-upstream", "federation-upstream-pattern", "federation-upstream-set"}
)
"""The keys that name upstreams; a policy has one of them at most."""

OPERATOR_KEYS: Final = frozenset(
    {
        "consumer-timeout",
        "delivery-limit",
        "durability",
        "expires",
        "ha-mode",
        "ha-params",
        "ha-sync-mode",
        "max-in-memory-bytes",
        "max-in-memory-length",
        "max-length",
        "max-length-bytes",
        "message-ttl",
        "overflow",
        "queue-version",
        "target-group-size",
    }
)
"""The keys that an operator policy may set."""

OPERATOR_WINS: Final = frozenset({"queue-version", "ha-params"})
"""Numbers that are no limits: of two of them the operator's applies, not the smaller."""


def unknown_keys(definition: Mapping[str, object], *, operator: bool) -> list[str]:
    """Return the keys of a definition that such a policy does not have, in order."""
    return sorted(definition.keys() - _known(operator=operator))


def _known(*, operator: bool) -> frozenset[str]:
    known = frozenset(_RULES.keys() | _MIRRORING.keys())
    return known & OPERATOR_KEYS if operator else known


def wrong_definition(definition: object, *, operator: bool, is_imported: bool = False) -> list[str]:
    """Return the errors of a definition, in RabbitMQ's words; empty if there are none.

    Args:
        definition: as parsed from JSON.
        operator: whether it is of an operator policy, which may set fewer keys.
        is_imported: unknown keys are another node's and are accepted, because a policy has
            precedence over others even if we do not know its keys.
    """
    if not isinstance(definition, Mapping):
        return [f"definition should be an object, actually was {json_term(definition)}"]
    if not definition:
        return ["no policy provided"]
    known = _known(operator=operator)
    mirroring = {key: definition[key] for key in _MIRRORING if key in definition and key in known}
    wrong = _wrong_mirroring(mirroring)
    if wrong is not None:
        return [wrong]
    for key in sorted(definition.keys() & known & _RULES.keys()):
        is_valid, complaint = _RULES[key]
        if not is_valid(definition[key]):
            return [f"{json_term(definition[key])} {complaint}"]
    wrong = _wrong_federation(definition)
    if wrong is not None:
        return [wrong]
    if is_imported:
        return []
    unknown = {key: value for key, value in definition.items() if key not in known}
    return [f"{proplist(unknown)} are not recognised policy settings"] if unknown else []


def _wrong_federation(definition: Mapping[str, object]) -> str | None:
    """Return what is wrong with the keys that name upstreams, each of which is valid by itself."""
    named = FEDERATION_KEYS & definition.keys()
    if len(named) > 1:
        return (
            "cannot specify federation-upstream, federation-upstream-set or "
            "federation-upstream-pattern together"
        )
    pattern = definition.get("federation-upstream-pattern")
    if pattern is not None:
        try:
            compile_pattern(str(pattern))
        except PatternError as error:
            return (
                f"could not compile pattern {pattern} to a regular expression. "
                f'Error: {{"{error.reason}",{error.position}}}'
            )
    return None


def _wrong_mirroring(mirroring: Mapping[str, object]) -> str | None:
    """Return the errors of the ``ha-*`` keys, which depend on each other."""
    if not mirroring:
        return None
    if "ha-mode" not in mirroring:
        return (
            "ha-mode must be specified to specify ha-params, ha-sync-mode or ha-promote-on-shutdown"
        )
    for key, (is_valid, complaint) in _MIRRORING.items():
        if key in mirroring and not is_valid(mirroring[key]):
            return complaint.format(json_term(mirroring[key]))
    return _wrong_ha_params(mirroring["ha-mode"], mirroring.get("ha-params"))


def _wrong_ha_params(mode: object, parameter: object) -> str | None:
    given = "none" if parameter is None else json_term(parameter)
    match mode:
        case "all" if parameter is not None:
            return 'ha-mode="all" does not take parameters'
        case "exactly" if not _integer_from(1)(parameter):
            return f'ha-mode="exactly" takes an integer, {given} given'
        case "nodes":
            return _wrong_nodes(parameter)
        case _:
            return None


def _wrong_nodes(nodes: object) -> str | None:
    given = "none" if nodes is None else json_term(nodes)
    if not isinstance(nodes, list):
        return f'ha-mode="nodes" takes a list, {given} given'
    if not nodes:
        return 'ha-mode="nodes" list must be non-empty'
    if not all(isinstance(node, str) for node in nodes):
        return f'ha-mode="nodes" takes a list of strings, {given} was not a string'
    return None
