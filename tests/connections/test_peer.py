"""Addresses, and what counts as this host."""

import pytest

from amqp_server.connections.peer import Peer, is_loopback_address, normal_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:0201", "192.0.2.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("::", "::"),
        ("broker.example", "broker.example"),
        ("", ""),
    ],
)
def test_addresses_have_one_form(address: str, expected: str) -> None:
    assert normal_address(address) == expected


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::ffff:10.0.0.1", False),
        ("192.168.0.1", False),
        ("::2", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_only_loopback_addresses_are_this_host(address: str, is_local: bool) -> None:
    assert is_loopback_address(address) is is_local


@pytest.mark.parametrize(
    ("address", "server_address", "expected"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1:58116 -> 127.0.0.1:5672"),
        ("::1", "::1", "[::1]:58116 -> [::1]:5672"),
    ],
)
def test_a_connection_is_named_as_rabbitmq_names_it(
    address: str, server_address: str, expected: str
) -> None:
    peer = Peer(address, 58116, server_address, 5672, is_loopback=True)
    assert peer.connection_name == expected
    assert str(peer) == expected, "a log line takes it as it is"
