"""The names of commands, and the list of versions."""

import pytest

from amqp_server.stream_protocol.keys import RESPONSE, VERSIONS, CommandKey, name_of


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (CommandKey.DELETE, "delete"),
        (CommandKey.CONSUMER_UPDATE | RESPONSE, "consumer_update"),
        (0x7F, "0x7f"),
        (0, "0x0"),
    ],
)
def test_a_command_is_named_and_what_is_none_is_a_number(key: int, name: str) -> None:
    assert name_of(key) == name


def test_versions_begin_with_those_that_clients_take_by_position() -> None:
    assert VERSIONS[:2] == ((CommandKey.DECLARE_PUBLISHER, 1, 1), (CommandKey.PUBLISH, 1, 2))
