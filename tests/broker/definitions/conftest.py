"""A broker without definitions."""

import pytest

from amqp_server.broker.access.users import Users
from amqp_server.broker.broker import Broker
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.turn import Turn
from tests.support.definition_files import zeros


@pytest.fixture
def broker() -> Broker:
    settings = BrokerSettings()
    broker = Broker(settings, Users(settings.loopback_users), Turn(100), zeros)
    broker.add_vhost("/")
    return broker
