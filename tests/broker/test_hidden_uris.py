"""URIs without the user and password in them."""

import pytest

from amqp_server.broker.hidden_uris import with_hidden_uris, without_credentials


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("amqp://user:pass@host:5672/v", "amqp://host:5672/v"),
        ("amqps://u:p%40@host", "amqps://host"),
        ("amqp://u:a@b@host/v", "amqp://host/v"),
        ("amqp://", "amqp://"),
        ("amqp:///v@w", "amqp:///v@w"),
        ("amqp://host/v?password=x@y", "amqp://host/v?password=x@y"),
        ("no uri: a@b", "no uri: a@b"),
    ],
)
def test_only_the_credentials_go(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown


def test_uris_are_found_wherever_they_are() -> None:
    value = {"src-uri": ["amqp://a:b@c"], "n": 1, "deep": {"uri": "amqp://a@c"}}
    hidden = {"src-uri": ["amqp://c"], "n": 1, "deep": {"uri": "amqp://c"}}
    assert with_hidden_uris(value) == hidden
