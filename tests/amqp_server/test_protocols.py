"""The table of protocols: what each row says, and that the settings take its names."""

import pytest

from amqp_server.net.connection import Connection
from amqp_server.protocols import PROTOCOLS
from amqp_server.settings.load import SettingsError, parse_settings
from amqp_server.settings.schema import Settings
from tests.support.frames import PROTOCOL_HEADER
from tests.support.peer import LOCAL, START_MS, Node


def connection(name: str) -> Connection:
    make = PROTOCOLS[name].factory(Node().broker, Settings())
    return make(LOCAL, lambda: None, START_MS)


def test_a_client_of_amqp_is_answered_in_amqp() -> None:
    made = connection("amqp")
    made.receive_data(PROTOCOL_HEADER, START_MS)
    assert b"".join(made.data_to_send()).startswith(b"\x01\x00\x00")
    assert made.reading.is_wanted
    assert not made.life.is_closed


@pytest.mark.parametrize("name", PROTOCOLS)
def test_who_says_nothing_is_a_stranger_and_is_not_waited_for_for_ever(name: str) -> None:
    made = connection(name)
    assert not made.life.is_open
    due_ms = made.next_deadline_ms()
    assert due_ms is not None
    made.on_deadline(due_ms)
    assert made.life.is_closed


@pytest.mark.parametrize("name", PROTOCOLS)
def test_the_settings_take_every_name(name: str) -> None:
    settings = parse_settings(f"net: {{listeners: [{{protocol: {name}}}]}}")
    assert settings.net.listeners[0].protocol == name


def test_a_protocol_that_nobody_speaks_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError) as refused:
        parse_settings("net: {listeners: [{}, {protocol: mqtt}]}")
    known = ", ".join(PROTOCOLS)
    assert refused.value.problems == (
        f"net.listeners[1].protocol: expected one of {known}, got 'mqtt'",
    )


@pytest.mark.parametrize(
    ("address", "is_tls", "uri"),
    [
        ("127.0.0.1", False, "amqp://127.0.0.1:5672"),
        ("::1", False, "amqp://[::1]:5672"),
        ("broker.example", True, "amqps://broker.example:5672"),
    ],
)
def test_a_uri_says_where_clients_connect(address: str, is_tls: bool, uri: str) -> None:
    assert PROTOCOLS["amqp"].uri(address, 5672, is_tls=is_tls) == uri
