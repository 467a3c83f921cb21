"""What will be there once a document is applied: what the broker has, and what came so far."""

import pytest

from amqp_server.broker.access.rights import User
from amqp_server.broker.access.users import Users
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from queues.kinds import QUORUM


@pytest.fixture
def broker() -> Broker:
    broker = Broker(BrokerSettings(vhosts_max=2), Users(), Turn(100), bytes)
    broker.add_vhost("/")
    broker.users.put(User("u", ""))
    return broker


def test_what_the_broker_has_is_there_and_what_was_added(broker: Broker) -> None:
    place = Place(broker)
    assert place.missing_user("u") is place.missing_vhost("/") is None
    assert place.missing_user("v") == ".user: no such user 'v'"
    assert place.missing_vhost("v") == ".vhost: no such vhost 'v'"
    place.add_user("v")
    place.add_vhost("v", None)
    assert place.missing_user("v") is place.missing_vhost("v") is None
    assert not broker.has_vhost("v")


def test_exchanges_and_queues_are_there_once_they_are_added(broker: Broker) -> None:
    place = Place(broker)
    assert place.exchange_type("/", "") == place.exchange_type("/", "amq.direct") == "direct"
    assert place.exchange_type("/", "x") is None
    assert not place.has_queue("/", "q")
    place.add_exchange("/", "x", "topic")
    place.add_queue("/", "q")
    assert place.exchange_type("/", "x") == "topic"
    assert place.has_queue("/", "q")
    assert place.exchange_type("v", "x") is None, "of another vhost"


def test_a_vhost_keeps_its_default_type_where_nothing_else_is_said(broker: Broker) -> None:
    place = Place(broker)
    place.add_vhost("v", QUORUM)
    place.add_vhost("v", None)
    assert place.default_queue_kind("v") is QUORUM


def test_no_more_vhosts_are_there_than_the_node_may_have(broker: Broker) -> None:
    place = Place(broker)
    place.add_vhost("v", None)
    with pytest.raises(PreconditionFailedError):
        place.add_vhost("w", None)
