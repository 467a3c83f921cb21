"""Definitions as they are stored: under a key of names, as JSON in ASCII.

    ("queue", "/", "jobs")   {"v": 1, "id": 7, "auto_delete": false, "arguments": "AAAA..."}

A key says what it is of and its names, so that a value holds only the rest. Arguments keep their
AMQP types: they are a field table in base64. Octets that are no text stay lone surrogates, which
JSON writes escaped. ``v`` is the version of a value: one that is not known is left alone.

    user                name
    vhost               name
    permissions         vhost, user
    topic permissions   vhost, user, exchange
    global parameter    name
    parameter           vhost, component, name
    vhost limits        vhost
    policy              vhost, name                  (operator policy: the same)
    exchange            vhost, name
    queue               vhost, name
    binding             vhost, source, queue or exchange, destination, routing key, digest
    queue ids           no names; {"v": 1, "end": 1025}

The digest of a binding stands for its arguments, which may be far larger than a key; it is empty
where they are.
"""

import binascii
import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, TypeAlias, TypeVar

from amqp_server.broker.access.users import TopicPermissions, User, VhostPermissions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    DestinationWord,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.policies.table import Policy
from amqp_server.wire.errors import MethodSyntaxError
from amqp_server.wire.tables import Table, decode_table, encode_table
from queues.options import QueueKind

Key: TypeAlias = tuple[str, ...]

VERSION: Final = 1
QUEUE_IDS_KEY: Final[Key] = ("queue ids",)

_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_Value = TypeVar("_Value")


class RecordError(Exception):
    """A stored value that this version cannot read."""


def key_of(definition: Definition) -> Key:  # noqa: C901, PLR0911, PLR0912 - one line for each kind
    """Return what a definition is stored under."""
    match definition:
        case QueueDefinition():
            return ("queue", definition.vhost, definition.name)
        case BindingDefinition():
            return _binding_key(definition)
        case ExchangeDefinition():
            return ("exchange", definition.vhost, definition.name)
        case User():
            return ("user", definition.name)
        case VhostDefinition():
            return ("vhost", definition.name)
        case VhostPermissions():
            return ("permissions", definition.vhost, definition.user)
        case TopicPermissions():
            return ("topic permissions", definition.vhost, definition.user, definition.exchange)
        case GlobalParameterDefinition():
            return ("global parameter", definition.name)
        case ParameterDefinition():
            return ("parameter", definition.vhost, definition.component, definition.name)
        case VhostLimitsDefinition():
            return ("vhost limits", definition.vhost)
        case PolicyDefinition():
            kind = "operator policy" if definition.operator else "policy"
            return (kind, definition.vhost, definition.policy.name)


def value_of(definition: Definition) -> bytes:
    """Return what is stored of a definition beside its key."""
    return _encode({"v": VERSION, **_fields_of(definition)}).encode("ascii")


def queue_ids_value(end: int) -> bytes:
    """Return what is stored when all ids of queues below ``end`` may have been given."""
    return _encode({"v": VERSION, "end": end}).encode("ascii")


def read_queue_ids_end(value: bytes) -> int:
    """Return the first id that was never given.

    Raises:
        RecordError: this version cannot read it.
    """
    return _read(value, lambda fields: _whole(fields["end"]))


def definition_of(key: Key, value: bytes) -> Definition:
    """Return what was stored.

    Raises:
        RecordError: this version cannot read it; the text says why.
    """
    reader = _READERS.get(key[0]) if key else None
    if reader is None:
        raise RecordError("this version knows nothing of this kind")
    return _read(value, lambda fields: reader(key[1:], fields))


def _fields_of(definition: Definition) -> dict[str, object]:
    match definition:
        case QueueDefinition():
            return {
                "id": definition.queue_id,
                "auto_delete": definition.auto_delete,
                "arguments": _text_of(definition.arguments),
            }
        case BindingDefinition():
            return {"arguments": _text_of(definition.arguments)}
        case ExchangeDefinition():
            return {
                "type": definition.exchange_type,
                "auto_delete": definition.auto_delete,
                "internal": definition.internal,
                "arguments": _text_of(definition.arguments),
            }
        case User() | VhostPermissions() | TopicPermissions():
            return _fields_of_right(definition)
        case VhostDefinition():
            kind = definition.default_queue_type
            return {
                "description": definition.description,
                "tags": definition.tags,
                "default_queue_type": None if kind is None else kind.value,
            }
        case GlobalParameterDefinition() | ParameterDefinition():
            return {"value": definition.value}
        case VhostLimitsDefinition():
            return {"limits": dict(definition.limits)}
        case PolicyDefinition():
            policy = definition.policy
            return {
                "pattern": policy.pattern,
                "definition": dict(policy.definition),
                "priority": policy.priority,
                "apply_to": policy.apply_to,
            }


def _fields_of_right(right: User | VhostPermissions | TopicPermissions) -> dict[str, object]:
    match right:
        case User():
            return {
                "password_hash": right.password_hash,
                "hashing_algorithm": right.hashing_algorithm,
                "tags": sorted(right.tags),
                "limits": dict(right.limits),
            }
        case VhostPermissions():
            return {"configure": right.configure, "write": right.write, "read": right.read}
        case TopicPermissions():
            return {"write": right.write, "read": right.read}


def _binding_key(binding: BindingDefinition) -> Key:
    digest = ""
    if binding.arguments:
        digest = sha256(encode_table(dict(sorted(binding.arguments.items())))).hexdigest()
    return (
        "binding",
        binding.vhost,
        binding.source,
        binding.destination_type,
        binding.destination,
        binding.routing_key,
        digest,
    )


def _text_of(arguments: Table) -> str:
    if not arguments:
        return ""
    return binascii.b2a_base64(encode_table(arguments), newline=False).decode("ascii")


def _table_of(text: object) -> Table:
    return decode_table(binascii.a2b_base64(_text(text), strict_mode=True))[0] if text else {}


# ── reading: whatever is not as it was written is an error, and never a default ──

_Fields: TypeAlias = Mapping[str, object]


def _read(value: bytes, reader: Callable[[_Fields], _Value]) -> _Value:
    try:
        fields = json.loads(value.decode())
        if not isinstance(fields, dict):
            raise RecordError("it is no JSON object")
        if fields.get("v") != VERSION:
            raise RecordError(f"it is of version {fields.get('v')}, and not {VERSION}")
        return reader(fields)
    except KeyError as error:
        raise RecordError(f"{error} is missing") from error
    except (ValueError, TypeError, RecursionError, MethodSyntaxError) as error:
        raise RecordError(f"it cannot be read: {error}") from error


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"expected a text, got {value!r:.40}")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"expected true or false, got {value!r:.40}")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected an integer, got {value!r:.40}")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"expected a list, got {value!r:.40}")
    return tuple([_text(each) for each in value])


def _mapping(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"expected an object, got {value!r:.40}")
    return value


def _limits(value: object) -> dict[str, int]:
    return {key: _whole(limit) for key, limit in _mapping(value).items()}


def _user(names: Key, fields: _Fields) -> Definition:
    (name,) = names
    return User(
        name,
        _text(fields["password_hash"]),
        _text(fields["hashing_algorithm"]),
        frozenset(_texts(fields["tags"])),
        _limits(fields["limits"]),
    )


def _vhost(names: Key, fields: _Fields) -> Definition:
    (name,) = names
    kind = fields["default_queue_type"]
    return VhostDefinition(
        name,
        _text(fields["description"]),
        _texts(fields["tags"]),
        None if kind is None else QueueKind(kind),
    )


def _permissions(names: Key, fields: _Fields) -> Definition:
    vhost, user = names
    return VhostPermissions(
        user, vhost, _text(fields["configure"]), _text(fields["write"]), _text(fields["read"])
    )


def _topic_permissions(names: Key, fields: _Fields) -> Definition:
    vhost, user, exchange = names
    return TopicPermissions(user, vhost, exchange, _text(fields["write"]), _text(fields["read"]))


def _global_parameter(names: Key, fields: _Fields) -> Definition:
    (name,) = names
    return GlobalParameterDefinition(name, fields["value"])


def _parameter(names: Key, fields: _Fields) -> Definition:
    vhost, component, name = names
    return ParameterDefinition(vhost, component, name, fields["value"])


def _vhost_limits(names: Key, fields: _Fields) -> Definition:
    (vhost,) = names
    return VhostLimitsDefinition(vhost, _limits(fields["limits"]))


def _policy(names: Key, fields: _Fields, *, operator: bool = False) -> PolicyDefinition:
    vhost, name = names
    policy = Policy(
        name,
        _text(fields["pattern"]),
        _mapping(fields["definition"]),
        _whole(fields["priority"]),
        _text(fields["apply_to"]),
    )
    return PolicyDefinition(vhost, policy, operator)


def _operator_policy(names: Key, fields: _Fields) -> Definition:
    return _policy(names, fields, operator=True)


def _exchange(names: Key, fields: _Fields) -> Definition:
    vhost, name = names
    return ExchangeDefinition(
        name,
        vhost,
        _text(fields["type"]),
        durable=True,
        auto_delete=_flag(fields["auto_delete"]),
        internal=_flag(fields["internal"]),
        arguments=_table_of(fields["arguments"]),
    )


def _queue(names: Key, fields: _Fields) -> Definition:
    vhost, name = names
    return QueueDefinition(
        name,
        vhost,
        durable=True,
        auto_delete=_flag(fields["auto_delete"]),
        arguments=_table_of(fields["arguments"]),
        queue_id=_whole(fields["id"]),
    )


def _binding(names: Key, fields: _Fields) -> Definition:
    vhost, source, kind, destination, routing_key, _digest = names
    words: dict[str, DestinationWord] = {"queue": "queue", "exchange": "exchange"}
    return BindingDefinition(
        source, vhost, destination, words[kind], routing_key, _table_of(fields["arguments"])
    )


_READERS: Final[Mapping[str, Callable[[Key, _Fields], Definition]]] = {
    "user": _user,
    "vhost": _vhost,
    "permissions": _permissions,
    "topic permissions": _topic_permissions,
    "global parameter": _global_parameter,
    "parameter": _parameter,
    "vhost limits": _vhost_limits,
    "policy": _policy,
    "operator policy": _operator_policy,
    "exchange": _exchange,
    "queue": _queue,
    "binding": _binding,
}
