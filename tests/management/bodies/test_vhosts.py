"""Vhosts as JSON."""

from amqp_server.broker.views import VhostView
from management.bodies.vhosts import vhost_body


def test_a_queue_type_that_was_given_is_said_twice() -> None:
    view = VhostView("/", "d", ("a",), "quorum", {}, 0, 0, 0, 0, is_traced=True)
    body = vhost_body(view, "rabbit@h")
    assert body["metadata"] == {"description": "d", "tags": ["a"], "default_queue_type": "quorum"}
    assert body["cluster_state"] == {"rabbit@h": "running"}
    assert (
        vhost_body(view._replace(default_queue_kind=None), "n")["default_queue_type"] == "undefined"
    )
