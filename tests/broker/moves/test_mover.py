"""Dead letters are moved in order, in pieces, and settled behind their copies."""

from collections.abc import Callable, Iterator
from itertools import pairwise, product

import pytest

from amqp_server.broker.backing import Backing
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.congestion import BROUGHT_ABOUT_MAX
from amqp_server.broker.moves.mover import PIECE_MAX
from amqp_server.broker.publish import TARGETS_AT_ONCE_MAX
from queues.ports import QueueEngine
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer
from tests.support.counted_clock import budget_of
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
    place = VhostUnderTest(backing=Backing(make_log=logs.make_log))
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


def test_a_copy_in_another_commit_group_is_safe_before_its_message_is_settled() -> None:
    here, there = OrderedLogs(), OrderedLogs()
    place = VhostUnderTest(
        backing=Backing(
            make_log=lambda queue: (there if queue.name == "dead" else here).make_log(queue)
        )
    )
    place.queue("dead")
    jobs = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead")
    place.publish(b"a", b"b")
    place.reject()
    place.reject()
    place.end()
    assert [each.what for each in here.noted] == ["append"] * 2
    assert jobs.engine.moves.count == 2
    there.disk.commit(2)
    assert here.noted[2:] == [Noted("settle", "jobs", b"a"), Noted("settle", "jobs", b"b")]
    assert jobs.engine.moves.count == 0


def test_a_copy_that_is_lost_with_its_commit_group_is_made_again() -> None:
    here, there = OrderedLogs(), OrderedLogs()
    place = VhostUnderTest(
        backing=Backing(
            make_log=lambda queue: (there if queue.name == "dead" else here).make_log(queue)
        )
    )
    dead = place.queue("dead")
    jobs = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead")
    place.publish(b"a")
    place.reject()
    place.end()
    there.disk.fail()
    there.disk.has_failed = False
    assert (jobs.engine.moves.count, dead.engine.ready_count) == (1, 1), "it is not settled"
    place.end()
    assert (jobs.engine.moves.count, dead.engine.ready_count) == (1, 2)
    there.disk.commit(2)
    assert here.noted[1:] == [Noted("settle", "jobs", b"a")]
    assert jobs.engine.moves.count == 0


@pytest.mark.parametrize("is_lost", [False, True])
def test_what_died_under_an_earlier_leader_is_not_settled_under_the_next_one(
    *, is_lost: bool
) -> None:
    here, there = OrderedLogs(), OrderedLogs()
    place = VhostUnderTest(
        backing=Backing(
            make_log=lambda queue: (there if queue.name == "dead" else here).make_log(queue)
        )
    )
    dead = place.queue("dead")
    jobs = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead")
    place.publish(b"a")
    place.reject()
    place.end()
    # The front half of a mirrored queue has the engine of the leadership that is.
    jobs.engine = place.queue("led anew").engine
    if is_lost:
        there.disk.fail()
        place.end()
    else:
        there.disk.commit(2)
    assert jobs.engine.moves.count == 0
    assert [each.what for each in here.noted] == ["append"]
    assert dead.engine.ready_count == 1, "the next leader moves it, nobody else"


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


def slowly(pieces_count: int) -> VhostUnderTest:
    """Return a vhost of which a turn asks for the time so many times."""
    place = VhostUnderTest(budget=budget_of(pieces_count))
    place.turn.budget.begin()
    return place


def turns(place: VhostUnderTest) -> Iterator[None]:
    """End turns until nothing is left to do; yield after each."""
    is_more = True
    while is_more:
        is_more = place.turn.end(place.now_ms)
        place.turn.budget.begin()
        yield


def found(place: VhostUnderTest, name: str) -> QueueEngine:
    queue = place.vhost.queues.find(name)
    assert queue is not None
    return queue.engine


@pytest.mark.parametrize("strategy", ["at-most-once", "at-least-once"])
def test_one_dead_letter_for_many_queues_is_moved_in_pieces(strategy: str) -> None:
    place = slowly(8)
    names = [f"q{number}" for number in range(10 * TARGETS_AT_ONCE_MAX)]
    for name in names:
        place.queue(name)
        place.bind("amq.fanout", name)
    jobs = place.queue(
        queue_type="quorum",
        dead_letter_exchange="amq.fanout",
        dead_letter_strategy=strategy,
        overflow="reject-publish",
        message_ttl=1,
    ).engine
    place.publish(b"m")
    jobs.expire(place.now_ms + 1)
    before_count = 0
    for _ in turns(place):
        have_it_count = sum(found(place, name).ready_count for name in names)
        assert have_it_count - before_count <= 16
        assert have_it_count == len(names) or jobs.moves.count, "not settled before all have it"
        before_count = have_it_count
    assert (before_count, jobs.moves.count) == (len(names), 0)


def test_dead_letters_that_many_patterns_match_are_moved_in_pieces() -> None:
    place = slowly(2)
    place.queue("dead")
    for words in product("a*#", repeat=8):
        place.bind("amq.topic", "dead", ".".join(words))
    jobs = place.queue(
        dead_letter_exchange="amq.topic", dead_letter_routing_key="a.a.a.a.a.a.a.a", message_ttl=1
    ).engine
    place.publish(b"m")
    jobs.expire(place.now_ms + 1)
    turns_count = len(list(turns(place)))
    assert turns_count > 4
    assert place.bodies("dead") == [b"m"]


def test_a_queue_that_is_deleted_has_its_dead_letters_moved_in_pieces_and_in_order() -> None:
    place = slowly(4)
    place.queue("dead")
    jobs = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", message_ttl=1)
    bodies = [b"%d" % number for number in range(10 * PIECE_MAX)]
    place.publish(*bodies)
    jobs.engine.expire(place.now_ms + 1)
    place.turn.end(place.now_ms)
    before_count = found(place, "dead").ready_count
    assert before_count < len(bodies)
    place.turn.budget.begin()
    place.vhost.queues.remove(jobs)
    assert found(place, "dead").ready_count - before_count <= 8 * PIECE_MAX
    for _ in turns(place):
        now_count = found(place, "dead").ready_count
        assert now_count - before_count <= 8 * PIECE_MAX
        before_count = now_count
    assert place.bodies("dead") == bodies
    assert not place.vhost.queues.is_leaving("jobs")


def test_the_next_of_a_name_waits_for_the_dead_letters_of_the_one_before() -> None:
    place = slowly(1)
    place.queue("dead")
    place.queue("other")
    jobs = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", message_ttl=1)
    place.publish(*[b"x"] * 3 * PIECE_MAX)
    jobs.engine.expire(place.now_ms + 1)
    place.vhost.queues.remove(jobs)
    place.queue()
    assert found(place, "dead").ready_count == 3 * PIECE_MAX


def test_who_consumes_from_a_queue_that_goes_may_still_reject() -> None:
    place = slowly(1)
    place.queue("dead")
    for strategy in ("at-most-once", "at-least-once"):
        jobs = place.queue(
            queue_type="quorum",
            dead_letter_exchange="",
            dead_letter_routing_key="dead",
            dead_letter_strategy=strategy,
            overflow="reject-publish",
        )
        place.publish(*[b"%d" % number for number in range(PIECE_MAX * 2)])
        consumer = FakeConsumer()
        jobs.engine.consume(consumer, place.now_ms)
        jobs.engine.drain(place.now_ms, PIECE_MAX * 2)
        first, *others = single_batches(consumer.take_unacked())
        jobs.engine.reject(others, place.now_ms)
        place.vhost.queues.remove(jobs)
        jobs.engine.reject([first], place.now_ms)
        place.end()
        assert place.vhost.queues.find("jobs") is None
        assert found(place, "dead").ready_count == PIECE_MAX * 2
        place.take("dead")


def test_what_a_publish_brings_about_is_moved_in_pieces_too_and_told() -> None:
    """Or a publisher that is faster than dead letters are moved would fill the memory."""
    place = slowly(4)
    place.queue("dead")
    full = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", max_length=1)
    place.publish(*[b"x"] * (BROUGHT_ABOUT_MAX + 10 * PIECE_MAX))
    congestion = place.congestion
    assert (full.engine.ready_count, congestion.is_brought_about) == (1, True)
    gone_on: list[int] = []
    congestion.wait(lambda: gone_on.append(full.engine.moves.count))
    assert not congestion.is_on, "nobody else waits"
    for _ in turns(place):
        assert bool(gone_on) is (full.engine.moves.count <= BROUGHT_ABOUT_MAX)
    (left_count,) = gone_on
    assert BROUGHT_ABOUT_MAX - PIECE_MAX < left_count <= BROUGHT_ABOUT_MAX


def test_what_moves_bring_about_keeps_nobody_waiting_and_is_worked_off() -> None:
    place = slowly(1)
    place.queue("last")
    place.queue("dead", dead_letter_exchange="", dead_letter_routing_key="last", max_length=1)
    place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", max_length=1)
    bodies = [b"%d" % number for number in range(3 * BROUGHT_ABOUT_MAX)]
    place.publish(*bodies)
    gone_on: list[bool] = []
    place.congestion.wait(lambda: gone_on.append(True))
    for _ in turns(place):
        assert not place.congestion.is_on
    assert gone_on == [True]
    assert place.bodies("last") == bodies[:-2]


def test_who_waits_for_the_moves_of_a_queue_that_goes_does_not_wait_for_ever() -> None:
    place = slowly(1)
    full = place.queue(dead_letter_exchange="", dead_letter_routing_key="dead", max_length=1)
    place.publish(*[b"x"] * 3 * BROUGHT_ABOUT_MAX)
    gone_on: list[bool] = []
    place.congestion.wait(lambda: gone_on.append(True))
    place.vhost.queues.remove(full)
    place.end()
    assert gone_on == [True]


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
