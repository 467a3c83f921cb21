"""Counters of a channel begin at nothing and grow with what nobody else counts."""

from amqp_server.protocol.counters import ChannelCounters


def test_a_new_channel_has_counted_nothing() -> None:
    counters = ChannelCounters()
    assert {getattr(counters, name) for name in ChannelCounters.__slots__} == {0}
