"""Counters of a channel begin at nothing and grow with what nobody else counts."""

from typing import cast

from pamqp import commands

from amqp_server.protocol.channel import Channel
from amqp_server.protocol.counters import NAMES_KEPT_MAX, ChannelCounters
from amqp_server.protocol.publishing import PLANS_MAX
from exchanges.counters import ExchangeCounters
from tests.support.counted_clock import budget_of
from tests.support.frames import (
    METHOD,
    content_frames,
    frame,
    method_frame,
    property_list,
    publish_payload,
)
from tests.support.peer import Node


def test_a_new_channel_has_counted_nothing() -> None:
    counters = ChannelCounters()
    assert (counters.published_to, counters.all_published_count) == ({}, 0)
    numbers = set(ChannelCounters.__slots__) - {"published_to", "kept_to"}
    assert {getattr(counters, name) for name in numbers} == {0}


def test_a_publish_counts_for_channel_and_exchange_at_once() -> None:
    counters, one, two = ChannelCounters(), ExchangeCounters(), ExchangeCounters()
    published = counters.count_for(one, "one")
    published.count += 3
    counters.count_for(two, "two").count += 4
    assert counters.count_for(one, "one") is published
    other = one.new_published("one")
    other.count += 10
    assert (counters.all_published_count, one.all_published_count) == (7, 13)
    counters.keep_published()
    assert (counters.all_published_count, one.published_count, two.published_count) == (7, 3, 4)
    assert (one.all_published_count, one.routed_count, counters.published_to) == (13, 13, {})
    assert counters.published_by_name() == {"one": 3, "two": 4}


def test_who_published_where_is_known_however_it_was_counted() -> None:
    node = Node()
    client = node.open()
    for name in ("a", "b"):
        client.declare(name)
        client.send(commands.Queue.Bind, queue=name, exchange="amq.fanout")
    client.send(commands.Exchange.Declare, exchange="h", exchange_type="headers")
    client.publish(b"x", routing_key="a")
    client.publish(b"x", exchange="amq.fanout")
    client.publish(b"x", exchange="amq.direct", routing_key="nowhere")
    for _ in range(3):
        client.publish(b"x", exchange="h", headers={"k": "v"})
    client.send_bytes(
        b"".join(
            frame(METHOD, 1, publish_payload("", key, 0)) + content_frames(1, b"x", property_list())
            for key in ("a", "b", "a", "b")
        )
    )
    (opened,) = client.connection.session.channels.values()
    channel = cast("Channel", opened)
    counts = channel.counters.published_by_name()
    assert counts == {"": 5, "amq.fanout": 1, "amq.direct": 1, "h": 3}
    channel.publishing.checks.forget_plans()
    assert channel.counters.published_by_name() == counts
    client.publish(b"x", routing_key="a")
    assert channel.counters.published_by_name()[""] == 6
    assert channel.counts().published == 11


def test_names_of_exchanges_that_are_kept_are_bounded() -> None:
    counters, exchange = ChannelCounters(), ExchangeCounters()
    for number in range(3 * NAMES_KEPT_MAX):
        counters.count_for(exchange, f"x{number}").count += 1 + number
        counters.keep_published()
        assert len(counters.kept_to) <= NAMES_KEPT_MAX
    assert f"x{3 * NAMES_KEPT_MAX - 1}" in counters.published_by_name()


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
