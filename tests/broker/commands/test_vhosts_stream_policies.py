"""Policies that change while a stream is in use."""

from typing import Any

from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import Field, Table, longstr
from tests.support.desk import PLAIN, Desk

LOG = {"vhost": "/", "name": "log"}
STREAM = {"x-queue-type": longstr("stream")}
SMALL_SEGMENTS = STREAM | {"x-stream-max-segment-size-bytes": Field("I", 2_000)}
SECOND_MS = 1_000


def desk_with(arguments: Table) -> Desk:
    desk = Desk()
    desk.do("declare_queue", **LOG, **PLAIN | {"arguments": arguments})
    return desk


def fill(desk: Desk, count: int = 12) -> None:
    """Publish messages, each in a chunk of its own."""
    client = desk.node.open()
    for _ in range(count):
        client.publish(bytes(1_000), routing_key="log")


def set_policy(desk: Desk, **definition: Any) -> None:  # noqa: ANN401 - as policies have them
    keys = {key.replace("_", "-"): value for key, value in definition.items()}
    policy = Policy("p", "^log$", keys, 0, "queues")
    desk.do("set_policy", vhost="/", policy=policy, operator=False)
    desk.node.advance(0)  # What is due at once is due at a deadline that has passed.


def kept(desk: Desk) -> int:
    """Return how many messages the stream has."""
    queue = desk.views.queue("/", "log")
    assert queue is not None
    return queue.counts.ready_count


def test_a_new_size_drops_segments_at_once() -> None:
    desk = desk_with(SMALL_SEGMENTS)
    fill(desk)
    assert kept(desk) == 12
    set_policy(desk, max_length_bytes=4_500)
    assert 0 < kept(desk) <= 5


def test_a_new_age_drops_segments_when_they_are_that_old() -> None:
    desk = desk_with(SMALL_SEGMENTS)
    fill(desk)
    set_policy(desk, max_age="1s")
    assert kept(desk) == 12
    desk.node.advance(2 * SECOND_MS)
    assert 0 < kept(desk) <= 2


def test_without_the_policy_the_arguments_hold_again() -> None:
    desk = desk_with(SMALL_SEGMENTS)
    set_policy(desk, max_length_bytes=4_500)
    assert desk.do("clear_policy", vhost="/", name="p", operator=False) is True
    fill(desk)
    assert kept(desk) == 12


def test_a_new_segment_size_holds_from_the_next_segment_on() -> None:
    desk = desk_with(STREAM | {"x-max-length-bytes": Field("I", 4_500)})
    fill(desk)
    assert kept(desk) == 12, "one segment, which stays"
    set_policy(desk, stream_max_segment_size_bytes=2_000)
    fill(desk)
    assert 0 < kept(desk) <= 5
