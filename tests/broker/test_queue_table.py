"""Queues by name: whose they are, and when they go."""

import pytest

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.errors import (
    AccessRefusedError,
    NotFoundError,
    NotSupportedError,
    PreconditionFailedError,
    ResourceLockedError,
)
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import finish
from queues.kinds import CLASSIC
from tests.support.told_consumer import ToldConsumer
from tests.support.vhosts import VhostUnderTest

LOCKED = (
    "cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally "
    "declared on another connection or the exclusive property value does not match that of the "
    "original declaration."
)


class Connection:
    """Whoever may own an exclusive queue."""


@pytest.fixture
def place() -> VhostUnderTest:
    return VhostUnderTest()


def consume(place: VhostUnderTest, queue: Queue, *, prefetch: int = 0) -> ToldConsumer:
    consumer = ToldConsumer(queue, prefetch=prefetch)
    consumer.consume(place.now_ms)
    return consumer


def delete(
    place: VhostUnderTest,
    name: str = "jobs",
    connection: object = None,
    *,
    if_unused: bool = False,
    if_empty: bool = False,
) -> int:
    return finish(
        place.vhost.queues.deleting(
            name, connection, place.now_ms, if_unused=if_unused, if_empty=if_empty
        )
    )


# ── find and get ──


def test_a_queue_that_is_not_there_is_named(place: VhostUnderTest) -> None:
    assert place.vhost.queues.find("jobs") is None
    with pytest.raises(NotFoundError) as caught:
        place.vhost.queues.get("jobs", Connection())
    assert str(caught.value) == "no queue 'jobs' in vhost '/'"


def test_a_shared_queue_is_anybodys(place: VhostUnderTest) -> None:
    queue = place.queue(connection=Connection())
    assert queue.owner is None
    assert place.vhost.queues.get("jobs", Connection()) is queue
    assert queue.text == "queue 'jobs' in vhost '/'"


def test_an_exclusive_queue_is_its_connections_only(place: VhostUnderTest) -> None:
    owner = Connection()
    queue = place.queue("mine", owner, exclusive=True)
    assert place.vhost.queues.get("mine", owner) is queue
    for refused in (
        lambda: place.vhost.queues.get("mine", Connection()),
        lambda: place.queue("mine", Connection(), exclusive=True),
        lambda: place.queue("mine", Connection()),
        lambda: delete(place, "mine", Connection()),
    ):
        with pytest.raises(ResourceLockedError) as caught:
            refused()
        assert str(caught.value) == LOCKED


def test_an_exclusive_queue_stays_exclusive_and_a_shared_one_shared(
    place: VhostUnderTest,
) -> None:
    owner = Connection()
    place.queue("mine", owner, exclusive=True)
    with pytest.raises(ResourceLockedError, match="'mine'"):
        place.queue("mine", owner)
    place.queue("ours")
    with pytest.raises(ResourceLockedError, match="'ours'"):
        place.queue("ours", owner, exclusive=True)


# ── declare ──


def test_a_queue_is_declared_once(place: VhostUnderTest) -> None:
    queue = place.queue(message_ttl=5)
    assert place.queue(message_ttl=5) is queue
    assert len(place.vhost.queues) == 1
    assert list(place.vhost.queues) == [queue]
    assert (queue.kind, queue.engine.options.message_ttl_ms) == (CLASSIC, 5)


def test_an_inequivalent_redeclare_is_refused_and_changes_nothing(place: VhostUnderTest) -> None:
    queue = place.queue(message_ttl=5)
    with pytest.raises(PreconditionFailedError) as caught:
        place.queue(message_ttl=6)
    assert str(caught.value) == (
        "inequivalent arg 'x-message-ttl' for queue 'jobs' in vhost '/': "
        "received '6' but current is '5'"
    )
    assert queue.engine.options.message_ttl_ms == 5


def test_an_invalid_declare_leaves_no_queue(place: VhostUnderTest) -> None:
    generation = place.vhost.router.generation
    with pytest.raises(PreconditionFailedError, match="invalid arg 'x-expires'"):
        place.queue(expires=0)
    assert len(place.vhost.queues) == 0
    assert place.vhost.router.generation == generation


@pytest.mark.parametrize("name", ["amq.mine", "amq.gen-mine", "amq."])
def test_a_client_may_not_choose_a_reserved_name(place: VhostUnderTest, name: str) -> None:
    with pytest.raises(AccessRefusedError) as caught:
        place.queue(name)
    assert str(caught.value) == f"queue name '{name}' contains reserved prefix 'amq.*'"


def test_the_broker_may_choose_a_reserved_name(place: VhostUnderTest) -> None:
    durable = QueueProperties(True, False, False, {})
    queue = place.vhost.queues.declare(
        "amq.gen-1", durable, None, place.now_ms, may_be_reserved=True
    )
    assert place.vhost.queues.find("amq.gen-1") is queue


def test_a_declare_renews_the_expiry(place: VhostUnderTest) -> None:
    place.queue(expires=1_000)
    place.end()
    place.advance(900)
    place.queue(expires=1_000)
    place.end()
    place.advance(900)
    assert place.vhost.queues.find("jobs") is not None
    place.advance(100)
    assert place.vhost.queues.find("jobs") is None


def test_the_counts_a_declare_tells_leave_out_what_consumers_can_have(
    place: VhostUnderTest,
) -> None:
    consumer = consume(place, place.queue(), prefetch=2)
    place.publish(b"a", b"b", b"c")
    assert place.queue().engine.ready_count == 1
    assert consumer.bodies == [b"a", b"b"]


# ── delete ──


def test_deleting_what_is_not_there_deletes_nothing(place: VhostUnderTest) -> None:
    assert delete(place, "nobody", if_unused=True, if_empty=True) == 0


def test_a_delete_tells_how_many_ready_messages_went(place: VhostUnderTest) -> None:
    consumer = consume(place, place.queue(), prefetch=1)
    place.publish(b"a", b"b", b"c")
    assert delete(place) == 2
    assert consumer.bodies == [b"a"], "unacked messages are not counted"
    assert place.vhost.queues.find("jobs") is None
    assert place.publish(b"d").unroutable == range(1)


def test_a_queue_in_use_is_kept_if_asked(place: VhostUnderTest) -> None:
    queue = place.queue()
    consumer = consume(place, queue)
    with pytest.raises(PreconditionFailedError) as caught:
        delete(place, if_unused=True)
    assert str(caught.value) == "queue 'jobs' in vhost '/' in use"
    queue.engine.cancel(consumer, place.now_ms)
    assert delete(place, if_unused=True) == 0


def test_a_queue_with_messages_is_kept_if_asked(place: VhostUnderTest) -> None:
    place.queue()
    place.publish(b"a")
    with pytest.raises(PreconditionFailedError) as caught:
        delete(place, if_empty=True, if_unused=True)
    assert str(caught.value) == "queue 'jobs' in vhost '/' not empty"
    place.take()
    delete(place, if_empty=True)
    assert place.vhost.queues.find("jobs") is None


@pytest.mark.parametrize(("flag", "word"), [("if_unused", "if-unused"), ("if_empty", "if-empty")])
def test_a_quorum_queue_is_deleted_without_conditions(
    place: VhostUnderTest, flag: str, word: str
) -> None:
    place.queue(queue_type="quorum")
    with pytest.raises(NotSupportedError) as caught:
        delete(place, **{flag: True})  # type: ignore[arg-type] # one of the two flags
    assert str(caught.value) == (
        f"cannot delete queue 'jobs' in vhost '/'. queue.delete operations with {word} flag set "
        "are not supported by quorum queues"
    )
    assert delete(place) == 0


# ── going by itself ──


def test_an_auto_delete_queue_goes_with_its_last_consumer(place: VhostUnderTest) -> None:
    queue = place.queue(auto_delete=True)
    consumers = [consume(place, queue) for _ in range(2)]
    for consumer in consumers:
        assert place.vhost.queues.find("jobs") is queue
        queue.engine.cancel(consumer, place.now_ms)
        del queue.consumers[consumer]
        place.end()
    assert place.vhost.queues.find("jobs") is None


def test_an_auto_delete_queue_without_consumers_stays(place: VhostUnderTest) -> None:
    place.queue(auto_delete=True)
    place.publish(b"m")
    place.take()
    place.end()
    place.advance(1_000_000)
    assert place.vhost.queues.find("jobs") is not None


def test_an_auto_delete_queue_takes_auto_delete_exchanges_along(place: VhostUnderTest) -> None:
    place.exchange("front", auto_delete=True)
    place.exchange("back", auto_delete=True)
    queue = place.queue(auto_delete=True)
    place.bind_exchange("front", "back")
    place.bind("back", "jobs")
    queue.engine.cancel(consume(place, queue), place.now_ms)
    place.end()
    assert not place.vhost.exchanges.exists("back")
    assert not place.vhost.exchanges.exists("front")


def test_an_unused_queue_expires_with_what_is_in_it(place: VhostUnderTest) -> None:
    place.exchange("dlx")
    place.queue("dead")
    place.bind("dlx", "dead")
    place.queue(expires=1_000, dead_letter_exchange="dlx")
    place.publish(b"m")
    place.end()
    place.advance(999)
    assert place.vhost.queues.find("jobs") is not None
    place.advance(1)
    assert place.vhost.queues.find("jobs") is None
    assert place.bodies("dead") == [], "nothing is dead-lettered"
    assert place.turn.next_deadline_ms() is None


def test_a_queue_with_a_consumer_does_not_expire(place: VhostUnderTest) -> None:
    queue = place.queue(expires=1_000)
    consumer = consume(place, queue)
    place.end()
    place.advance(5_000)
    assert place.vhost.queues.find("jobs") is queue
    queue.engine.cancel(consumer, place.now_ms)
    place.end()
    place.advance(1_000)
    assert place.vhost.queues.find("jobs") is None


# ── the end of a connection ──


def test_a_connection_that_ends_takes_its_exclusive_queues_along(place: VhostUnderTest) -> None:
    one, two = Connection(), Connection()
    mine = place.queue("mine", one, exclusive=True)
    place.queue("too", one, exclusive=True)
    place.queue("theirs", two, exclusive=True)
    place.queue("shared", one)
    place.bind("amq.fanout", "mine")
    consumer = consume(place, mine)
    place.vhost.queues.release(one)
    assert [queue.name for queue in place.vhost.queues] == ["theirs", "shared"]
    place.turn.settle(place.now_ms)
    assert consumer.told == [True]
    assert not place.vhost.router.has_bindings_from("amq.fanout")


def test_the_name_of_a_released_queue_is_free(place: VhostUnderTest) -> None:
    one, two = Connection(), Connection()
    place.queue("mine", one, exclusive=True)
    place.vhost.queues.release(one)
    assert place.queue("mine", two, exclusive=True).owner is two
    place.vhost.queues.release(one)
    assert place.vhost.queues.find("mine") is not None


def test_what_a_released_queue_left_to_do_harms_nobody(place: VhostUnderTest) -> None:
    one = Connection()
    queue = place.queue("mine", one, exclusive=True, message_ttl=10, dead_letter_exchange="")
    place.publish(b"m", routing_key="mine")
    place.end()
    place.vhost.queues.release(one)
    place.advance(1_000)
    queue.engine.settle(range(1), 1)
    place.end()
    assert place.turn.next_deadline_ms() is None
