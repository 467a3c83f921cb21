"""The commands on streams: a super stream is made as a client of streams would make it."""

import pytest

from amqp_server.broker.errors import AccessRefusedError, NotFoundError
from tests.support.desk import Desk


def test_the_operator_makes_a_super_stream() -> None:
    desk = Desk()
    what = {"vhost": "/", "name": "orders", "keys": ("eu", "us"), "arguments": {}}
    desk.do("create_super_stream", username=None, **what)
    bindings = desk.node.vhost.router.bindings.of_source("orders")
    assert [each.destination.name for each in bindings] == ["orders-eu", "orders-us"]
    with pytest.raises(AccessRefusedError):
        desk.do("create_super_stream", username="nobody", **{**what, "name": "other"})
    with pytest.raises(NotFoundError):
        desk.do("create_super_stream", username=None, **{**what, "vhost": "nope"})
