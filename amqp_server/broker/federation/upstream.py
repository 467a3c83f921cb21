"""Upstreams and sets of them, as the parameters that define them.

Source: RabbitMQ 3.10, rabbit_federation_parameters: names, defaults, order and texts of its
validation; ``queue-type`` is of later versions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, cast

from amqp_server.broker.arguments.rules import SHORTSTR_MAX_BYTES
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.shovels.uris import UriError, amqp_uri
from amqp_server.broker.terms import json_term
from exchanges.erlang_terms import erlang_term

UPSTREAM: Final = "federation-upstream"
UPSTREAM_SET: Final = "federation-upstream-set"
UPSTREAM_PATTERN: Final = "federation-upstream-pattern"
COMPONENTS: Final = (UPSTREAM, UPSTREAM_SET)
PREFETCH: Final = 1000
PREFETCH_MAX: Final = 65_535
RECONNECT_DELAY_S: Final = 5.0
DELAY_MIN_S: Final = 0.1
DELAY_MAX_S: Final = 86_400.0
HOPS_MAX: Final = 32_767
"""A binding carries its hops as a short."""

_Check: TypeAlias = Callable[[object], str | None]
"""Returns what a value should be; None where it is so."""


@dataclass(frozen=True, slots=True)
class Upstream:
    """Where to take messages from, and how.

    Attributes:
        uris: of one broker or cluster; the first that answers.
        exchange, queue: their names there; None is the same as here.
        max_hops: how many links a message may have gone over.
        expires_ms, message_ttl_ms: of the queue there; None is without end.
        ha_policy: argument ``x-ha-policy`` of the queue there; None is without.
        queue_type: of the queue there; None is its broker's default.
        consumer_tag: of a federated queue's consumer; None is made of the upstream's name.
        settling_mode: ``on-confirm``, ``on-publish`` or ``no-ack``.
        has_trusted_user_ids: whether the user-id of messages is kept.
        keeps_resources: what a link made there stays when the link is gone.
    """

    name: str
    uris: tuple[str, ...] = field(repr=False)  # they have passwords
    exchange: str | None = None
    queue: str | None = None
    prefetch: int = PREFETCH
    reconnect_delay_s: float = RECONNECT_DELAY_S
    max_hops: int = 1
    expires_ms: int | None = None
    message_ttl_ms: int | None = None
    ha_policy: str | None = None
    queue_type: str | None = None
    consumer_tag: str | None = None
    settling_mode: str = "on-confirm"
    has_trusted_user_ids: bool = False
    keeps_resources: bool = False


def check_parameter(component: str, name: str, value: object) -> None:
    """Check the value of a parameter of one of ``COMPONENTS``.

    Raises:
        PreconditionFailedError: it is not valid; one line for each fault.
    """
    if component == UPSTREAM:
        faults = _faults(name, _object(name, value), {"uri": _uris, **_SHARED}, "uri")
    else:
        if value == {}:
            value = []
        if not isinstance(value, list):
            raise PreconditionFailedError(f"{name}: the value of an upstream set is a list")
        faults = []
        for item in value:
            faults += _faults(name, _object(name, item), {"upstream": _text, **_SHARED}, "upstream")
    if faults:
        raise PreconditionFailedError("\n".join(faults))


def made_upstream(name: str, value: Mapping[str, Any], overrides: Mapping[str, Any]) -> Upstream:
    """Return the upstream of a valid parameter.

    Args:
        name: of the parameter.
        value: of the parameter.
        overrides: the item of a set that names it; what it says holds.
    """
    given = {**value, **{key: each for key, each in overrides.items() if key != "upstream"}}
    uris = given.get("uri", [])
    delay_s = given.get("reconnect-delay", RECONNECT_DELAY_S)
    return Upstream(
        name,
        (uris,) if isinstance(uris, str) else tuple(uris),
        given.get("exchange") or None,
        given.get("queue") or None,
        min(max(int(given.get("prefetch-count", PREFETCH)), 0), PREFETCH_MAX),
        min(max(float(delay_s), DELAY_MIN_S), DELAY_MAX_S),
        min(max(int(given.get("max-hops", 1)), 0), HOPS_MAX),
        _whole(given, "expires"),
        _whole(given, "message-ttl"),
        given.get("ha-policy"),
        given.get("queue-type"),
        given.get("consumer-tag") or None,
        given.get("ack-mode", "on-confirm"),
        given.get("trust-user-id", False),
        given.get("resource-cleanup-mode") == "never",
    )


def _whole(given: Mapping[str, Any], key: str) -> int | None:
    return int(given[key]) if key in given else None


def _object(name: str, value: object) -> Mapping[str, object]:
    if value == []:
        return {}
    if not isinstance(value, dict):
        raise PreconditionFailedError(f"{name}: an upstream is an object")
    return cast("Mapping[str, object]", value)


def _faults(
    name: str, value: Mapping[str, object], checks: Mapping[str, _Check], mandatory: str
) -> list[str]:
    """Return what is wrong, in RabbitMQ's order: the last key first."""
    unknown = [
        f"{{{json_term(key)},{json_term(value[key])}}}" for key in value if key not in checks
    ]
    faults = [f"Unrecognised terms [{','.join(unknown)}] in {name}"] if unknown else []
    for key in reversed(tuple(checks)):
        if key in value:
            fault = checks[key](value[key])
            if fault is not None:
                faults.append(fault.replace("{key}", key, 1))
        elif key == mandatory:
            faults.append(f'Key "{key}" not found in {name}')
    return faults


def _uris(value: object) -> str | None:
    for uri in value if isinstance(value, list) else [value]:
        if not isinstance(uri, str):
            return f"uri should be list, actually was {json_term(uri)}"
        try:
            amqp_uri(uri)
        except UriError as error:
            return str(error)
    return None


def _text(value: object) -> str | None:
    if not isinstance(value, str):
        return f"{{key}} should be binary, actually was {json_term(value)}"
    if len(value.encode("utf-8", "replace")) > SHORTSTR_MAX_BYTES:
        return f"{{key}}: is longer than {SHORTSTR_MAX_BYTES} octets"
    return None


def _number(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{{key}} should be a number, actually was {json_term(value)}"
    return None


def _truth(value: object) -> str | None:
    if not isinstance(value, bool):
        return f"{{key}} should be boolean, actually was {json_term(value)}"
    return None


def _one_of(*words: str) -> _Check:
    def check(value: object) -> str | None:
        if not isinstance(value, str):
            return _text(value)
        if value in words:
            return None
        shown = ",".join(erlang_term(word) for word in words)
        return f"{{key}} should be one of [{shown}], actually was {json_term(value)}"

    return check


_SHARED: Final[Mapping[str, _Check]] = {
    "exchange": _text,
    "queue": _text,
    "consumer-tag": _text,
    "prefetch-count": _number,
    "reconnect-delay": _number,
    "max-hops": _number,
    "expires": _number,
    "message-ttl": _number,
    "trust-user-id": _truth,
    "ack-mode": _one_of("no-ack", "on-publish", "on-confirm"),
    "resource-cleanup-mode": _one_of("default", "never"),
    "ha-policy": _text,
    "bind-nowait": _truth,
    "channel-use-mode": _one_of("multiple", "single"),
    "queue-type": _one_of("classic", "quorum"),
}
"""In RabbitMQ's order, which is that of its errors from behind."""


def valid_upstream(name: str, value: object, overrides: Mapping[str, Any]) -> Upstream | None:
    """Return an upstream; None where its parameter, which was imported, is not valid."""
    try:
        check_parameter(UPSTREAM, name, value)
    except PreconditionFailedError:
        return None
    return made_upstream(name, cast("Mapping[str, Any]", value or {}), overrides)


def set_items(value: object) -> Sequence[Mapping[str, Any]]:
    """Return the items of an upstream set; none where it, which was imported, is not valid."""
    try:
        check_parameter(UPSTREAM_SET, "", value)
    except PreconditionFailedError:
        return ()
    return cast("Sequence[Mapping[str, Any]]", value or ())
