"""The views are one object: all of them are there by their names."""

from amqp_server.broker.views import Views
from tests.support.peer import Node


def test_all_views_are_there() -> None:
    views = Views(Node().broker)
    assert [vhost.name for vhost in views.vhosts().items] == ["/"]
    assert (views.connections().items, [user.name for user in views.users().items]) == (
        (),
        ["guest"],
    )
    assert views.node().vhost_count == 1
