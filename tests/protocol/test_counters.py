"""Counters of a channel begin at nothing and grow with what nobody else counts."""

from pamqp import commands

from amqp_server.protocol.counters import ChannelCounters
from amqp_server.protocol.publishing import PLANS_MAX
from exchanges.counters import ExchangeCounters
from tests.support.counted_clock import budget_of
from tests.support.frames import method_frame
from tests.support.peer import Node


def test_a_new_channel_has_counted_nothing() -> None:
    counters = ChannelCounters()
    assert (counters.published_to, counters.all_published_count) == ({}, 0)
    numbers = set(ChannelCounters.__slots__) - {"published_to"}
    assert {getattr(counters, name) for name in numbers} == {0}


def test_a_publish_counts_for_channel_and_exchange_at_once() -> None:
    counters, one, two = ChannelCounters(), ExchangeCounters(), ExchangeCounters()
    published = counters.count_for(one)
    published.count += 3
    counters.count_for(two).count += 4
    assert counters.count_for(one) is published
    other = one.new_published()
    other.count += 10
    assert (counters.all_published_count, one.all_published_count) == (7, 13)
    counters.keep_published()
    assert (counters.all_published_count, one.published_count, two.published_count) == (7, 3, 4)
    assert (one.all_published_count, one.routed_count, counters.published_to) == (13, 13, {})


def test_a_channel_that_forgets_its_plans_counts_on() -> None:
    node = Node()
    client = node.open()
    client.declare("k0")
    for number in range(PLANS_MAX + 10):
        client.publish(b"x", routing_key=f"k{number}")
        client.publish(b"x", routing_key="k0", exchange="" if number % 2 else "amq.direct")
    (channel,) = client.connection.session.channels.values()
    count = 2 * (PLANS_MAX + 10)
    assert channel.counts().published == count
    router = node.vhost.router
    exchanges = [router.counters_of(name) for name in ("", "amq.direct")]
    assert sum([one.all_published_count for one in exchanges]) == count
    client.send(commands.Channel.Close, reply_code=200, reply_text="", class_id=0, method_id=0)
    assert [one.all_published_count for one in exchanges] == [
        one.published_count for one in exchanges
    ]
    assert sum([one.published_count for one in exchanges]) == count


def test_what_goes_back_in_steps_never_seems_acked() -> None:
    node = Node()
    client = node.open()
    client.declare()
    for _ in range(1_500):
        client.publish(b"x")
        client.send(commands.Basic.Get, queue="jobs")
    (channel,) = client.connection.session.channels.values()
    budget = node.broker.turn.budget = budget_of(2)
    budget.begin()
    client.connection.receive_data(
        method_frame(1, commands.Basic.Recover, requeue=True), node.now_ms
    )
    turns_count, seen = 0, []
    while node.broker.end_turn(node.now_ms):
        turns_count += 1
        seen.append(channel.counts())
        budget.begin()
    assert turns_count > 2, "it took several turns"
    assert {counts.acked for counts in seen} == {0}
    assert channel.counts().requeued == 1_500
