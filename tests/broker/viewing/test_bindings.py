"""The view of a binding: its arguments as plain values, and with their types."""

from pamqp import commands

from amqp_server.broker.viewing.bindings import binding_view
from tests.support.desk import Desk


def test_a_binding_is_shown_with_its_arguments() -> None:
    desk = Desk()
    client = desk.node.open()
    client.declare("q")
    client.send(commands.Queue.Bind, queue="q", exchange="amq.headers", arguments={"a": 1})
    vhost = desk.node.broker.vhost("/")
    (binding,) = vhost.router.bindings.part_of_source("amq.headers", 0, 9)
    view = binding_view("/", binding)
    assert (view.source, view.destination, view.destination_type) == ("amq.headers", "q", "queue")
    assert view.arguments == {"a": 1}
    assert view.typed_arguments.keys() == {"a"}
