"""What definitions refer to must be there, in them or in the broker; some is there in any case."""

from collections.abc import Mapping

import pytest

from amqp_server.broker.access.rights import TopicPermissions, User, VhostPermissions
from amqp_server.broker.access.users import Users
from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.document import Document, Placed
from amqp_server.broker.definitions.references import with_references
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from amqp_server.wire.tables import Field, longstr
from queues.kinds import QUORUM

ALL = VhostPermissions("u", "v", ".*", ".*", ".*")
NOW_MS = 5


@pytest.fixture
def broker() -> Broker:
    broker = Broker(BrokerSettings(), Users(), Turn(100), bytes)
    broker.add_vhost("/")
    return broker


def checked(broker: Broker, *definitions: Definition) -> tuple[list[Definition], list[str]]:
    """Return what remains, and what is told of the rest; the paths are numbers."""
    placed = [Placed(str(number), each) for number, each in enumerate(definitions)]
    document = with_references(Document(tuple(placed), ("before",)), broker)
    assert document.left_out[0] == "before"
    return [item.definition for item in document.placed], list(document.left_out[1:])


def exchange(name: str, kind: str = "direct", vhost: str = "/") -> ExchangeDefinition:
    return ExchangeDefinition(name, vhost, kind, True, False, False, {})


def queue(name: str, vhost: str = "/", **arguments: Field) -> QueueDefinition:
    named = {f"x-{key.replace('_', '-')}": field for key, field in arguments.items()}
    return QueueDefinition(name, vhost, True, False, named)


def binding(
    source: str, name: str, key: str = "", arguments: Mapping[str, Field] | None = None
) -> BindingDefinition:
    return BindingDefinition(source, "/", name, "queue", key, arguments or {})


MISSING: list[tuple[Definition, str]] = [
    (ALL, "0.user: no such user 'u'"),
    (TopicPermissions("u", "/", "x", "", ""), "0.user: no such user 'u'"),
    (ParameterDefinition("v", "shovel", "s", {}), "0.vhost: no such vhost 'v'"),
    (VhostLimitsDefinition("v", {}), "0.vhost: no such vhost 'v'"),
    (PolicyDefinition("v", Policy("p", "", {})), "0.vhost: no such vhost 'v'"),
    (exchange("x", vhost="v"), "0.vhost: no such vhost 'v'"),
    (queue("q", "v"), "0.vhost: no such vhost 'v'"),
    (BindingDefinition("x", "v", "q", "queue", "", {}), "0.vhost: no such vhost 'v'"),
    (binding("x", "q"), "0: no exchange 'x' in vhost '/'"),
    (binding("amq.direct", "q"), "0: no queue 'q' in vhost '/'"),
    (
        BindingDefinition("amq.direct", "/", "x", "exchange", "", {}),
        "0: no exchange 'x' in vhost '/'",
    ),
    (exchange("amq.rabbitmq.log", "topic"), "0.name: 'amq.rabbitmq.log' has the reserved prefix"),
]


@pytest.mark.parametrize(("definition", "told"), MISSING)
def test_what_refers_to_nothing_is_left_out(
    broker: Broker, definition: Definition, told: str
) -> None:
    kept, left_out = checked(broker, definition)
    assert kept == []
    assert [line[: len(told)] for line in left_out] == [told]


def test_what_comes_earlier_in_the_document_is_there(broker: Broker) -> None:
    definitions = (
        User("u", ""),
        VhostDefinition("v"),
        ALL,
        TopicPermissions("u", "v", "x", "", ""),
        GlobalParameterDefinition("g", 1),
        exchange("x"),
        exchange("y"),
        queue("q"),
        binding("x", "q"),
        BindingDefinition("x", "/", "y", "exchange", "", {}),
        BindingDefinition("amq.topic", "v", "amq.fanout", "exchange", "", {}),
    )
    assert checked(broker, *definitions) == (list(definitions), [])


def test_what_the_broker_has_is_there(broker: Broker) -> None:
    broker.users.put(User("u", ""))
    vhost = broker.vhost("/")
    vhost.exchanges.declare("x", ExchangeProperties("fanout", True, False, False, {}))
    vhost.queues.declare("q", QueueProperties(True, False, False, {}), None, NOW_MS)
    definitions = (VhostPermissions("u", "/", "", "", ""), binding("x", "q"))
    assert checked(broker, *definitions) == (list(definitions), [])


def test_what_is_in_every_vhost_is_nothing_to_do(broker: Broker) -> None:
    there = (
        exchange(""),
        exchange("amq.direct"),
        exchange("amq.rabbitmq.trace", "topic"),
        binding("", "q", "q"),
    )
    assert checked(broker, queue("q"), *there) == ([queue("q")], [])


def test_the_default_exchange_binds_by_name_alone(broker: Broker) -> None:
    kept, left_out = checked(
        broker,
        queue("q"),
        binding("", "q", "other"),
        BindingDefinition("", "/", "amq.fanout", "exchange", "amq.fanout", {}),
        BindingDefinition("amq.fanout", "/", "", "exchange", "", {}),
    )
    assert kept == [queue("q")]
    assert left_out == [f"{n}: the default exchange binds by name alone" for n in (1, 2, 3)]


def test_a_binding_is_one_that_its_exchange_takes(broker: Broker) -> None:
    most = {"x-match": longstr("most")}
    kept, left_out = checked(
        broker,
        queue("q"),
        exchange("x", "headers"),
        binding("x", "q", arguments=most),
        binding("amq.match", "q", arguments=most),
        binding("amq.fanout", "q", arguments=most),
    )
    assert kept[2:] == [binding("amq.fanout", "q", arguments=most)]
    assert [line[:36] for line in left_out] == [
        '2: Invalid x-match field value <<"mo',
        '3: Invalid x-match field value <<"mo',
    ]


def test_the_exchange_that_is_there_says_what_it_takes(broker: Broker) -> None:
    properties = ExchangeProperties("headers", True, False, False, {})
    broker.vhost("/").exchanges.declare("x", properties)
    most = {"x-match": longstr("most")}
    bound = binding("x", "q", arguments=most)
    _, left_out = checked(broker, queue("q"), exchange("x", "fanout"), bound)
    assert len(left_out) == 1


@pytest.mark.parametrize("by", ["the vhost", "the document", "the node"])
def test_a_queue_can_be_of_the_default_type(by: str) -> None:
    settings = BrokerSettings(default_queue_type="quorum" if by == "the node" else "classic")
    broker = Broker(settings, Users(), Turn(100), bytes)
    vhosts: list[Definition] = [VhostDefinition("/")]
    if by == "the vhost":
        broker.add_vhost("/").default_queue_kind = QUORUM
    elif by == "the document":
        vhosts = [VhostDefinition("/", default_queue_type=QUORUM)]
    of_priorities = queue("p", max_priority=Field("l", 3))
    kept, left_out = checked(broker, *vhosts, queue("q"), of_priorities)
    assert kept == [*vhosts, queue("q")]
    assert left_out[0].startswith("2: invalid arg 'x-max-priority' for queue 'p' in vhost '/'")


def test_nothing_is_changed(broker: Broker) -> None:
    checked(broker, User("u", ""), VhostDefinition("v"), exchange("x"), queue("q"))
    assert list(broker.users.list()) == []
    assert [vhost.name for vhost in broker.vhosts()] == ["/"]
    assert broker.count_queues() == 0
