"""The firehose (§4.5): copies of what is published and delivered, in ``amq.rabbitmq.trace``.

Each check has a vhost of its own, so that nobody else is traced.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pamqp import commands

from conformance.check import Differs, check
from conformance.client import Channel
from conformance.http import call
from conformance.peer import Peer

TRACE = "amq.rabbitmq.trace"
REF = "4.5-firehose"


@contextmanager
def _traced(peer: Peer) -> Iterator[Channel]:
    """Yield a channel of a traced vhost, in which the queue ``traces`` gets every trace."""
    vhost = peer.name("vhost")
    assert call(peer, f"/api/vhosts/{vhost}", "PUT", {"tracing": True})[0] == 201
    try:
        channel = peer.channel(vhost=vhost)
        channel.declare("traces")
        channel.declare("jobs")
        channel.call(commands.Queue.Bind, queue="traces", exchange=TRACE, routing_key="#")
        yield channel
    finally:
        call(peer, f"/api/vhosts/{vhost}", "DELETE")


def _taken(channel: Channel, count: int) -> list[tuple[str, bytes, dict[str, Any]]]:
    """Take traces: their keys, bodies, and headers without their types."""
    channel.await_count("traces", count)
    found = []
    for _ in range(count):
        event = channel.get_one("traces")
        method = event.method
        assert isinstance(method, commands.Basic.GetOk)
        headers = {key: _plain(typed) for key, typed in event.headers.items()}
        assert set(event.properties) == {"headers"}, event.properties
        found.append((method.routing_key or "", event.body, headers))
    return found


def _plain(typed: Any) -> Any:  # noqa: ANN401 - a typed value of a table
    value = getattr(typed, "value", typed)
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value.decode() if isinstance(value, bytes) else value


@check("firehose.publish", ref=REF, needs="http")
def a_publish_is_copied_with_what_it_was_and_who_did_it(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.call(commands.Queue.Bind, queue="jobs", exchange="amq.fanout", routing_key="")
        channel.publish(
            b"body", exchange="amq.fanout", routing_key="k", headers={"a": "x"}, priority=3
        )
        ((key, body, headers),) = _taken(channel, 1)
        assert (key, body) == ("publish.amq.fanout", b"body")
        assert "@" in headers.pop("node")
        assert " -> " in headers.pop("connection")
        vhost = headers.pop("vhost")
        assert vhost.endswith("vhost"), vhost
        assert headers == {
            "exchange_name": "amq.fanout",
            "routing_keys": ["k"],
            "properties": {"headers": {"a": "x"}, "priority": 3},
            "channel": 1,
            "user": "guest",
            "routed_queues": ["jobs"],
        }, headers


@check("firehose.deliver", ref=REF, needs="http")
def a_get_and_a_delivery_are_copied(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.publish(b"one", routing_key="jobs")
        got = channel.get_soon("jobs", no_ack=False)
        channel.nack(got.tag)
        channel.consume("jobs", no_ack=True)
        channel.bodies(1)
        found = _taken(channel, 3)
        assert [(key, body) for key, body, _ in found] == [
            ("publish.", b"one"),
            ("deliver.jobs", b"one"),
            ("deliver.jobs", b"one"),
        ]
        assert [headers["redelivered"] for _, _, headers in found[1:]] == [0, 1]
        assert all("routed_queues" not in headers for _, _, headers in found[1:])


@check("firehose.no-route", ref=REF, needs="http", expect=[])
def a_publish_without_a_route_is_copied_too(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.publish(b"", exchange="amq.direct", routing_key="nowhere")
        ((_, _, headers),) = _taken(channel, 1)
        assert headers["routed_queues"] == peer.expected


@check(
    "firehose.no-queue",
    ref=REF,
    needs="http",
    expect=[],
    on_purpose=Differs(
        "the queues that get a message are named; RabbitMQ names the key of the default exchange,"
        " whether there is such a queue or not",
        ["nowhere"],
    ),
)
def routed_queues_of_the_default_exchange(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.publish(b"", routing_key="nowhere")
        ((_, _, headers),) = _taken(channel, 1)
        assert headers["routed_queues"] == peer.expected, headers


@check("firehose.copies", ref=REF, needs="http", expect=["jobs", "other"])
def a_publish_of_several_keys_is_one_copy(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.declare("other")
        channel.publish(b"", routing_key="jobs", headers={"CC": ["other"]})
        ((_, _, headers),) = _taken(channel, 1)
        assert headers["routing_keys"] == sorted(headers["routed_queues"]) == peer.expected


@check(
    "firehose.rolled-back",
    ref=REF,
    needs="http",
    expect=0,
    on_purpose=Differs("a publish is traced when it is carried out, which is at tx.commit", 1),
)
def a_publish_that_is_rolled_back(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.call(commands.Tx.Select)
        channel.publish(b"", routing_key="jobs")
        channel.call(commands.Tx.Rollback)
        assert channel.settle("traces").message_count == peer.expected


@check("firehose.not-traced", ref=REF, needs="http", expect=0)
def the_delivery_of_a_trace_is_not_traced(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.publish(b"", routing_key="jobs")
        _taken(channel, 1)
        assert channel.settle("traces").message_count == peer.expected


@check("firehose.said-nothing", ref=REF, needs="http", expect=[True, False])
def a_vhost_that_is_described_stays_traced_until_it_is_said(peer: Peer) -> None:
    with _traced(peer) as channel:
        channel.publish(b"", routing_key="jobs")
        vhost = _taken(channel, 1)[0][2]["vhost"]
        states = []
        for body in ({"description": "d"}, {"tracing": False}):
            call(peer, f"/api/vhosts/{vhost}", "PUT", body)
            states.append(call(peer, f"/api/vhosts/{vhost}")[1]["tracing"])
        assert states == peer.expected
