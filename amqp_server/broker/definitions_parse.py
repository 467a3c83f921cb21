"""From RabbitMQ's JSON to ``Definitions``: every item is checked before there is a result.

Files of RabbitMQ 3.6 to 4.x are read: keys that a file does not have are defaults, keys that we
do not know are left alone, as there. One mistake, and nothing of the file is used.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

import base64
import binascii
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, TypeAlias

from amqp_server.broker.argument_rules import QUEUE_TYPE
from amqp_server.broker.arguments import validate_exchange, validate_queue
from amqp_server.broker.definition_item import DefinitionsError, Item, wrong
from amqp_server.broker.definitions import (
    BindingDefinition,
    Definitions,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.limits import USER_LIMITS, VHOST_LIMITS, validated
from amqp_server.broker.passwords import ALGORITHMS, DEFAULT_ALGORITHM, MD5, SHA512, verify
from amqp_server.broker.policies import Policy, PolicyTable
from amqp_server.broker.users import TopicPermissions, User, Users, VhostPermissions, new_user
from amqp_server.wire.tables import longstr, matched_table
from exchanges.errors import ExchangeError
from exchanges.kinds import KIND_NAMES, make_kind
from queues.options import QueueKind

RandomBytes: TypeAlias = Callable[[int], bytes]
KnownUser: TypeAlias = Callable[[str], User | None]

VHOST_LIMITS_COMPONENT: Final = "vhost-limits"
OPERATOR_POLICY_COMPONENT: Final = "operator_policy"
_PREDECLARED: Final = {
    "amq.direct": "direct",
    "amq.fanout": "fanout",
    "amq.headers": "headers",
    "amq.match": "headers",
    "amq.topic": "topic",
}
_ALGORITHM_OF_SIZE: Final = {20: MD5, 68: SHA512}
"""Octets of a stored hash: files of before 3.6 do not name the algorithm."""


def _nobody(_name: str) -> None:
    return None


def parse_definitions(
    raw: object,
    random_bytes: RandomBytes,
    vhost: str | None = None,
    known_user: KnownUser = _nobody,
) -> Definitions:
    """Return what a parsed JSON document defines.

    Args:
        raw: the document, as ``json.loads`` returns it.
        random_bytes: unpredictable octets, for users that come with a plain password.
        vhost: of the items that name none (the export of one vhost); None is every item must.
        known_user: returns the user of a name that is there already, or None. Whose plain password
            is the one that he has keeps its hash, so that loading a file again changes nothing.

    Raises:
        DefinitionsError: the first thing that is wrong, its path in front.
    """
    top = Item(raw, "definitions")
    parameters = list(top.items("parameters"))
    exchanges = tuple([_exchange(item, vhost) for item in top.items("exchanges")])
    types = {(exchange.vhost, exchange.name): exchange.exchange_type for exchange in exchanges}
    return Definitions(
        users=tuple([_user(item, random_bytes, known_user) for item in top.items("users")]),
        vhosts=tuple([_vhost(item) for item in top.items("vhosts")]),
        permissions=tuple([_permissions(item, vhost) for item in top.items("permissions")]),
        topic_permissions=tuple(
            [_topic_permissions(item, vhost) for item in top.items("topic_permissions")]
        ),
        global_parameters=tuple(
            [
                GlobalParameterDefinition(item.text("name"), item.raw("value"))
                for item in top.items("global_parameters")
            ]
        ),
        parameters=tuple(
            [
                _parameter(item, vhost)
                for item in parameters
                if item.text("component") not in {VHOST_LIMITS_COMPONENT, OPERATOR_POLICY_COMPONENT}
            ]
        ),
        vhost_limits=tuple(
            [_vhost_limits(item, vhost) for item in _of(parameters, VHOST_LIMITS_COMPONENT)]
        ),
        policies=tuple([_policy(item, _vhost_of(item, vhost)) for item in top.items("policies")]),
        operator_policies=tuple(
            [_operator_policy(item, vhost) for item in _of(parameters, OPERATOR_POLICY_COMPONENT)]
        ),
        exchanges=exchanges,
        queues=tuple([_queue(item, vhost) for item in top.items("queues")]),
        bindings=tuple([_binding(item, vhost, types) for item in top.items("bindings")]),
    )


def _of(parameters: Sequence[Item], component: str) -> list[Item]:
    return [item for item in parameters if item.text("component") == component]


@contextmanager
def _checking(item: Item) -> Iterator[None]:
    """Put the path of an item before whatever the broker has to say about it."""
    try:
        yield
    except DefinitionsError:
        raise
    except (BrokerError, ExchangeError, UnicodeError) as error:
        raise item.wrong(str(error)) from error


def _vhost_of(item: Item, vhost: str | None) -> str:
    return item.name("vhost", vhost)


def _user(item: Item, random_bytes: RandomBytes, known_user: KnownUser) -> User:
    name, tags = item.name("name"), item.words("tags")
    with _checking(item):
        limits = validated(item.mapping("limits"), USER_LIMITS, "user-limits")
    if item.has("password") and not item.has("password_hash"):
        password, known = item.text("password"), known_user(name)
        if known is None or not _has_password(known, password):
            known = new_user(name, password, random_bytes)
        stored, algorithm = known.password_hash, known.hashing_algorithm
    else:
        stored = item.text("password_hash", "")
        algorithm = _algorithm(item, stored)
    return User(name, stored, algorithm, frozenset(tags), limits)


def _has_password(user: User, password: str) -> bool:
    """Whether a user has this password, hashed as a new one would be."""
    if user.hashing_algorithm != DEFAULT_ALGORITHM or not (password and user.password_hash):
        return False
    return verify(password, user.password_hash, user.hashing_algorithm)


def _algorithm(item: Item, stored: str) -> str:
    try:
        size_bytes = len(base64.b64decode(stored, validate=True))
    except (binascii.Error, ValueError) as error:
        raise DefinitionsError(f"{item.path}.password_hash: is not base64") from error
    if not item.has("hashing_algorithm"):
        return _ALGORITHM_OF_SIZE.get(size_bytes, DEFAULT_ALGORITHM)
    algorithm = item.text("hashing_algorithm")
    if algorithm not in ALGORITHMS:
        raise wrong(f"{item.path}.hashing_algorithm", f"one of {', '.join(ALGORITHMS)}", algorithm)
    return algorithm


def _vhost(item: Item) -> VhostDefinition:
    # 3.8 and later say it twice, at the top and as metadata.
    metadata = Item(item.mapping("metadata"), f"{item.path}.metadata")

    def source(name: str) -> Item:
        return item if item.has(name) else metadata

    kind: QueueKind | None = None
    word = "default_queue_type"
    if source(word).has(word):
        text = source(word).text(word)
        if text not in {kind.value for kind in QueueKind}:
            expected = f"one of {', '.join([kind.value for kind in QueueKind])}"
            raise wrong(f"{item.path}.{word}", expected, text)
        kind = QueueKind(text)
    described = source("description").has("description")
    return VhostDefinition(
        item.name("name"),
        source("description").text("description") if described else "",
        source("tags").words("tags"),
        kind,
    )


def _permissions(item: Item, vhost: str | None) -> VhostPermissions:
    held = VhostPermissions(
        item.text("user"),
        _vhost_of(item, vhost),
        item.text("configure"),
        item.text("write"),
        item.text("read"),
    )
    with _checking(item):
        scratch = _somebody(held.user)
        scratch.set_permissions(held.user, held.vhost, held.configure, held.write, held.read)
    return held


def _topic_permissions(item: Item, vhost: str | None) -> TopicPermissions:
    held = TopicPermissions(
        item.text("user"),
        _vhost_of(item, vhost),
        item.name("exchange"),
        item.text("write"),
        item.text("read"),
    )
    with _checking(item):
        scratch = _somebody(held.user)
        scratch.set_topic_permissions(held.user, held.vhost, held.exchange, held.write, held.read)
    return held


def _somebody(name: str) -> Users:
    """Return a book of users to try permissions on, so that they are checked in one place."""
    users = Users()
    users.put(User(name, ""))
    return users


def _parameter(item: Item, vhost: str | None) -> ParameterDefinition:
    return ParameterDefinition(
        _vhost_of(item, vhost), item.text("component"), item.text("name"), item.raw("value")
    )


def _vhost_limits(item: Item, vhost: str | None) -> VhostLimitsDefinition:
    with _checking(item):
        limits = validated(item.mapping("value"), VHOST_LIMITS, "limits")
    return VhostLimitsDefinition(_vhost_of(item, vhost), limits)


def _operator_policy(item: Item, vhost: str | None) -> PolicyDefinition:
    value = {**item.mapping("value"), "name": item.text("name")}
    return _policy(Item(value, f"{item.path}.value"), _vhost_of(item, vhost), operator=True)


def _policy(item: Item, vhost: str, *, operator: bool = False) -> PolicyDefinition:
    policy = Policy(
        item.text("name"),
        item.text("pattern"),
        item.mapping("definition"),
        item.integer("priority", 0),
        item.text("apply-to", "all"),
    )
    with _checking(item):
        PolicyTable().set(policy, operator=operator)
    return PolicyDefinition(vhost, policy, operator)


def _queue(item: Item, vhost: str | None) -> QueueDefinition:
    queue = QueueDefinition(
        item.name("name"),
        _vhost_of(item, vhost),
        item.flag("durable", default=True),
        item.flag("auto_delete", default=False),
        item.table("arguments"),
    )
    if item.has("type") and QUEUE_TYPE not in queue.arguments:
        # 4.x names the type beside the arguments, too.
        named = {**queue.arguments, QUEUE_TYPE: longstr(item.text("type"))}
    else:
        named = dict(queue.arguments)
    with _checking(item):
        kind = validate_queue(
            queue.name,
            queue.vhost,
            named,
            durable=queue.durable,
            exclusive=False,
            auto_delete=queue.auto_delete,
        )
    if kind is QueueKind.CLASSIC:
        return queue
    return QueueDefinition(queue.name, queue.vhost, queue.durable, queue.auto_delete, named)


def _exchange(item: Item, vhost: str | None) -> ExchangeDefinition:
    exchange = ExchangeDefinition(
        item.name("name"),
        _vhost_of(item, vhost),
        item.text("type"),
        item.flag("durable", default=True),
        item.flag("auto_delete", default=False),
        item.flag("internal", default=False),
        item.table("arguments"),
    )
    if exchange.exchange_type not in KIND_NAMES:
        raise wrong(f"{item.path}.type", f"one of {', '.join(KIND_NAMES)}", exchange.exchange_type)
    with _checking(item):
        validate_exchange(exchange.name, exchange.vhost, exchange.arguments)
    return exchange


def _binding(
    item: Item, vhost: str | None, types: Mapping[tuple[str, str], str]
) -> BindingDefinition:
    word = item.text("destination_type")
    if word not in {"queue", "exchange"}:
        raise wrong(f"{item.path}.destination_type", "queue or exchange", word)
    binding = BindingDefinition(
        item.name("source"),
        _vhost_of(item, vhost),
        item.name("destination"),
        "queue" if word == "queue" else "exchange",
        item.name("routing_key", ""),
        item.table("arguments"),
    )
    source = (binding.vhost, binding.source)
    exchange_type = types.get(source) or _PREDECLARED.get(binding.source)
    if exchange_type is not None:
        with _checking(item):
            arguments = matched_table(binding.arguments)
            make_kind(exchange_type).validate(binding.routing_key, arguments)
    return binding
