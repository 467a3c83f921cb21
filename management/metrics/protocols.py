"""Metrics of the node by protocol and by kind of queue: RabbitMQ's ``global`` counters.

Every label set is there from the start, with 0, so that a rate has two ends. No counter ever falls.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Final

from amqp_server.broker.views import CountedView, ProtocolCounts, QueueCounts, SizesView
from management.metrics.family import COUNTER, GAUGE, HISTOGRAM, Family, Group, Item, itself
from management.metrics.queues import KIND_NAMES
from management.metrics.text import labels

AMQP: Final = "amqp091"
STREAM: Final = "stream"

STREAM_ERRORS: Final = (
    "stream_does_not_exist",
    "subscription_id_already_exists",
    "subscription_id_does_not_exist",
    "stream_already_exists",
    "stream_not_available",
    "sasl_mechanism_not_supported",
    "authentication_failure",
    "sasl_error",
    "sasl_challenge",
    "sasl_authentication_failure_loopback",
    "vhost_access_failure",
    "unknown_frame",
    "frame_too_large",
    "internal_error",
    "access_refused",
    "precondition_failed",
    "publisher_does_not_exist",
)
_CODES: Final = {"sasl_authentication_failure_loopback": "AUTHENTICATION_FAILURE_LOOPBACK"}

REASONS: Final = {
    "rejected": "they were rejected",
    "expired": "they expired",
    "maxlen": "the queue was full",
    "delivery_limit": "they came back too often",
}
AT_LEAST_ONCE: Final = "at_least_once"
STRATEGIES: Final = {
    ("classic", "rejected"): ("at_most_once", "disabled"),
    ("classic", "expired"): ("at_most_once", "disabled"),
    ("classic", "maxlen"): ("at_most_once", "disabled"),
    ("quorum", "rejected"): (AT_LEAST_ONCE, "at_most_once", "disabled"),
    ("quorum", "expired"): (AT_LEAST_ONCE, "at_most_once", "disabled"),
    ("quorum", "maxlen"): ("at_most_once", "disabled"),
    ("quorum", "delivery_limit"): (AT_LEAST_ONCE, "at_most_once", "disabled"),
}
"""Which strategies a kind of queue has, by the reason of death."""

_NOTHING: Final = QueueCounts()


def global_groups(counted: CountedView, consumer_count: int) -> list[Group]:
    """Return all of these metrics.

    Args:
        counted: in the node.
        consumer_count: consumers of AMQP.
    """
    return [
        *_by_protocol(counted, consumer_count),
        *_by_queue_type(counted),
        *_dead_letters(counted.queues),
        *_stream_errors(counted.protocols[STREAM]),
        _sizes(counted.sizes),
    ]


def _by_protocol(counted: CountedView, consumer_count: int) -> list[Group]:
    amqp, stream = counted.channels, counted.protocols[STREAM]
    rows = (
        ("messages_received_total", COUNTER, "Messages published", amqp.published, stream.received),
        (
            "messages_received_confirm_total",
            COUNTER,
            "Messages published that ask for a confirm",
            amqp.with_confirm,
            stream.with_confirm,
        ),
        (
            "messages_routed_total",
            COUNTER,
            "Messages that reached queues, once for each queue",
            amqp.routed,
            stream.routed,
        ),
        (
            "messages_unroutable_dropped_total",
            COUNTER,
            "Messages that reached no queue, and nobody wanted to know",
            amqp.dropped,
            0,
        ),
        (
            "messages_unroutable_returned_total",
            COUNTER,
            "Mandatory messages that reached no queue",
            amqp.returns,
            0,
        ),
        (
            "messages_confirmed_total",
            COUNTER,
            "Messages that were confirmed",
            amqp.confirmed,
            stream.confirmed,
        ),
        ("publishers", GAUGE, "Publishers that are there", amqp.publishing, stream.publishers),
        ("consumers", GAUGE, "Consumers that are there", consumer_count, stream.consumers),
    )
    return [
        _group(name, kind, text, {AMQP: of_amqp, STREAM: of_stream})
        for name, kind, text, of_amqp, of_stream in rows
    ]


def _group(name: str, kind: str, text: str, values: Mapping[str, int]) -> Group:
    items = [(labels(protocol=protocol), value) for protocol, value in values.items()]
    return Group((Family(f"global_{name}", kind, text, itself),), items)


def _delivered(counts: QueueCounts) -> int:
    return counts.delivered + counts.delivered_no_ack + counts.got + counts.got_no_ack


def _of_streams(stream: ProtocolCounts) -> QueueCounts:
    """Return what subscriptions got as what a queue counts; they ack nothing."""
    return QueueCounts(delivered_no_ack=stream.delivered)


_OF_QUEUES: Final[tuple[tuple[str, str, Callable[[QueueCounts], int]], ...]] = (
    ("messages_delivered_total", "Messages delivered, and those that were got", _delivered),
    (
        "messages_delivered_consume_manual_ack_total",
        "Messages delivered to consumers, to be acked",
        attrgetter("delivered"),
    ),
    (
        "messages_delivered_consume_auto_ack_total",
        "Messages delivered to consumers without ack",
        attrgetter("delivered_no_ack"),
    ),
    ("messages_delivered_get_manual_ack_total", "Messages got, to be acked", attrgetter("got")),
    ("messages_delivered_get_auto_ack_total", "Messages got without ack", attrgetter("got_no_ack")),
    ("messages_get_empty_total", "Gets that found nothing", attrgetter("got_empty")),
    (
        "messages_redelivered_total",
        "Messages that may have been delivered before",
        attrgetter("redelivered"),
    ),
    ("messages_acknowledged_total", "Messages acked", attrgetter("acked")),
)


def _sizes(sizes: SizesView) -> Group:
    """Return the histogram of sizes; as in RabbitMQ it is of AMQP, and not of the stream protocol.

    Each bucket has all smaller messages too.
    """
    count = 0
    items: list[Item] = []
    for bound, more in sizes.counts:
        count += more
        limit = "+Inf" if bound is None else str(float(bound))
        items.append((f"_bucket{labels(protocol=AMQP, le=limit)}", count))
    key = labels(protocol=AMQP)
    items += [(f"_count{key}", count), (f"_sum{key}", sizes.total_bytes)]
    text = "Size of messages received from publishers"
    return Group((Family("message_size_bytes", HISTOGRAM, text, itself),), items)


def _by_queue_type(counted: CountedView) -> list[Group]:
    items = [
        (labels(protocol=AMQP, queue_type=name), counted.queues.get(kind, _NOTHING))
        for kind, name in KIND_NAMES.items()
    ]
    of_streams = _of_streams(counted.protocols[STREAM])
    items.append((labels(protocol=STREAM, queue_type=KIND_NAMES["stream"]), of_streams))
    families = [Family(f"global_{name}", COUNTER, text, pick) for name, text, pick in _OF_QUEUES]
    return [Group(families, items)]


def _dead_letters(queues: Mapping[str, QueueCounts]) -> list[Group]:
    groups = []
    for reason, words in REASONS.items():
        items = [
            (
                labels(queue_type=KIND_NAMES[kind], dead_letter_strategy=strategy),
                _dead(queues.get(kind, _NOTHING), reason, strategy),
            )
            for (kind, each), strategies in STRATEGIES.items()
            if each == reason
            for strategy in strategies
        ]
        groups.append(_dead_letter_group(reason, f"Messages that died as {words}", items))
    key = labels(queue_type=KIND_NAMES["quorum"], dead_letter_strategy=AT_LEAST_ONCE)
    item = (key, queues.get("quorum", _NOTHING).moved_safely)
    groups.append(
        _dead_letter_group("confirmed", "Dead letters that every target has confirmed", [item])
    )
    return groups


def _dead_letter_group(name: str, text: str, items: list[Item]) -> Group:
    return Group(
        (Family(f"global_messages_dead_lettered_{name}_total", COUNTER, text, itself),), items
    )


def _dead(counts: QueueCounts, reason: str, strategy: str) -> int:
    if strategy == "disabled":
        dropped: int = getattr(counts.dropped, reason)
        return dropped
    safely: int = getattr(counts.dead_lettered_safely, reason)
    moved: int = getattr(counts.dead_lettered, reason)
    return safely if strategy == AT_LEAST_ONCE else moved - safely


def _stream_errors(stream: ProtocolCounts) -> list[Group]:
    return [
        Group(
            (
                Family(
                    f"global_stream_error_{name}_total",
                    COUNTER,
                    f"Commands answered with {name.replace('_', ' ')}",
                    itself,
                ),
            ),
            [(labels(protocol=STREAM), stream.errors.get(_CODES.get(name, name.upper()), 0))],
        )
        for name in STREAM_ERRORS
    ]
