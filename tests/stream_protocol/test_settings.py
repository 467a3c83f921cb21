"""Where clients are told to connect: what is given for TLS, and what stands in for it."""

import pytest

from amqp_server.stream_protocol.settings import Advertised, StreamProtocolSettings


@pytest.mark.parametrize(
    ("given", "plain", "tls"),
    [
        ({}, ("", 0), ("", 0)),
        ({"advertised_host": "a", "advertised_port": 1}, ("a", 1), ("a", 0)),
        ({"advertised_tls_host": "b", "advertised_tls_port": 2}, ("", 0), ("b", 2)),
        ({"advertised_host": "a", "advertised_tls_host": "b"}, ("a", 0), ("b", 0)),
    ],
)
def test_clients_that_speak_tls_have_a_port_of_their_own(
    given: dict[str, str | int], plain: tuple[str, int], tls: tuple[str, int]
) -> None:
    settings = StreamProtocolSettings(**given)  # type: ignore[arg-type]
    assert settings.advertised(is_tls=False) == Advertised(*plain)
    assert settings.advertised(is_tls=True) == Advertised(*tls)
