"""Counters of a channel begin at nothing and grow with what nobody else counts."""

from pamqp import commands

from amqp_server.protocol.counters import ChannelCounters
from tests.support.counted_clock import budget_of
from tests.support.frames import method_frame
from tests.support.peer import Node


def test_a_new_channel_has_counted_nothing() -> None:
    counters = ChannelCounters()
    assert {getattr(counters, name) for name in ChannelCounters.__slots__} == {0}


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
