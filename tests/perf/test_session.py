"""URIs name an endpoint; what they leave out is RabbitMQ's default."""

import pytest

from amqp_server.perf.session import Endpoint
from amqp_server.perf.wire import LoadError


def test_what_is_left_out_is_rabbitmqs_default() -> None:
    assert Endpoint.parse("amqp://localhost") == Endpoint("localhost", 5672, "guest", "guest", "/")


def test_user_password_and_vhost_are_unquoted() -> None:
    endpoint = Endpoint.parse("amqp://a%40b:p%2Fw@127.0.0.1:5680/%2Ftest")
    assert endpoint == Endpoint("127.0.0.1", 5680, "a@b", "p/w", "/test")


@pytest.mark.parametrize("uri", ["http://localhost", "localhost:5672", "amqp://localhost:port"])
def test_what_is_no_amqp_uri_is_refused(uri: str) -> None:
    with pytest.raises(LoadError, match="localhost"):
        Endpoint.parse(uri)
