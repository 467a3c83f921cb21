"""How a burst and what is unroutable are counted; the rest is in ``tests/properties``."""

from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.counting import count_burst, count_unroutable
from amqp_server.protocol.publishing import Grant, Plan
from exchanges.counters import ExchangeCounters, PublishedCount
from tests.support.publish_target import FakeTarget

ORDER = bytes([0, 1, 0, 2, 0, 1])


def plan(counters: ExchangeCounters, *, mandatory: bool = False) -> Plan:
    grant = Grant("any", None, False, 0, counters, PublishedCount(""))
    return Plan(grant, "key", 0, mandatory)


def test_a_burst_to_single_queues_through_one_exchange_counts_once() -> None:
    channel, through, target = ChannelCounters(), ExchangeCounters(), FakeTarget()
    count_burst(channel, [plan(through)] * 3, [(target,)] * 3, ORDER)
    assert (channel.published_count, through.published_count, through.routed_count) == (6, 6, 6)


def test_a_burst_through_several_exchanges_counts_each_part() -> None:
    channel, target = ChannelCounters(), FakeTarget()
    first, second = ExchangeCounters(), ExchangeCounters()
    plans = [plan(first), plan(second), plan(first)]
    count_burst(channel, plans, [(target,), (target, FakeTarget()), ()], ORDER)
    assert (channel.published_count, channel.unroutable_count) == (6, 1)
    assert (first.published_count, first.routed_count, first.dropped_count) == (4, 3, 1)
    assert (second.published_count, second.routed_count) == (2, 4)


def test_what_is_mandatory_is_returned_and_else_dropped() -> None:
    channel, exchange = ChannelCounters(), ExchangeCounters()
    exchange.published_count = exchange.unroutable_count = 5
    count_unroutable(channel, plan(exchange), 3)
    count_unroutable(channel, plan(exchange, mandatory=True), 2)
    assert (channel.unroutable_count, channel.return_count) == (5, 2)
    assert (exchange.dropped_count, exchange.return_count) == (3, 2)


def test_a_burst_counts_the_copies_of_what_goes_to_several_queues() -> None:
    channel, through, target = ChannelCounters(), ExchangeCounters(), FakeTarget()
    several = (target, FakeTarget(), FakeTarget())
    count_burst(channel, [plan(through)] * 3, [(target,), several, ()], ORDER)
    assert (channel.copies_count, through.more_copies_count) == (4, 4)
