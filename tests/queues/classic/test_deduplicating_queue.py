"""A queue that deduplicates against a naive model, and how its keys become free."""

from collections.abc import Sequence
from itertools import count
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persistence.record import PERSISTENT, Record, make_route
from queues.batch import Batch
from queues.classic.deduplicating_queue import DeduplicatingQueue
from queues.classic.rules import QUORUM_RULES
from queues.deduplication.keyed_log import FREED_PER_STEP
from queues.kinds import CLASSIC, QUORUM
from queues.options import Overflow, QueueOptions
from queues.ports import EngineParts
from tests.support.consumer import FakeConsumer
from tests.support.frames import content_header, property_list
from tests.support.queue_log import FakeLog

KEY = "x-deduplication-header"
OPTIONS = QueueOptions(deduplication_header=KEY)
NOW_MS = 1_000


def message(
    key: object, body: bytes = b"", *, persistent: bool = False, ttl_ms: int = -1
) -> Record:
    headers = {} if key is None else {KEY: key}
    header = content_header(len(body), property_list(headers=headers))
    flags = PERSISTENT if persistent else 0
    return Record(make_route("", "q"), header, body, flags, 0, ttl_ms)


def queue_of(options: QueueOptions = OPTIONS, log: FakeLog | None = None) -> DeduplicatingQueue:
    parts = EngineParts(
        "q",
        options,
        log=FakeLog(options.max_priority) if log is None else log,
        emit=lambda _effect: None,
        wake_up=lambda: None,
        now_ms=NOW_MS,
    )
    return DeduplicatingQueue(parts)


def publish(queue: DeduplicatingQueue, *run: Record, now_ms: int = NOW_MS) -> list[int]:
    """Publish a run; return the indexes that were refused."""
    return list(queue.publish(list(run), now_ms).rejected)


def bodies(queue: DeduplicatingQueue, now_ms: int = NOW_MS) -> list[bytes]:
    taken: list[bytes] = []
    while (got := queue.get(now_ms, no_ack=True)) is not None:
        taken += [bytes(record.body) for record in got[0].records]
    return taken


def get(queue: DeduplicatingQueue) -> Batch:
    got = queue.get(NOW_MS)
    assert got is not None, "a message is ready"
    return got[0]


@pytest.mark.parametrize("kind", [CLASSIC, QUORUM])
def test_the_argument_makes_the_engine(kind: object) -> None:
    parts = EngineParts("q", OPTIONS, FakeLog(), lambda _effect: None, lambda: None, NOW_MS)
    made = kind.make_engine(parts)  # type: ignore[attr-defined]
    assert isinstance(made, DeduplicatingQueue)
    plain = kind.make_engine(parts._replace(options=QueueOptions()))  # type: ignore[attr-defined]
    assert not isinstance(plain, DeduplicatingQueue)
    assert made._rules is (QUORUM_RULES if kind is QUORUM else plain._rules)


def test_a_key_is_taken_while_its_message_is_in_the_queue() -> None:
    queue = queue_of()
    publish(queue, message("k", b"1"), message("k", b"2"), message("j", b"3"), message(None, b"4"))
    publish(queue, message("k", b"5"), message(None, b"6"))
    assert queue.state().duplicates_count == 2
    assert bodies(queue) == [b"1", b"3", b"4", b"6"]
    publish(queue, message("k", b"7"))
    assert bodies(queue) == [b"7"]


def test_a_delivered_message_is_in_the_queue_until_it_is_acked() -> None:
    queue = queue_of()
    publish(queue, message("k", b"1"))
    batch = get(queue)
    publish(queue, message("k", b"2"))
    queue.requeue([batch], NOW_MS)
    publish(queue, message("k", b"3"))
    batch = get(queue)
    queue.settle(batch.positions, batch.body_bytes)
    publish(queue, message("k", b"4"))
    assert bodies(queue) == [b"4"]


def test_a_rejected_message_frees_its_key() -> None:
    queue = queue_of()
    publish(queue, message("k", b"1"))
    queue.reject([get(queue)], NOW_MS)
    publish(queue, message("k", b"2"))
    assert bodies(queue) == [b"2"]


def test_a_dead_letter_may_come_back_before_it_is_settled() -> None:
    queue = queue_of(QueueOptions(deduplication_header=KEY, dead_letter_exchange="back"))
    publish(queue, message("k", b"1"))
    queue.reject([get(queue)], NOW_MS)
    dying = queue.moves.take(10)
    assert dying is not None
    publish(queue, message("k", b"1 again"))
    queue.moved(dying)
    publish(queue, message("k", b"2"))
    assert bodies(queue) == [b"1 again"], "the copy is there, and its key taken"


def test_an_expired_message_frees_its_key() -> None:
    queue = queue_of()
    publish(queue, message("k", b"1", ttl_ms=5))
    queue.expire(NOW_MS + 5)
    publish(queue, message("k", b"2"), now_ms=NOW_MS + 5)
    assert bodies(queue, NOW_MS + 5) == [b"2"]


def test_a_dropped_message_frees_its_key_within_a_run() -> None:
    queue = queue_of(QueueOptions(deduplication_header=KEY, max_length=1))
    publish(queue, message("a", b"1"), message("b", b"2"), message("a", b"3"))
    assert bodies(queue) == [b"3"]


def test_a_refused_message_has_no_key_in_the_queue() -> None:
    options = QueueOptions(deduplication_header=KEY, max_length=1, overflow=Overflow.REJECT_PUBLISH)
    queue = queue_of(options)
    assert publish(queue, message("a"), message("b"), message("b"), message("a")) == [1, 2]
    bodies(queue)
    assert publish(queue, message("b", b"1")) == []
    assert bodies(queue) == [b"1"]


def test_a_purge_frees_keys() -> None:
    queue = queue_of()
    publish(queue, *[message(number) for number in range(10)])
    assert queue.purge().purged_count == 10
    assert (queue.state().keys_count, queue.state().keys_bytes) == (0, 0)
    publish(queue, message(3, b"1"))
    assert bodies(queue) == [b"1"]


def test_a_large_purge_frees_keys_in_pieces_and_they_are_free_at_once() -> None:
    jobs: list[object] = []
    parts = EngineParts(
        "q", OPTIONS, FakeLog(), lambda _e: None, lambda: None, NOW_MS, later=jobs.append
    )
    queue = DeduplicatingQueue(parts)
    key_count = 3 * FREED_PER_STEP
    publish(queue, *[message(number) for number in range(key_count)])
    queue.purge()
    assert queue.state().keys_count == key_count
    publish(queue, message(7, b"1"), message(7, b"2"))
    (job,) = jobs
    steps = 0
    while not job.step(NOW_MS):  # type: ignore[attr-defined]
        steps += 1
    assert steps == 2
    assert queue.state().keys_count == 1
    publish(queue, message(7, b"3"))
    assert bodies(queue) == [b"1"]


def test_a_persistent_message_does_not_repeat_a_transient_one() -> None:
    queue = queue_of()
    publish(queue, message("k", b"1"), message("k", b"2", persistent=True), message("k", b"3"))
    publish(queue, message("k", b"4", persistent=True))
    assert bodies(queue) == [b"1", b"2"]


def test_a_waiting_consumer_without_ack_frees_keys() -> None:
    queue = queue_of()
    consumer = FakeConsumer("c", no_ack=True)
    queue.consume(consumer, NOW_MS)
    publish(queue, message("k", b"1"))
    queue.drain(NOW_MS, 10)
    publish(queue, message("k", b"2"))
    queue.drain(NOW_MS, 10)
    assert queue.ready_count == 0
    assert queue.state().duplicates_count == 0


def test_priorities() -> None:
    queue = queue_of(QueueOptions(deduplication_header=KEY, max_priority=5))
    publish(queue, message("k", b"1"), message("k", b"2"))
    assert bodies(queue) == [b"1"]


def test_a_run_without_keys_is_appended_as_it_is() -> None:
    queue = queue_of()
    assert queue.only_appends([message(None)], NOW_MS)
    assert not queue.only_appends([message("k")], NOW_MS)
    assert queue.publish([message(None)], NOW_MS).safe_at.lsn == queue._keyed.committed_lsn + 1


def test_what_a_deleted_queue_knew_is_freed() -> None:
    queue = queue_of()
    publish(queue, *[message(number) for number in range(10)])
    keyed = queue._keyed
    queue.delete()
    assert (keyed.count, keyed.memory_bytes) == (0, 0)


class Kept(NamedTuple):
    """A message of the model."""

    number: int
    key: int
    persistent: bool


class Naive:
    """A queue as a list, which is asked for each message."""

    def __init__(self, limit: int | None, overflow: Overflow) -> None:
        self.ready: list[Kept] = []
        self.unacked: list[tuple[Kept, Batch]] = []
        self._limit = limit
        self._overflow = overflow

    def publish(self, message: Kept) -> None:
        there = sorted([*self.ready, *[each for each, _ in self.unacked]])
        alike = [each.persistent for each in there if each.key == message.key]
        if alike and alike[-1] >= message.persistent:
            return
        is_full = self._limit is not None and len(self.ready) >= self._limit
        if self._overflow is Overflow.REJECT_PUBLISH and is_full:
            return
        self.ready.append(message)
        self._drop()

    def requeue(self, message: Kept) -> None:
        self.ready.append(message)
        self.ready.sort()
        self._drop()

    def _drop(self) -> None:
        if self._overflow is Overflow.DROP_HEAD and self._limit is not None:
            del self.ready[: max(len(self.ready) - self._limit, 0)]


ACTIONS = st.one_of(
    st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1, max_size=6),
    st.sampled_from(["get", "ack", "reject", "requeue", "purge"]),
)


@given(
    st.lists(ACTIONS, max_size=25),
    st.sampled_from([None, 1, 3]),
    st.sampled_from([Overflow.DROP_HEAD, Overflow.REJECT_PUBLISH]),
)
@settings(deadline=None, max_examples=300)
def test_it_is_as_a_naive_model(
    steps: list[Sequence[tuple[int, bool]] | str], limit: int | None, overflow: Overflow
) -> None:
    options = QueueOptions(deduplication_header=KEY, max_length=limit, overflow=overflow)
    queue, model = queue_of(options), Naive(limit, overflow)
    numbers = count(1)
    for step in steps:
        if not isinstance(step, str):
            run = [Kept(next(numbers), *given) for given in step]
            for each in run:
                model.publish(each)
            publish(queue, *[as_message(each) for each in run])
        else:
            act(queue, model, step)
        queue.check_invariants()
    assert bodies(queue) == [b"%d" % each.number for each in model.ready]


def as_message(kept: Kept) -> Record:
    return message(kept.key, b"%d" % kept.number, persistent=kept.persistent)


def act(queue: DeduplicatingQueue, model: Naive, action: str) -> None:
    """Do one of the actions that are no publish, as far as there are messages for it."""
    if action == "purge":
        assert queue.purge().purged_count == len(model.ready)
        model.ready.clear()
    elif action == "get":
        if model.ready:
            model.unacked.append((model.ready.pop(0), get(queue)))
    elif model.unacked:
        kept, batch = model.unacked.pop()
        if action == "ack":
            queue.settle(batch.positions, batch.body_bytes)
        elif action == "reject":
            queue.reject([batch], NOW_MS)
        else:
            queue.requeue([batch], NOW_MS)
            model.requeue(kept)
