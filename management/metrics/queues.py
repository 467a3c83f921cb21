"""Metrics of queues: of each, or of all of them and those that are gone."""

from operator import attrgetter
from typing import Any, Final

from amqp_server.broker.views import QueueNumbers
from management.metrics.family import COUNTER, GAUGE, Family, Item, Number
from management.metrics.text import labels

KIND_NAMES: Final = {
    "classic": "rabbit_classic_queue",
    "quorum": "rabbit_quorum_queue",
    "stream": "rabbit_stream_queue",
}
"""RabbitMQ's words for the kinds of queue, by ours."""

MEMBERSHIP: Final = "leader"
"""What this node is to each of its queues."""


def _messages(queue: QueueNumbers) -> int:
    return queue.counts.ready_count + queue.counts.unacked_count


def _bytes(queue: QueueNumbers) -> int:
    return queue.counts.ready_bytes + queue.counts.unacked_bytes


def _capacity(queue: QueueNumbers) -> Number | None:
    return None if queue.may_deliver is None else int(queue.may_deliver)


def _of(name: str) -> Any:  # noqa: ANN401 -- attrgetter, which is faster than a function
    return attrgetter(f"counts.{name}")


COARSE: Final = (
    Family("queue_messages_ready", GAUGE, "Messages that can be delivered", _of("ready_count")),
    Family(
        "queue_messages_unacked", GAUGE, "Messages delivered, not settled", _of("unacked_count")
    ),
    Family("queue_messages", GAUGE, "Messages, ready and unacked", _messages),
)
CONSUMER_COUNT: Final = (
    Family("queue_consumers", GAUGE, "Consumers of a queue", _of("consumer_count")),
)
METRICS: Final = (
    *CONSUMER_COUNT,
    Family("queue_consumer_capacity", GAUGE, "1 if a consumer has credit", _capacity),
    Family("queue_consumer_utilisation", GAUGE, "The same as the capacity", _capacity),
    Family(
        "queue_process_memory_bytes", GAUGE, "Memory of the ready messages", _of("memory_bytes")
    ),
    Family("queue_messages_bytes", GAUGE, "Bodies of all messages", _bytes),
    Family("queue_messages_ready_bytes", GAUGE, "Bodies of ready messages", _of("ready_bytes")),
    Family(
        "queue_messages_unacked_bytes", GAUGE, "Bodies of unacked messages", _of("unacked_bytes")
    ),
)
DELIVERY: Final = (
    Family("queue_get_ack_total", COUNTER, "Messages got, to be acked", _of("got")),
    Family("queue_get_total", COUNTER, "Messages got without ack", _of("got_no_ack")),
    Family(
        "queue_messages_delivered_ack_total",
        COUNTER,
        "Messages delivered to consumers, to be acked",
        _of("delivered"),
    ),
    Family(
        "queue_messages_delivered_total",
        COUNTER,
        "Messages delivered to consumers without ack",
        _of("delivered_no_ack"),
    ),
    Family(
        "queue_messages_redelivered_total",
        COUNTER,
        "Messages that may have been delivered before",
        _of("redelivered"),
    ),
    Family("queue_messages_acked_total", COUNTER, "Messages acked", _of("acked")),
    Family("queue_get_empty_total", COUNTER, "Gets that found nothing", _of("got_empty")),
)
PUBLISHED: Final = (
    Family(
        "queue_messages_published_total", COUNTER, "Messages taken in by queues", _of("published")
    ),
)
INFO: Final = (Family("queue_info", GAUGE, "A queue, its kind, and its node's part", lambda _: 1),)


def item_of(vhost: str, queue: QueueNumbers) -> Item:
    """Return a queue."""
    return Item(labels(vhost=vhost, queue=queue.name), queue)


def info_key(item: Item) -> str:
    """Return the labels of a queue for ``queue_info``."""
    kind = KIND_NAMES.get(item.thing.kind, item.thing.kind)
    return item.key.removesuffix("}") + f',queue_type="{kind}",membership="{MEMBERSHIP}"}}'


def published_key(item: Item) -> str:
    """Return the labels of a queue for ``queue_messages_published_total``."""
    return "{queue_" + item.key.removeprefix("{")
