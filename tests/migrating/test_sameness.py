"""Whether two addresses are of one broker."""

import pytest

from amqp_server.migrating.sameness import are_one
from load_generator.wire import LoadError
from tests.migrating.conftest import Ends


def test_one_broker_is_known_and_two_are_not(source: Ends, target: Ends) -> None:
    assert are_one(source.endpoint, source.endpoint._replace(host="localhost"))
    assert not are_one(source.endpoint, target.endpoint)
    with pytest.raises(LoadError):
        are_one(source.endpoint._replace(password="wrong"), target.endpoint)
