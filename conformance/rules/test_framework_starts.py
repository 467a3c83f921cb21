"""The declares of frameworks at their start, with the same arguments as there.

They follow the conventions of Spring AMQP, MassTransit, NServiceBus, EasyNetQ, Rebus, Sneakers and
Celery.
"""

from typing import Any, NamedTuple

from pamqp import commands

from conformance.check import Case, Close, Differs, cases, check
from conformance.fields import Typed
from conformance.peer import Peer, bind, bind_exchange


class Queue(NamedTuple):
    """A queue as a framework declares it."""

    arguments: dict[str, Any]
    flags: dict[str, bool]


DURABLE = {"durable": True}
OF_ITS_CONNECTION = {"exclusive": True, "auto_delete": True}


def _alike(arguments: dict[str, Any], flags: dict[str, bool] | None = None) -> Case[Queue]:
    return Case(Queue(arguments, DURABLE if flags is None else flags), "declared twice")


QUEUES: dict[str, Case[Queue]] = {
    "spring-anonymous": _alike({"x-queue-master-locator": "client-local"}, OF_ITS_CONNECTION),
    "spring-dead-letters": _alike(
        {
            "x-message-ttl": 5000,
            "x-dead-letter-exchange": "DLX",
            "x-dead-letter-routing-key": "group",
        }
    ),
    "masstransit-temporary": _alike({"x-expires": 60000}, {"auto_delete": True}),
    "masstransit-quorum": _alike({"x-queue-type": "quorum", "x-single-active-consumer": True}),
    "nservicebus-delay-level": _alike(
        {
            "x-queue-type": "quorum",
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",
            "x-message-ttl": Typed("l", 2000),
            "x-dead-letter-exchange": "nsb.v2.delay-level-00",
        }
    ),
    "easynetq-bounded": _alike({"x-max-priority": Typed("b", 10), "x-max-length": 100}),
    "rebus-expiring": _alike({"x-expires": Typed("l", 1_800_000)}),
    "sneakers-retry": _alike(
        {"x-dead-letter-exchange": "activejob-retry-requeue", "x-message-ttl": 60000}
    ),
    "mirrored-by-argument": _alike({"x-ha-policy": "all", "x-queue-mode": "lazy"}),
    "dramatiq-dead": _alike({"x-message-ttl": 604_800_000}),
}


@cases("start.queue.", QUEUES, ref="1.3-start")
def frameworks_declare_their_queues_again_at_each_start(peer: Peer, given: Queue) -> None:
    channel = peer.channel()
    queue = peer.name("start")
    for _ in range(2):
        reply = channel.declare(queue, arguments=given.arguments, **given.flags)
        assert (reply.message_count, reply.consumer_count) == (0, 0)


@check("start.endpoint", ref="1.3-start")
def an_endpoint_is_exchanges_bound_to_each_other_and_one_queue(peer: Peer) -> None:
    channel = peer.channel()
    event, endpoint = peer.exchange(channel, "fanout"), peer.exchange(channel, "fanout")
    bind_exchange(channel, endpoint, event, "")
    queue = peer.queue(channel, durable=True)
    for _ in range(2):
        bind(channel, queue, endpoint, "")
    channel.publish(b"m", exchange=event)
    channel.await_count(queue, 1)


def _refused(kind: str) -> Case[str]:
    text = f"unknown exchange type '{kind}'"
    return Case(
        kind,
        Close(406, text, "channel"),
        rabbitmq_310=Differs(
            "before 3.13 an unknown type closed the connection", Close(503, text, "connection")
        ),
    )


PLUGINS = ("x-jms-topic", "x-local-random")


@cases("start.plugin.", {kind: _refused(kind) for kind in PLUGINS}, ref="1.3-start")
def a_type_of_a_plugin_is_refused_where_the_plugin_is_not(peer: Peer, given: str) -> None:
    channel = peer.channel()
    peer.expect_close(
        channel,
        commands.Exchange.Declare,
        exchange=peer.name(),
        exchange_type=given,
    )
