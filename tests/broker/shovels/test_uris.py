"""AMQP URIs: what they say, and RabbitMQ's texts where they say nothing."""

import pytest

from amqp_server.broker.shovels.uris import UriError, amqp_uri


def test_a_uri_says_where_and_as_whom() -> None:
    uri = amqp_uri(
        "amqps://us%40er:p%2Fw@[::1]:1234/v%2Fw?heartbeat=7&connection_timeout=500&verify=x"
    )
    assert uri[:7] == (True, "::1", 1234, "us@er", "p/w", "v/w", 7)
    assert (uri.timeout_s, uri.options["verify"]) == (0.5, "x")


@pytest.mark.parametrize(
    ("text", "host", "port", "vhost"),
    [
        ("amqp://", "", 5672, "/"),
        ("amqp:///v", "", 5672, "v"),
        ("amqp://host", "host", 5672, "/"),
        ("amqps://host/", "host", 5671, "/"),
        ("AMQP://host:1/%2f", "host", 1, "/"),
        ("amqp://a:b@c@host", "host", 5672, "/"),
    ],
)
def test_what_is_left_out_has_a_default(text: str, host: str, port: int, vhost: str) -> None:
    uri = amqp_uri(text)
    assert (uri.host, uri.port, uri.vhost) == (host, port, vhost)


def test_without_a_login_it_is_guest() -> None:
    assert amqp_uri("amqp://h")[3:5] == ("guest", "guest")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("http://x", '"http://x" not a valid URI: {{unexpected_uri_scheme,"http"},"http://x"}'),
        ("bogus", '"bogus" not a valid URI: {{unable_to_parse_uri,no_scheme},"bogus"}'),
        ("amqp:x", '"amqp:x" not a valid URI: {unable_to_parse_uri,"amqp:x"}'),
        ("", '"" not a valid URI: {{unable_to_parse_uri,no_scheme},""}'),
        (
            "amqp://h?heartbeat=x",
            (
                '"amqp://h?heartbeat=x" not a valid URI: '
                '{{heartbeat,not_an_integer},"amqp://h?heartbeat=x"}'
            ),
        ),
    ],
)
def test_what_is_no_uri(text: str, error: str) -> None:
    with pytest.raises(UriError) as refused:
        amqp_uri(text)
    assert str(refused.value) == error
