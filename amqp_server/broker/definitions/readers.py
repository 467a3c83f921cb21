"""From one JSON object to one definition: its names, types, patterns and arguments are checked.

What only a later RabbitMQ has is left out of an item where the rest of it means the same without.

Source: RabbitMQ, rabbit_definitions and the exports of its versions.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, TypeAlias

from amqp_server.broker.access.passwords import ALGORITHMS, DEFAULT_ALGORITHM, MD5, SHA512, verify
from amqp_server.broker.access.patterns import PatternError, compile_pattern
from amqp_server.broker.access.users import (
    TopicPermissions,
    User,
    Users,
    VhostPermissions,
    new_user,
)
from amqp_server.broker.arguments.declare import validate_exchange, validate_queue
from amqp_server.broker.arguments.rules import QUEUE_TYPE
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.item import DefinitionsError, Item, wrong
from amqp_server.broker.errors import BrokerError
from amqp_server.broker.limits import USER_LIMITS, VHOST_LIMITS, validated
from amqp_server.broker.policies.rules import unknown_keys
from amqp_server.broker.policies.table import Policy, PolicyTable
from amqp_server.wire.tables import longstr
from exchanges.errors import ExchangeError
from exchanges.kinds import KIND_NAMES
from queues.options import QueueKind

RandomBytes: TypeAlias = Callable[[int], bytes]
KnownUser: TypeAlias = Callable[[str], User | None]

VHOST_LIMITS_COMPONENT: Final = "vhost-limits"
OPERATOR_POLICY_COMPONENT: Final = "operator_policy"
NO_KEY: Final = "(?!)"
"""A pattern that is found nowhere."""

_ALGORITHM_OF_SIZE: Final = {20: MD5, 68: SHA512}
"""Octets of a stored hash: files of before 3.6 do not name the algorithm."""


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


def read_user(item: Item, random_bytes: RandomBytes, known_user: KnownUser) -> User:
    """Read an account; a password without a hash is hashed."""
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


def read_vhost(item: Item) -> VhostDefinition:
    """Read a vhost; a default queue type that we do not have is left out."""
    # 3.8 and later say it twice, at the top and as metadata.
    metadata = Item(item.mapping("metadata"), f"{item.path}.metadata")

    def source(name: str) -> Item:
        return item if item.has(name) else metadata

    kind: QueueKind | None = None
    word = "default_queue_type"
    if source(word).has(word):
        text = source(word).text(word)
        if text in {kind.value for kind in QueueKind}:
            kind = QueueKind(text)
        else:
            item.leave_out(word, f"there are no queues of type '{text}' here")
    described = source("description").has("description")
    return VhostDefinition(
        item.name("name"),
        source("description").text("description") if described else "",
        source("tags").words("tags"),
        kind,
    )


def read_permissions(item: Item, vhost: str | None) -> VhostPermissions:
    """Read what a user may do in a vhost."""
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


def read_topic_permissions(item: Item, vhost: str | None) -> TopicPermissions:
    """Read which routing keys a user may use; a pattern that is none allows nothing.

    To leave it out would lift the restriction.
    """
    patterns = {}
    for word in ("write", "read"):
        patterns[word] = item.text(word)
        try:
            compile_pattern(patterns[word])
        except PatternError as error:
            shown = f"'{patterns[word]}' is not a regular expression: {error}"
            item.leave_out(word, f"{shown}; nothing is allowed instead")
            patterns[word] = NO_KEY
    return TopicPermissions(
        item.text("user"), _vhost_of(item, vhost), item.name("exchange"), **patterns
    )


def _somebody(name: str) -> Users:
    """Return a book of users to try permissions on, so that they are checked in one place."""
    users = Users()
    users.put(User(name, ""))
    return users


def read_global_parameter(item: Item) -> GlobalParameterDefinition:
    """Read a parameter of the cluster."""
    return GlobalParameterDefinition(item.text("name"), item.raw("value"))


def read_parameter(
    item: Item, vhost: str | None
) -> ParameterDefinition | VhostLimitsDefinition | PolicyDefinition:
    """Read a parameter, or what RabbitMQ keeps as one: vhost limits and operator policies."""
    component = item.text("component")
    if component == VHOST_LIMITS_COMPONENT:
        with _checking(item):
            limits = validated(item.mapping("value"), VHOST_LIMITS, "limits")
        return VhostLimitsDefinition(_vhost_of(item, vhost), limits)
    if component == OPERATOR_POLICY_COMPONENT:
        value = Item({**item.mapping("value"), "name": item.text("name")}, f"{item.path}.value")
        policy = _policy(value, _vhost_of(item, vhost), operator=True)
        item.left_out += value.left_out
        return policy
    return ParameterDefinition(
        _vhost_of(item, vhost), component, item.text("name"), item.raw("value")
    )


def read_policy(item: Item, vhost: str | None) -> PolicyDefinition:
    """Read a policy; keys that we do not know are kept with it, and mean nothing."""
    return _policy(item, _vhost_of(item, vhost), operator=False)


def _policy(item: Item, vhost: str, *, operator: bool) -> PolicyDefinition:
    policy = Policy(
        item.text("name"),
        item.text("pattern"),
        item.mapping("definition"),
        item.integer("priority", 0),
        item.text("apply-to", "all"),
    )
    with _checking(item):
        PolicyTable().check(policy, operator=operator, is_imported=True)
    for key in unknown_keys(policy.definition, operator=operator):
        item.leave_out(f"definition.{key}", "is no policy key here: kept, without effect")
    return PolicyDefinition(vhost, policy, operator)


def read_queue(item: Item, vhost: str | None) -> QueueDefinition:
    """Read a queue that is not exclusive; its type may stand beside the arguments."""
    queue = QueueDefinition(
        item.name("name"),
        _vhost_of(item, vhost),
        item.flag("durable", default=True),
        item.flag("auto_delete", default=False),
        item.table("arguments"),
    )
    if item.has("type") and QUEUE_TYPE not in queue.arguments:
        # 4.x names the type beside the arguments, too; a plugin's by its module.
        kind_name = item.text("type").removeprefix("rabbit_").removesuffix("_queue")
        named = {**queue.arguments, QUEUE_TYPE: longstr(kind_name)}
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


def read_exchange(item: Item, vhost: str | None) -> ExchangeDefinition:
    """Read an exchange."""
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


def read_binding(item: Item, vhost: str | None) -> BindingDefinition:
    """Read a binding."""
    word = item.text("destination_type", "queue")
    if word not in {"queue", "exchange"}:
        raise wrong(f"{item.path}.destination_type", "queue or exchange", word)
    return BindingDefinition(
        item.name("source"),
        _vhost_of(item, vhost),
        item.name("destination"),
        "queue" if word == "queue" else "exchange",
        item.name("routing_key", ""),
        item.table("arguments"),
    )
