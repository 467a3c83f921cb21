"""What is not committed is not in a mirrored queue: nobody sees it, and nothing becomes of it."""

from functools import partial

from persistence.record import Record
from persistence.slices import Slice
from queues.asked_port import waiting_count
from queues.classic.mirrored_queue import MirroredQueue
from queues.effects import DeadLettered, Effect
from queues.log_port import CommittedLog
from queues.options import Overflow, QueueOptions
from queues.ports import EngineParts
from queues.tail import NodeMemory, QueueMemory
from tests.support.classic_queue import NOW_MS
from tests.support.committed_log import FakeCommittedLog
from tests.support.consumer import FakeConsumer
from tests.support.queue_log import Found, FoundLane
from tests.support.records import run_of

ALL = 1_000_000


class Rig:
    """A mirrored queue and all around it."""

    def __init__(self, options: QueueOptions | None = None) -> None:
        self.now_ms = NOW_MS
        options = options or QueueOptions()
        self.log = FakeCommittedLog(options.max_priority)
        self.effects: list[Effect] = []
        self.wakes = 0
        self.memory = QueueMemory(NodeMemory())
        parts = EngineParts[CommittedLog](
            "q", options, self.log, self.effects.append, self.wake, NOW_MS, memory=self.memory
        )
        self.queue = MirroredQueue(parts)

    def wake(self) -> None:
        self.wakes += 1

    def publish(self, *bodies: bytes, ttl_ms: int = -1, priority: int = 0) -> list[int]:
        """Publish; return the indexes of what was refused."""
        run = run_of(*bodies, ttl_ms=ttl_ms, priority=priority)
        return list(self.queue.publish(run, self.now_ms).rejected)

    def drain(self, max_count: int = ALL) -> bool:
        more = self.queue.drain(self.now_ms, max_count)
        self.queue.check_invariants()
        return more

    def get(self) -> bytes | None:
        found = self.queue.get(self.now_ms, no_ack=True)
        self.queue.check_invariants()
        return None if found is None else found[0].records[0].body

    def deaths(self) -> list[tuple[str, bytes]]:
        found: list[tuple[str, bytes]] = []
        while (dying := self.queue.moves.take(ALL)) is not None:
            found += [(dying.reason.value, record.body) for record in dying.records]
            self.queue.moved(dying)
        return found


def found_unstored(*bodies: bytes) -> Found:
    """What a new leader has in memory."""
    count = len(bodies)
    piece = Slice(run_of(*bodies), range(count), 0)
    return Found(count, [FoundLane(0, 0, 0, [piece])], count, {})  # type: ignore[list-item]


def test_a_message_is_got_once_it_is_committed() -> None:
    rig = Rig()
    rig.publish(b"a")
    rig.publish(b"b")
    assert (rig.get(), rig.queue.ready_count) == (None, 0)
    rig.log.commit(1)
    assert (rig.get(), rig.get()) == (b"a", None)
    rig.log.commit(1)
    assert rig.get() == b"b"


def test_a_commit_asks_for_a_drain_and_consumers_get_what_is_committed() -> None:
    rig, worker = Rig(), FakeConsumer()
    rig.queue.consume(worker, NOW_MS)
    rig.publish(b"a", b"b")
    rig.drain()
    assert worker.bodies == []
    before = rig.wakes
    rig.log.commit()
    assert rig.wakes == before + 1
    assert rig.drain() is False
    assert worker.bodies == [b"a", b"b"]


def test_a_drain_makes_no_more_ready_than_it_may_deliver() -> None:
    rig = Rig()
    for number in range(5):
        rig.publish(b"%d" % number)
    rig.log.commit()
    assert rig.drain(2) is True
    assert rig.queue.ready_count == 2
    assert rig.drain() is False
    assert rig.queue.ready_count == 5


def test_nothing_is_delivered_while_it_must_not_and_it_goes_on_at_once() -> None:
    rig, worker = Rig(), FakeConsumer()
    rig.queue.consume(worker, NOW_MS)
    rig.publish(b"a")
    rig.log.commit()
    rig.log.let_deliver(is_on=False)
    assert (rig.drain(), rig.get(), worker.bodies) == (False, None, [])
    before = rig.wakes
    rig.log.let_deliver(is_on=True)
    assert rig.wakes == before + 1
    rig.drain()
    assert worker.bodies == [b"a"]


def test_what_is_committed_waits_in_the_queue_although_it_may_not_be_ready() -> None:
    rig = Rig()
    rig.publish(b"a", b"b")
    rig.publish(b"c")
    rig.log.let_deliver(is_on=False)
    assert waiting_count(rig.queue) == 0
    rig.log.commit(1)
    rig.drain()
    assert (rig.queue.ready_count, waiting_count(rig.queue)) == (0, 2), "who deletes hears of it"
    rig.log.let_deliver(is_on=True)
    rig.drain()
    assert (rig.queue.ready_count, waiting_count(rig.queue)) == (2, 2)


def test_who_waits_for_messages_is_told_with_the_next_drain_that_may_deliver() -> None:
    rig, told = Rig(), list[str]()
    calls = [partial(told.append, name) for name in "abc"]
    rig.log.let_deliver(is_on=False)
    assert not rig.queue.gives_messages
    for call in (*calls, *calls):
        rig.queue.when_it_gives(call)
    rig.queue.tell_no_more(calls[1])
    rig.drain()
    assert told == []
    rig.log.let_deliver(is_on=True)
    assert (rig.queue.gives_messages, told) == (True, [])
    rig.drain()
    rig.drain()
    assert told == ["a", "c"]
    rig.queue.when_it_gives(calls[0])
    rig.queue.delete()
    rig.queue.drain(NOW_MS, ALL)
    assert told == ["a", "c"], "of a queue that is gone nothing comes"


def test_consumers_get_nothing_more_while_the_mirrors_do_not_answer() -> None:
    rig, worker = Rig(), FakeConsumer()
    rig.publish(b"a", b"b")
    rig.log.commit()
    rig.drain()
    rig.log.is_late = True
    rig.queue.consume(worker, NOW_MS)
    assert (rig.drain(), worker.bodies) == (False, [])
    assert rig.get() == b"a", "who asks for one message gets it"
    rig.log.is_late = False
    rig.log.commit()
    rig.drain()
    assert worker.bodies == [b"b"]


def test_what_is_ready_is_held_back_too() -> None:
    rig, worker = Rig(), FakeConsumer()
    rig.publish(b"a")
    rig.log.commit()
    rig.drain()
    rig.log.let_deliver(is_on=False)
    rig.queue.consume(worker, NOW_MS)
    assert (rig.drain(), rig.get(), worker.bodies) == (False, None, [])


def test_a_purge_and_a_look_see_what_is_committed() -> None:
    rig = Rig()
    rig.publish(b"a", b"b")
    rig.publish(b"c")
    rig.log.commit(1)
    rig.drain()
    looked = rig.queue.look(None)
    assert [each.body for one in looked.slices for each in one.records] == [b"a", b"b"]
    assert rig.queue.purge().purged_count == 2
    assert list(rig.log.kept) == [2]
    rig.log.commit()
    assert rig.get() == b"c"


def test_a_purge_takes_what_is_committed_and_not_ready_yet() -> None:
    rig = Rig()
    rig.publish(b"a")
    rig.log.commit()
    assert rig.queue.purge().purged_count == 1
    assert rig.log.kept == {}


def test_a_message_dies_only_when_it_is_committed() -> None:
    rig = Rig(QueueOptions(message_ttl_ms=5, dead_letter_exchange="dlx"))
    rig.publish(b"a")
    rig.now_ms += 100
    rig.queue.expire(rig.now_ms)
    assert (rig.deaths(), rig.queue.next_deadline_ms()) == ([], None)
    rig.log.commit()
    rig.drain()
    assert rig.deaths() == [("expired", b"a")]


def test_a_message_that_expires_at_once_is_delivered_when_it_is_committed() -> None:
    rig, worker = Rig(), FakeConsumer()
    rig.queue.consume(worker, NOW_MS)
    rig.publish(b"a", ttl_ms=0)
    rig.now_ms += 100
    rig.log.commit()
    rig.drain()
    assert worker.bodies == [b"a"]


def test_the_head_is_dropped_when_what_displaces_it_is_committed() -> None:
    rig = Rig(QueueOptions(max_length=1, dead_letter_exchange="dlx"))
    rig.publish(b"a")
    rig.log.commit()
    rig.drain()
    assert rig.publish(b"b", b"c") == []
    rig.drain()
    assert (rig.deaths(), rig.queue.ready_count) == ([], 1)
    rig.log.commit()
    rig.drain()
    assert (rig.deaths(), rig.get()) == ([("maxlen", b"a"), ("maxlen", b"b")], b"c")


def test_what_is_coming_counts_for_refusals() -> None:
    rig = Rig(QueueOptions(max_length=3, overflow=Overflow.REJECT_PUBLISH))
    assert rig.publish(b"a", b"b") == []
    one: list[Record] = run_of(b"c")
    assert rig.queue.only_appends(one, NOW_MS)
    assert rig.publish(b"c", b"d", b"e") == [1, 2]
    assert rig.queue.refuses(one)
    assert len(rig.log.kept) == 3
    rig.log.commit()
    rig.drain()
    assert (rig.queue.ready_count, rig.queue.counts().refused) == (3, 2)
    assert rig.get() == b"a"
    assert not rig.queue.refuses(one)


def test_a_refused_message_is_dead_lettered_at_once() -> None:
    options = QueueOptions(
        max_length=0, overflow=Overflow.REJECT_PUBLISH_DLX, dead_letter_exchange="dlx"
    )
    rig = Rig(options)
    assert rig.publish(b"a") == [0]
    assert rig.deaths() == [("maxlen", b"a")]


def test_dead_letters_are_held_while_nothing_may_be_delivered() -> None:
    rig = Rig(QueueOptions(dead_letter_exchange="dlx"))
    rig.publish(b"a")
    rig.log.commit()
    found = rig.queue.get(NOW_MS)
    assert found is not None
    rig.log.let_deliver(is_on=False)
    rig.queue.reject([found[0]], NOW_MS)
    assert rig.deaths() == []
    rig.effects.clear()
    rig.log.let_deliver(is_on=True)
    rig.drain()
    assert rig.effects == [DeadLettered("q", 1)]
    assert rig.deaths() == [("rejected", b"a")]


def test_a_waiting_consumer_gets_messages_as_they_come_whatever_their_priority() -> None:
    rig, worker = Rig(QueueOptions(max_priority=5)), FakeConsumer()
    rig.queue.consume(worker, NOW_MS)
    rig.publish(b"low", priority=0)
    rig.publish(b"high", priority=5)
    rig.log.commit()
    rig.drain()
    assert worker.bodies == [b"low", b"high"]
    rig.queue.check_invariants()


def test_memory_counts_what_is_coming() -> None:
    rig = Rig()
    rig.publish(b"a" * 100)
    held_bytes = rig.memory.used_bytes
    assert held_bytes > 100
    rig.log.commit()
    rig.drain()
    assert rig.memory.used_bytes <= held_bytes + 1_000
    rig.publish(b"b" * 100)
    rig.get()
    rig.queue.delete()
    assert rig.memory.used_bytes == 0


def test_a_deleted_queue_is_not_woken() -> None:
    rig = Rig()
    rig.publish(b"a")
    rig.queue.delete()
    before = rig.wakes
    rig.log.on_committed()
    assert rig.wakes == before
    assert rig.queue.drain(NOW_MS, ALL) is False


def test_a_new_leader_goes_on_behind_what_it_has() -> None:
    rig = Rig()
    rig.log.append(0, run_of(b"a", b"b"))
    rig.log.commit()
    rig.queue.recover(found_unstored(b"a", b"b"), NOW_MS)
    rig.publish(b"c")
    rig.drain()
    assert rig.queue.ready_count == 2
    rig.log.commit()
    assert [rig.get() for _ in range(4)] == [b"a", b"b", b"c", None]


def test_what_a_new_leader_has_too_much_is_dropped_with_the_next_drain() -> None:
    rig = Rig(QueueOptions(max_length=1))
    rig.log.append(0, run_of(b"a", b"b"))
    rig.log.commit()
    rig.queue.recover(found_unstored(b"a", b"b"), NOW_MS)
    rig.drain()
    assert rig.get() == b"b"
