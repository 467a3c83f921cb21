"""Which numbers are sampled: every shown name has places that there are."""

import pytest

from amqp_server.broker.views import (
    ChannelCounts,
    FlowView,
    QueueCounts,
    TrafficCounts,
)
from management.samples import series
from tests.support.management_api import Api


@pytest.mark.parametrize(
    ("shown", "width"),
    [
        ({**series.LENGTHS, **series.QUEUE_STATS}, series.QUEUE_WIDTH),
        (series.CHANNEL_STATS, series.CHANNEL_WIDTH),
        (series.EXCHANGE_STATS, series.EXCHANGE_WIDTH),
        (series.TRAFFIC, series.TRAFFIC_WIDTH),
        (
            {**series.TOTALS_LENGTHS, **series.TOTALS_STATS, **series.TOTALS_TRAFFIC},
            series.TOTALS_WIDTH,
        ),
        (series.NODE_SERIES, series.NODE_WIDTH),
    ],
)
def test_every_number_is_shown(shown: series.Series, width: int) -> None:
    assert {place for places in shown.values() for place in places} == set(range(width))


def test_queues_and_channels() -> None:
    queue = QueueCounts(ready_count=1, unacked_count=2, published=3, acked=4)
    assert series.of_queue(queue) == (1, 2, 3, 0, 0, 0, 0, 0, 0, 4)
    channel = ChannelCounts(published=1, confirmed=2, acked=3)
    assert series.of_channel(channel)[:2] == (1, 2)
    flow = FlowView(channel, TrafficCounts(received_bytes=7, sent_bytes=8))
    numbers = series.of_totals(flow, 5, 6)
    assert numbers[:2] == (5, 6)
    assert numbers[series.TOTALS_STATS["ack"][0]] == 3
    assert numbers[series.TOTALS_TRAFFIC["send_oct"][0]] == 8
    assert series.of_traffic(TrafficCounts(received_bytes=7, sent_bytes=8)) == (7, 8)


def test_the_node_and_its_exchanges(api: Api) -> None:
    view = api.management.node.views.node()
    numbers = series.of_node(view)
    assert len(numbers) == series.NODE_WIDTH
    assert numbers[series.NODE_SERIES["queue_created"][0]] == view.events["queue.created"]
    exchange = api.management.node.views.exchange("/", "")
    assert exchange is not None
    assert series.of_exchange(exchange) == (0, 0)
