"""A reply waits for what it promises, and is replaced where a queue refuses some of it."""

from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.promise import NOTHING_PROMISED, Promise, hold
from queues.outcomes import PublishOutcome
from tests.support.records import run_of
from tests.support.refusing_queue import RefusingQueue


class Held:
    """An outbox with a reply that is held."""

    def __init__(self, promise: Promise) -> None:
        self.outbox = Outbox(1_000, lambda: None)
        self.lost_count = 0
        hold(self.outbox, promise, self.lost)
        self.outbox.write(b"reply")

    def lost(self) -> None:
        self.lost_count += 1


def promised(queue: RefusingQueue) -> Promise:
    return NOTHING_PROMISED.and_of(queue.publish(run_of(b"a", b"b")))


def test_a_reply_that_promises_nothing_is_not_held() -> None:
    assert Held(NOTHING_PROMISED).outbox.take() == [b"reply"]


def test_a_reply_is_sent_once_its_promise_is_kept() -> None:
    queue = RefusingQueue()
    held = Held(promised(queue))
    assert held.outbox.take() == []
    queue.commits.commit(1)
    assert (held.outbox.take(), held.lost_count) == ([b"reply"], 0)


def test_a_refusal_breaks_it() -> None:
    queue = RefusingQueue()
    held = Held(promised(queue))
    queue.refuse(0, range(1, 2))
    queue.commits.commit(1)
    assert held.lost_count == 1


def test_a_group_that_fails_breaks_it() -> None:
    queue = RefusingQueue()
    held = Held(promised(queue))
    queue.commits.fail()
    assert held.lost_count == 1


def test_a_client_that_is_gone_hears_nothing() -> None:
    queue = RefusingQueue()
    held = Held(promised(queue))
    held.outbox.abandon()
    queue.commits.fail()
    assert held.lost_count == 0


def test_what_was_refused_at_once_breaks_it_before() -> None:
    refused = PublishOutcome((0,), NOTHING_PROMISED.safe_at)
    assert promised(RefusingQueue()).and_of(refused).is_broken
    assert not promised(RefusingQueue()).and_of(PublishOutcome((), refused.safe_at)).is_broken
