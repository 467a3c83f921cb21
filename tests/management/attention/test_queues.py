"""Which queues need a hand, and which do not."""

from amqp_server.broker.views import QueueCounts, QueueView
from management.attention.concern import Concern
from management.attention.queues import LONG_MS, SPAN_MS, STREAM_BYTES_MIN, QueueWatch
from queues.counters import DeathCounts

STEP_MS = 5_000


def view_of(kind: str = "classic", **arguments: object) -> QueueView:
    nothing = (None, None, None)
    flags = (True, False, False)
    return QueueView(
        "q", "/", kind, *flags, arguments, *nothing, {}, QueueCounts(), None, None, False
    )


class Looked:
    """A queue that is looked at each five seconds."""

    def __init__(self, view: QueueView | None = None) -> None:
        self.now_ms = 1_000
        self.watch = QueueWatch(lambda _vhost, _name: view or view_of())

    def look(self, counts: QueueCounts | None) -> list[Concern]:
        self.now_ms += STEP_MS
        self.watch.begin()
        if counts is not None:
            self.watch.note(self.now_ms, "/", "q", counts)
        return [found for found in self.watch.concerns(self.now_ms) if found is not None]

    def look_for(
        self, span_ms: int, counts: QueueCounts, **growth: int
    ) -> tuple[list[Concern], QueueCounts]:
        found: list[Concern] = []
        for _ in range(span_ms // STEP_MS):
            grown = {field: getattr(counts, field) + by for field, by in growth.items()}
            counts = counts._replace(**grown)
            found = self.look(counts)
        return found, counts


def rules(found: list[Concern]) -> list[tuple[str, str]]:
    return [(one.severity, one.rule) for one in found]


def test_a_queue_that_holds_nothing_is_not_kept() -> None:
    looked = Looked()
    assert looked.look(QueueCounts(published=7, acked=7)) == []
    assert len(looked.watch) == 0
    looked.look(QueueCounts(ready_count=1))
    assert len(looked.watch) == 1
    looked.look(QueueCounts())
    assert len(looked.watch) == 0


def test_a_queue_that_is_gone_is_forgotten() -> None:
    looked = Looked()
    looked.look(QueueCounts(ready_count=1))
    assert looked.look(None) == []
    assert len(looked.watch) == 0


def test_a_queue_that_grows_without_a_consumer_is_bad() -> None:
    looked = Looked()
    found, _ = looked.look_for(40_000, QueueCounts(), ready_count=10)
    [concern] = found
    assert rules(found) == [("bad", "no_consumer")]
    assert concern.text == "grows by 2.0/s and has no consumer"
    assert concern.amount == "80 ready"


def test_a_queue_that_only_holds_messages_is_a_warning_after_long() -> None:
    looked = Looked()
    full = QueueCounts(ready_count=5)
    found, _ = looked.look_for(LONG_MS - STEP_MS, full)
    assert found == []
    found, _ = looked.look_for(2 * STEP_MS, full)
    assert rules(found) == [("warn", "no_consumer")]
    assert looked.look(full._replace(consumer_count=1)) == []


def test_consumers_that_ack_nothing_while_messages_wait_are_bad() -> None:
    looked = Looked()
    stuck = QueueCounts(ready_count=900, unacked_count=20, consumer_count=2, delivered=20)
    found, _ = looked.look_for(SPAN_MS + STEP_MS, stuck)
    assert rules(found) == [("bad", "no_acks")]
    assert found[0].text == "does not move: its 2 consumers ack nothing"
    assert found[0].amount == "20 unacked"
    assert looked.look(stuck._replace(acked=1)) == []


def test_deliveries_unacked_for_long_are_a_warning() -> None:
    looked = Looked()
    held = QueueCounts(unacked_count=3, consumer_count=1)
    found, _ = looked.look_for(LONG_MS, held)
    assert found == []
    assert rules(looked.look(held)) == [("warn", "unacked_for_long")]


def test_a_queue_that_grows_faster_than_its_consumers_take() -> None:
    looked = Looked()
    busy = QueueCounts(ready_count=1_000, unacked_count=5, consumer_count=1)
    found, _ = looked.look_for(3 * SPAN_MS, busy, ready_count=50, delivered=10, acked=10)
    assert rules(found) == [("warn", "grows")]
    assert found[0].text == "grows by 10/s, faster than its consumer takes"


def test_what_dies_or_is_refused_is_told_while_it_goes_on() -> None:
    for before, after, rule in (
        (QueueCounts(refused=1), QueueCounts(refused=11), ("bad", "full_refuses")),
        (
            QueueCounts(dropped=DeathCounts(maxlen=1)),
            QueueCounts(dropped=DeathCounts(maxlen=11)),
            ("bad", "full_drops"),
        ),
        (
            QueueCounts(dead_lettered=DeathCounts(maxlen=1)),
            QueueCounts(dead_lettered=DeathCounts(maxlen=11)),
            ("warn", "full_dead_letters"),
        ),
    ):
        looked = Looked()
        looked.look(before)
        assert rules(looked.look(after)) == [rule]
        found, _ = looked.look_for(150_000, after)
        assert found == []  # It has stopped.


def test_dead_letters_of_rejected_messages_are_told_and_those_of_time_are_not() -> None:
    looked = Looked()
    looked.look(QueueCounts(dead_lettered=DeathCounts(rejected=1)))
    found = looked.look(QueueCounts(dead_lettered=DeathCounts(rejected=6, delivery_limit=5)))
    assert rules(found) == [("warn", "dead_letters")]
    assert found[0].amount == "2.0/s"
    looked = Looked()
    looked.look(QueueCounts(dead_lettered=DeathCounts(expired=1)))
    assert looked.look(QueueCounts(dead_lettered=DeathCounts(expired=9))) == []


def test_a_stream_keeps_what_it_has_and_needs_a_retention() -> None:
    large = QueueCounts(ready_count=10, ready_bytes=STREAM_BYTES_MIN)
    looked = Looked(view_of("stream"))
    found, _ = looked.look_for(LONG_MS, large, ready_count=1)
    assert rules(found) == [("warn", "no_retention")]
    looked = Looked(view_of("stream", **{"x-max-age": "7D"}))
    found, _ = looked.look_for(LONG_MS, large, ready_count=1)
    assert found == []
