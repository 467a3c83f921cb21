"""Ready messages with priorities, with what surprises users of RabbitMQ too."""

from persistence.record import Record
from queues.batch import Batch, messages_of
from queues.classic.priority_ready import PriorityReady
from tests.support.classic_queue import returned_batches
from tests.support.records import record, run_of


def messages(*named: tuple[bytes, int]) -> list[Record]:
    return [record(body, priority=priority) for body, priority in named]


def bodies(batch: Batch | None) -> list[bytes]:
    return [] if batch is None else [one.body for one in batch.records]


def drained(ready: PriorityReady, now_ms: int = 1) -> list[bytes]:
    out: list[bytes] = []
    while (batch := ready.take(100, now_ms)) is not None:
        out += bodies(batch)
        assert len(batch.positions) == len(batch.records)
    return out


def test_higher_priorities_leave_first_and_equals_in_order() -> None:
    ready = PriorityReady(5)
    ready.append(messages((b"a1", 1), (b"b5", 5), (b"c1", 1), (b"d0", 0), (b"e5", 5)))
    ready.check_invariants()
    assert drained(ready) == [b"b5", b"e5", b"a1", b"c1", b"d0"]


def test_above_the_maximum_is_the_maximum() -> None:
    ready = PriorityReady(2)
    ready.append(messages((b"nine", 9), (b"two", 2), (b"again nine", 9)))
    ready.check_invariants()
    assert drained(ready) == [b"nine", b"two", b"again nine"]


def test_the_two_highest_priorities_of_amqp_are_one() -> None:
    ready = PriorityReady(255)
    ready.append(messages((b"254", 254), (b"255", 255), (b"253", 253)))
    ready.check_invariants()
    assert drained(ready) == [b"254", b"255", b"253"]


def test_positions_count_over_all_bands() -> None:
    ready = PriorityReady(1)
    assert ready.append(messages((b"a", 0), (b"b", 1), (b"c", 0))) == 0
    assert ready.append(messages((b"d", 1))) == 3
    places = []
    while (batch := ready.take(9, 1)) is not None:
        places += list(zip(bodies(batch), batch.positions, strict=True))
    assert places == [(b"b", 1), (b"d", 3), (b"a", 0), (b"c", 2)]


def test_an_expired_low_priority_waits_behind_a_live_high_one() -> None:
    ready = PriorityReady(5)
    ready.append(messages((b"low", 1)), 50)
    ready.append(messages((b"high", 5)), 900)
    assert ready.take_expired(9, 60) is None
    assert ready.head_expires_at_ms == 900
    assert bodies(ready.take(9, 60)) == [b"high"]
    assert ready.take(9, 60) is None
    assert bodies(ready.take_expired(9, 60)) == [b"low"]


def test_dropping_the_head_drops_the_highest_priority() -> None:
    ready = PriorityReady(5)
    ready.append(messages((b"low", 1), (b"high", 5)))
    assert bodies(ready.drop_head(1)) == [b"high"]


def test_each_message_of_a_mixed_run_has_its_own_expiry() -> None:
    ready = PriorityReady(1)
    ready.append(messages((b"a", 0), (b"b", 1), (b"c", 0)), [10, 20, 30])
    first, second = ready.take(9, 1), ready.take(1, 1)
    assert first is not None
    assert second is not None
    assert (first.expires_at_ms, second.expires_at_ms) == ([20], [10])


def test_a_requeued_message_goes_back_to_its_band_and_place() -> None:
    ready = PriorityReady(5)
    ready.append(messages((b"a", 1), (b"b", 1), (b"high", 5)))
    ready.take(1, 1)
    taken = ready.take(2, 1)
    assert taken is not None
    ready.requeue(returned_batches(reversed(messages_of(taken))))
    ready.append(messages((b"c", 1), (b"now", 5)))
    ready.check_invariants()
    assert drained(ready) == [b"now", b"a", b"b", b"c"]


def test_counts_follow() -> None:
    ready = PriorityReady(3)
    ready.append(messages((b"a", 3), (b"bb", 0)))
    assert (ready.count, ready.body_bytes) == (2, 3)
    batch = ready.take(1, 1)
    assert batch is not None
    assert (ready.count, ready.body_bytes) == (1, 2)
    ready.requeue([batch.requeued()])
    assert (ready.count, ready.body_bytes) == (2, 3)
    assert drained(ready) == [b"a", b"bb"]


def test_a_purge_tells_every_position() -> None:
    ready = PriorityReady(3)
    ready.append(messages((b"a", 3), (b"b", 0), (b"c", 0)))
    assert sorted(position for one in ready.purge() for position in one) == [0, 1, 2]
    assert (ready.count, ready.body_bytes, ready.head_expires_at_ms) == (0, 0, 0)
    ready.check_invariants()


def test_an_empty_queue_has_nothing_to_give() -> None:
    ready = PriorityReady(0)
    assert (ready.take(1, 1), ready.take_expired(1, 1), ready.drop_head(1)) == (None, None, None)
    ready.append(run_of(b"x", priority=7))
    assert drained(ready) == [b"x"]
