"""The ``global`` counters: every label set is there from the start."""

import pytest

from amqp_server.broker.protocol_counts import new_protocol_counters
from amqp_server.broker.views import ChannelCounts, CountedView, SizesView, TrafficCounts
from management.metrics.family import RABBITMQ
from management.metrics.protocols import STREAM_ERRORS, global_groups
from management.metrics.text import written
from queues.counters import DeathCounts, QueueCounts
from tests.support.scrapes import Scraped, parsed

SIZES = SizesView(((100, 3), (1_000, 0), (100_000_000, 2), (None, 1)), 987)


def shown(counted: CountedView, consumer_count: int = 0) -> Scraped:
    groups = global_groups(counted, consumer_count)
    return parsed("".join([line for group in groups for line in written(group, RABBITMQ)]))


def counted(**queues: QueueCounts) -> CountedView:
    protocols = new_protocol_counters()
    protocols["stream"].delivered_count = 5
    protocols["stream"].note_error("AUTHENTICATION_FAILURE_LOOPBACK")
    protocols["stream"].note_error("UNKNOWN_FRAME")
    views = {name: each.counts() for name, each in protocols.items()}
    channels = ChannelCounts(published=9, returns=2, dropped=1, copies=4, publishing=3)
    return CountedView(channels, queues, TrafficCounts(), views, SIZES)


def test_a_node_without_queues_has_all_of_them() -> None:
    scraped = shown(counted())
    assert len(scraped.values("rabbitmq_global_messages_acknowledged_total")) == 4
    assert len(scraped.values("rabbitmq_global_messages_dead_lettered_rejected_total")) == 5
    assert len([name for name in scraped.types if "stream_error" in name]) == len(STREAM_ERRORS)
    assert len(STREAM_ERRORS) == 17


def test_numbers_of_channels_are_those_of_amqp() -> None:
    scraped = shown(counted(), consumer_count=6)
    names = ("messages_received_total", "messages_routed_total", "publishers", "consumers")
    values = [scraped.value(f"rabbitmq_global_{name}", protocol="amqp091") for name in names]
    assert values == [9, 10, 3, 6]


def test_what_subscriptions_got_needed_no_ack() -> None:
    scraped, name = shown(counted()), "rabbitmq_global_messages_delivered"
    assert scraped.value(f"{name}_total", protocol="stream") == 5
    assert scraped.value(f"{name}_consume_auto_ack_total", protocol="stream") == 5


def test_all_deliveries_and_gets_are_delivered() -> None:
    queue = QueueCounts(delivered=1, delivered_no_ack=2, got=4, got_no_ack=8)
    scraped = shown(counted(quorum=queue))
    kind = "rabbit_quorum_queue"
    assert scraped.value("rabbitmq_global_messages_delivered_total", queue_type=kind) == 15


@pytest.mark.parametrize(
    ("strategy", "count"), [("disabled", 1), ("at_most_once", 3), ("at_least_once", 4)]
)
def test_dead_letters_are_told_apart_by_strategy(strategy: str, count: int) -> None:
    deaths = QueueCounts(
        moved_safely=2,
        dropped=DeathCounts(expired=1),
        dead_lettered=DeathCounts(expired=7),
        dead_lettered_safely=DeathCounts(expired=4),
    )
    scraped = shown(counted(quorum=deaths))
    labels = {"queue_type": "rabbit_quorum_queue", "dead_letter_strategy": strategy}
    name = "rabbitmq_global_messages_dead_lettered"
    assert scraped.value(f"{name}_expired_total", **labels) == count
    assert scraped.values(f"{name}_confirmed_total") == [2]


def test_errors_of_streams_are_counted_by_their_codes() -> None:
    scraped = shown(counted())
    found = {
        name: scraped.value(f"rabbitmq_global_stream_error_{name}_total") for name in STREAM_ERRORS
    }
    assert {name for name, value in found.items() if value} == {
        "sasl_authentication_failure_loopback",
        "unknown_frame",
    }


def test_a_bucket_of_sizes_has_all_smaller_messages_too() -> None:
    scraped, name = shown(counted()), "rabbitmq_message_size_bytes"
    assert scraped.types[name] == "histogram"
    limits = ("100.0", "1000.0", "100000000.0", "+Inf")
    values = [scraped.value(f"{name}_bucket", protocol="amqp091", le=limit) for limit in limits]
    assert values == [3, 3, 5, 6]
    assert scraped.value(f"{name}_count", protocol="amqp091") == 6
    assert scraped.value(f"{name}_sum", protocol="amqp091") == 987
