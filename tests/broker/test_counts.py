"""Numbers of channels and connections are summed, and their counters stay when they go."""

from amqp_server.broker.counts import ChannelCounts, TrafficCounts


def test_numbers_of_channels() -> None:
    channels = ChannelCounts(unacked=2, unconfirmed=3, published=5, requeued=1, publishing=1)
    twice = channels.plus(channels)
    assert (twice.unacked, twice.published, twice.minus(channels)) == (4, 10, channels)
    assert channels.at_the_end() == ChannelCounts(published=5, requeued=3)


def test_numbers_of_connections() -> None:
    traffic = TrafficCounts(1, 2, 3, 4)
    assert traffic.plus(traffic) == (2, 4, 6, 8)
    assert traffic.minus(traffic) == TrafficCounts()
    assert traffic.at_the_end() == traffic
