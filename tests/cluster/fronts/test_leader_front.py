"""What a front half says on the leader: done in order, in pieces, and refused where wrong."""

from functools import partial

import pytest

from cluster.fronts import leader_front
from cluster.fronts.frames import (
    Ask,
    Barred,
    Cancel,
    Consume,
    Consuming,
    Counts,
    Credit,
    Deliver,
    Got,
    Open,
    Publish,
    Question,
    Settle,
    Settlement,
    ToFront,
    ToLeader,
)
from cluster.fronts.giving_back import AT_ONCE_MAX
from cluster.fronts.leader_front import ANSWERED_PER_STEP
from cluster.fronts.leader_half import FrontOpenings
from tests.support.half_pair import Pair, Pipe, X
from tests.support.led_log import NOW_MS
from tests.support.records import run_of

MANY = 10_000


class Rig(Pair):
    """A leader, and a front half whose frames the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.link, self.pipe = self.connect()

    def connect(self) -> tuple[FrontOpenings, Pipe]:
        pipe = Pipe()
        link = FrontOpenings(self.led, X, pipe)
        link.receive(Open("q", 1, 1), NOW_MS)
        return link, pipe

    def say(self, *frames: ToLeader) -> None:
        for frame in frames:
            self.link.receive(frame, NOW_MS)

    def said(self, kind: type[ToFront]) -> list[ToFront]:
        return [each for each in self.pipe.said if isinstance(each, kind)]

    def fill(self, count: int) -> None:
        self.engine.publish(run_of(*[b"%d" % number for number in range(count)]), NOW_MS)


def consume(
    number: int = 1, credit: int = 10, *, exclusive: bool = False, lane: int = 1
) -> Consume:
    return Consume("q", number, f"c{number}", lane, 0, False, exclusive, {}, credit, 1 << 20)


def test_a_front_that_grants_nothing_gets_nothing() -> None:
    rig = Rig()
    rig.say(consume(credit=0))
    rig.fill(3)
    rig.drain_leader()
    assert rig.said(Deliver) == []
    rig.say(Credit("q", 1, 2, 1 << 20))
    rig.drain_leader()
    (deliver,) = rig.said(Deliver)
    assert isinstance(deliver, Deliver)
    assert (deliver.consumers, deliver.batch.positions) == ((1,), range(1, 3))


def test_what_takes_messages_is_kept_while_none_may_be_delivered() -> None:
    rig = Rig()
    rig.fill(MANY)
    rig.engine.let_give(is_on=False)
    done: list[int] = []
    for number in range(1, MANY + 1):
        rig.link.receive(Ask("q", number, Question.GET), NOW_MS, partial(done.append, number))
    rig.say(Ask("q", MANY + 1, Question.COUNTS))
    rig.drain_leader()
    assert (len(done), len(rig.said(Got)), len(rig.said(Counts))) == (MANY, 0, 1)
    rig.engine.let_give(is_on=True)
    rig.drain_leader()
    assert 0 < len(rig.said(Got)) <= ANSWERED_PER_STEP, "in pieces"
    rig.engine.let_give(is_on=False)
    rig.drain_leader()
    some_count = len(rig.said(Got))
    assert some_count <= 2 * ANSWERED_PER_STEP, "not beyond the end of the lease"
    rig.engine.let_give(is_on=True)
    rig.settle_down_leader()
    said = [(each.number, each.batch is None) for each in rig.said(Got) if isinstance(each, Got)]
    assert said == [(number, False) for number in range(1, MANY + 1)]


def test_no_more_is_kept_than_a_bound_and_nothing_of_a_front_that_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(leader_front, "ASKS_KEPT_MAX", 3)
    rig = Rig()
    rig.fill(9)
    rig.engine.let_give(is_on=False)
    rig.say(*[Ask("q", number, Question.GET) for number in range(1, 9)])
    other, pipe = rig.connect()
    other.receive(Ask("q", 1, Question.PURGE), NOW_MS)
    assert len(rig.engine.told) == 2
    other.ended(NOW_MS)
    assert len(rig.engine.told) == 1
    rig.engine.let_give(is_on=True)
    rig.settle_down_leader()
    assert [each.number for each in rig.said(Got) if isinstance(each, Got)] == [1, 2, 3]
    assert (rig.engine.ready_count, pipe.reason) == (6, None)
    rig.say(Ask("q", 9, Question.GET))
    assert len(rig.said(Got)) == 4, "as before"


def test_consumers_of_one_lane_share_a_frame() -> None:
    rig = Rig()
    rig.say(consume(1), consume(2))
    rig.fill(4)
    rig.drain_leader()
    (deliver,) = rig.said(Deliver)
    assert isinstance(deliver, Deliver)
    assert (deliver.consumers, len(deliver.batch)) == ((1, 2), 4)


def test_a_consumer_that_is_kept_out_hears_of_it() -> None:
    rig = Rig()
    rig.say(consume(1, exclusive=True), consume(2))
    assert rig.said(Consuming) == [Consuming("q", 1)]
    assert rig.said(Barred) == [Barred("q", 2)]


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (Credit("q", 9, 1, 1), "names consumer 9"),
        (Credit("q", 1, 1, 1), "grants 1 messages"),
        (Cancel("q", 9), "names consumer 9"),
        (consume(1), "begins consumer 1 after 1"),
        (consume(2, credit=-1), "begins consumer 2"),
        (Settle("q", Settlement.ACK, (range(2, 99),)), "settles"),
        (Settle("q", Settlement.REQUEUE, (range(2, 4),)), "settles"),
        (Settle("q", Settlement.REJECT, (range(7, 8),)), "settles 7"),
        (Publish("q", 1, 1, 0, run_of(b"a")), "submits 1 from 1 on above 1"),
        (Publish("q", 1, 0, 0, []), "submits 0"),
    ],
)
def test_what_makes_no_sense_ends_its_connection_and_nothing_else(
    frame: ToLeader, text: str
) -> None:
    rig = Rig()
    other, _ = rig.connect()
    other.receive(consume(1), NOW_MS)
    rig.say(consume(1, credit=2))
    rig.engine.pause(is_on=True)
    rig.fill(2)
    rig.say(Ask("q", 1, Question.GET))
    rig.say(frame)
    assert rig.pipe.reason is not None
    assert text in rig.pipe.reason
    rig.settle_down_leader()
    assert (rig.engine.consumer_count, rig.engine.ready_count) == (1, 2)
    rig.engine.check_invariants()
    rig.say(consume(3))
    assert rig.engine.consumer_count == 1


def test_a_front_with_many_consumers_and_messages_goes_in_pieces() -> None:
    rig = Rig()
    rig.say(*[consume(number, 1, lane=number % 7) for number in range(1, 20_001)])
    rig.fill(MANY)
    while rig.drain_leader():
        pass
    assert rig.engine.counts().unacked_count == MANY
    rig.link.ended(NOW_MS)
    assert len(rig.jobs) == 1
    assert rig.engine.consumer_count > 19_000
    rig.settle_down_leader()
    assert (rig.engine.consumer_count, rig.engine.ready_count) == (0, MANY)
    got = rig.engine.get(NOW_MS)
    assert got is not None
    assert got[0].records[0].body == b"0"


def test_frames_behind_a_long_settlement_wait_for_it() -> None:
    rig = Rig()
    rig.say(consume(1, MANY))
    rig.fill(MANY)
    while rig.drain_leader():
        pass
    count = sum(len(each.batch) for each in rig.said(Deliver) if isinstance(each, Deliver))
    rig.say(
        Settle("q", Settlement.REQUEUE, (range(1, count + 1),)),
        Cancel("q", 1),
        Ask("q", 1, Question.PURGE),
    )
    assert len(rig.jobs) == 1
    rig.settle_down_leader()
    assert (rig.engine.consumer_count, rig.engine.ready_count) == (0, 0)
    assert rig.pipe.reason is None


def test_an_ack_of_few_batches_is_done_at_once_however_many_messages_they_have() -> None:
    rig = Rig()
    rig.say(consume(1, MANY))
    rig.fill(AT_ONCE_MAX * 2)
    while rig.drain_leader():
        pass
    rig.say(Settle("q", Settlement.ACK, (range(1, AT_ONCE_MAX * 2 + 1),)))
    assert rig.engine.counts().unacked_count == 0
    assert not rig.jobs


def test_an_ack_of_many_batches_is_carried_on_in_later_turns() -> None:
    rig = Rig()
    rig.say(consume(1, MANY))
    for _ in range(AT_ONCE_MAX + 1):
        rig.fill(1)
        rig.drain_leader()
    rig.say(Settle("q", Settlement.ACK, (range(1, AT_ONCE_MAX + 2),)))
    assert len(rig.jobs) == 1
    rig.settle_down_leader()
    assert rig.engine.counts().unacked_count == 0


def test_a_connection_that_ends_in_the_middle_loses_nothing() -> None:
    rig = Rig()
    rig.say(consume(1, MANY))
    rig.fill(MANY)
    while rig.drain_leader():
        pass
    rig.say(Settle("q", Settlement.REQUEUE, (range(1, MANY // 2),)))
    rig.jobs[0].step(NOW_MS)
    rig.link.ended(NOW_MS)
    rig.settle_down_leader()
    assert (rig.engine.ready_count, rig.engine.counts().unacked_count) == (MANY, 0)
    rig.engine.check_invariants()
