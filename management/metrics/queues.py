"""Metrics of queues: of each, or of all of them and those that are gone."""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final, TypeAlias

from amqp_server.broker.views import QueueCounts, QueueNumbers
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


Thing: TypeAlias = tuple[Any, ...]
"""The numbers of a queue: its kind, whether it may deliver, whether it tells duplicates, and then
its counts."""

_KIND: Final = 0
_MAY_DELIVER: Final = 1
_DEDUPLICATES: Final = 2
_COUNTS_AT: Final = 3
_COUNTS_END: Final = QueueCounts._fields.index("dead_lettered")
"""Deaths are counted for each kind of queue, and not shown for each queue."""


def _of(name: str) -> Any:  # noqa: ANN401 -- itemgetter, which is faster than a function
    return itemgetter(_COUNTS_AT + QueueCounts._fields.index(name))


def _sum_of(*names: str) -> Callable[[Thing], int]:
    look = itemgetter(*[_COUNTS_AT + QueueCounts._fields.index(name) for name in names])
    return lambda queue: sum(look(queue))


_messages = _sum_of("ready_count", "unacked_count")
_bytes = _sum_of("ready_bytes", "unacked_bytes")


def _capacity(queue: Thing) -> Number | None:
    may_deliver = queue[_MAY_DELIVER]
    return None if may_deliver is None else int(may_deliver)


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
DUPLICATES: Final = (
    Family(
        "queue_duplicates_total",
        COUNTER,
        "Messages that queues did not take in, as one with their key was there",
        _of("duplicates"),
    ),
)
INFO: Final = (Family("queue_info", GAUGE, "A queue, its kind, and its node's part", lambda _: 1),)


def thing_of(queue: QueueNumbers) -> Thing:
    """Return the numbers of a queue, or of all together."""
    return (queue.kind, queue.may_deliver, queue.deduplicates, *queue.counts[:_COUNTS_END])


def item_of(vhost: str, queue: QueueNumbers) -> Item:
    """Return a queue."""
    return labels(vhost=vhost, queue=queue.name), thing_of(queue)


def deduplicates(item: Item) -> bool:
    """Whether a queue tells duplicates."""
    return bool(item[1][_DEDUPLICATES])


def info_key(item: Item) -> str:
    """Return the labels of a queue for ``queue_info``."""
    kind = item[1][_KIND]
    kind = KIND_NAMES.get(kind, kind)
    return item[0].removesuffix("}") + f',queue_type="{kind}",membership="{MEMBERSHIP}"}}'


def published_key(item: Item) -> str:
    """Return the labels of a queue for ``queue_messages_published_total``."""
    return "{queue_" + item[0].removeprefix("{")
