"""Dead letters are moved in order, in pieces, and settled behind their copies."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.moves.mover import PIECE_MAX
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer
from tests.support.ordered_logs import Noted, OrderedLogs
from tests.support.vhosts import VhostUnderTest, plain_headers

BODIES = [b"%d" % number for number in range(5)]


def reject(place: VhostUnderTest) -> None:
    for _ in BODIES:
        place.reject()


def expire(place: VhostUnderTest) -> None:
    place.end()
    place.advance(1_000)


def shorten(place: VhostUnderTest) -> None:
    place.policy({"max-length": 0}, pattern="^jobs$")
    place.end()


def publish_more(place: VhostUnderTest) -> None:
    place.policy({"max-length": 5}, pattern="^jobs$")
    place.publish(*BODIES)
    place.end()


def give_back(place: VhostUnderTest) -> None:
    place.policy({"delivery-limit": 0}, pattern="^jobs$")
    queue = place.vhost.queues.find("jobs")
    assert queue is not None
    consumer = FakeConsumer()
    queue.engine.consume(consumer, place.now_ms)
    place.end()
    queue.engine.requeue(single_batches(consumer.take_unacked()), place.now_ms)
    place.end()


def delete(place: VhostUnderTest) -> None:
    """The queue goes while its dead letters wait to be moved."""
    queue = place.vhost.queues.find("jobs")
    assert queue is not None
    consumer = FakeConsumer()
    queue.engine.consume(consumer, place.now_ms)
    queue.engine.drain(place.now_ms, 100)
    queue.engine.reject(single_batches(consumer.take_unacked()), place.now_ms)
    place.delete_queue("jobs")
    place.end()


@pytest.mark.parametrize("way", [reject, expire, shorten, publish_more, give_back, delete])
def test_a_crash_at_any_moment_leaves_each_message_somewhere(
    way: Callable[[VhostUnderTest], None],
) -> None:
    logs = OrderedLogs()
    place = VhostUnderTest(make_log=logs.make_log)
    for name in ("dead", "dead too"):
        place.queue(name)
        place.bind("amq.fanout", name)
    place.queue(queue_type="quorum", dead_letter_exchange="amq.fanout", message_ttl=1_000)
    place.publish(*BODIES)
    way(place)
    gone = [each.body for each in logs.noted if each[:2] == ("settle", "jobs")]
    assert gone == BODIES
    for body in BODIES:
        gone_at = logs.noted.index(Noted("settle", "jobs", body))
        for name in ("dead", "dead too"):
            assert logs.noted.index(Noted("append", name, body)) < gone_at
    for name in ("dead", "dead too"):
        assert place.bodies(name) == BODIES


def test_the_rest_of_a_long_move_is_left_to_later_turns_and_keeps_its_order() -> None:
    clock = iter(range(0, 10**9, 1_000))
    place = VhostUnderTest(budget=TurnBudget(clock.__next__, 4_000))
    place.turn.budget.begin()
    bodies = [b"%d" % number for number in range(20 * PIECE_MAX)]
    place.queue("dead")
    dying = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", message_ttl=1)
    place.publish(*bodies)
    dying.engine.expire(place.now_ms + 1)
    dead = place.vhost.queues.find("dead")
    assert dead is not None
    counts = [dead.engine.ready_count]
    while place.turn.end(place.now_ms):
        place.turn.budget.begin()
        counts.append(dead.engine.ready_count)
    assert len(counts) > 4, "over several turns"
    assert max(after - before for before, after in pairwise(counts)) <= 5 * PIECE_MAX
    assert place.bodies("dead") == bodies


def test_what_a_publish_brings_about_is_moved_in_its_own_turn() -> None:
    """Or a publisher that is faster than dead letters are moved would fill the memory."""
    clock = iter(range(0, 10**12, 1_000_000_000))
    place = VhostUnderTest(budget=TurnBudget(clock.__next__, 1))
    place.queue("dead")
    full = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", max_length=1)
    for _ in range(3):
        place.turn.budget.begin()
        place.publish(*[b"x"] * 3 * PIECE_MAX)
        place.turn.end(place.now_ms)
        assert full.engine.moves.count <= 1


def test_messages_alike_go_as_one_run_and_others_in_their_order() -> None:
    place = VhostUnderTest()
    place.queue("dead")
    place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", message_ttl=1)
    place.publish(b"a", b"bb", headers={"n": 1})
    place.publish(b"ccc", headers={"n": 2})
    place.publish(b"d", headers={"n": 1})
    place.end()
    place.advance(1)
    letters = place.take("dead")
    assert [(letter.body, plain_headers(letter)["n"]) for letter in letters] == [
        (b"a", 1),
        (b"bb", 1),
        (b"ccc", 2),
        (b"d", 1),
    ]
    assert [int.from_bytes(letter.header[4:12]) for letter in letters] == [1, 2, 3, 1]


def test_messages_go_where_the_queue_said_when_they_died() -> None:
    place = VhostUnderTest()
    place.queue("dead")
    queue = place.queue()
    place.policy({"dead-letter-exchange": "", "dead-letter-routing-key": "dead"}, pattern="^jobs$")
    place.publish(b"m")
    got = queue.engine.get(place.now_ms)
    assert got is not None
    queue.engine.reject((got[0],), place.now_ms)
    place.clear_policy()
    place.end()
    assert place.bodies("dead") == [b"m"]


def test_what_the_delivery_limit_drops_for_good_is_said(caplog: pytest.LogCaptureFixture) -> None:
    place = VhostUnderTest()
    queue = place.queue("qq", queue_type="quorum", delivery_limit=0)
    place.publish(b"m", routing_key="qq")
    got = queue.engine.get(place.now_ms)
    assert got is not None
    queue.engine.requeue((got[0],), place.now_ms)
    place.end()
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        "messages dropped by the delivery limit queue='qq' vhost='/' count=1 limit=0"
        " dead_letter_exchange=none"
    )
