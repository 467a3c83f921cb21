"""Commands on connections: the client hears why it is closed."""

import pytest

from amqp_server.broker.errors import NotFoundError
from tests.support.desk import Desk


def test_a_connection_is_closed_with_its_reason() -> None:
    desk = Desk()
    client = desk.node.open()
    desk.do("close_connection", number=1, reason="enough")
    close = client.closed()
    assert (close.code, close.text) == (320, "CONNECTION_FORCED - enough")
    with pytest.raises(NotFoundError):
        desk.do("close_connection", number=7, reason="nobody")


def test_all_connections_of_a_user_are_closed_and_no_others() -> None:
    desk = Desk()
    desk.node.add_user("ann")
    anns = [desk.node.open(user="ann") for _ in range(3)]
    other = desk.node.open()
    assert desk.do("close_connections_of_user", username="ann", reason="enough") == 3
    assert {client.closed().text for client in anns} == {"CONNECTION_FORCED - enough"}
    assert other.works()
    assert desk.do("close_connections_of_user", username="nobody", reason="") == 0
