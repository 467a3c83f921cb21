"""Where a dead letter died first."""

from pamqp import commands

from amqp_server.broker.jobs.origin import origin_of
from amqp_server.broker.messages.written import written_message
from tests.support.peer import Node


def test_a_message_that_never_died_has_no_origin() -> None:
    assert origin_of(written_message("x", "k", {}, b"")) is None
    assert origin_of(written_message("x", "k", {"headers": {"x-death": "no list"}}, b"")) is None
    assert origin_of(written_message("x", "k", {"headers": {"x-death": [1, "x"]}}, b"")) is None
    long = {"headers": {"x-death": [{"queue": "q" * 300, "reason": "rejected"}]}}
    assert origin_of(written_message("x", "k", long, b"")) is None


def dying_to(queue: str) -> dict[str, object]:
    return {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": queue}


def test_the_first_queue_counts_with_exchange_and_key_of_then() -> None:
    node = Node()
    client = node.open()
    client.declare("dead")
    client.declare("retry", arguments=dying_to("dead"))
    client.declare("jobs", arguments=dying_to("retry"))
    client.send(commands.Queue.Bind, queue="jobs", exchange="amq.topic", routing_key="a.*")
    client.receive()
    client.publish(b"x", exchange="amq.topic", routing_key="a.b")
    for tag, queue in enumerate(("jobs", "retry"), start=1):
        client.send(commands.Basic.Get, queue=queue)
        client.receive()
        client.send(commands.Basic.Reject, delivery_tag=tag, requeue=False)
    dead = node.vhost.queues.find("dead")
    assert dead is not None
    (looked,) = dead.engine.look(None).slices
    origin = origin_of(looked.records[0])
    assert origin is not None
    assert origin.queue_name == "jobs"
    assert (origin.record.exchange, origin.record.routing_key) == ("amq.topic", "a.b")
