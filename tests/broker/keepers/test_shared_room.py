"""The room of a delayed exchange of a cluster: leaders go, and nothing is lost or early."""

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any, cast
from unittest.mock import patch

import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.keepers import set_aside, shared_room
from amqp_server.broker.keepers.pieces import Part, Piece
from amqp_server.broker.keepers.shared_room import OPEN_MAX, TRY_AGAIN_MS, SharedRoom
from amqp_server.broker.publish_target import PublishTarget
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from persistence.record import Record, Run
from queues.asked_port import CountsAnswer
from queues.delayed.committed_waiting import CommittedWaiting
from queues.delayed.waiting import Due
from queues.delayed.waiting_engine import WaitingEngine
from queues.log_port import RecoveredMessages
from queues.outcomes import PublishOutcome
from queues.ports import QueueEngine
from tests.support.shared_rooms import Front, RoomLife, key
from tests.support.vhosts import message

SEEDS = 60
STEPS = 700


def lived(seed: int, *, goes_away: bool = False) -> RoomLife:
    life = RoomLife(seed)
    if goes_away:
        life.kinds.append((1, life.go_away))
    for _ in range(STEPS):
        life.step()
    return life


def many_lives() -> None:
    for seed in range(SEEDS):
        # In every second one a few messages are many. The room takes its bounds when it begins.
        few = seed % 2
        room: dict[str, Any] = {
            "OPEN_MAX": 12 if few else OPEN_MAX,
            "OPEN_BYTES_MAX": 40 if few else 1 << 20,
        }
        aside: dict[str, Any] = {"KEPT_MAX": 2 if few else 9, "BACK_MAX": 3 if few else 99}
        try:
            with patch.multiple(shared_room, **room), patch.multiple(set_aside, **aside):
                lived(seed, goes_away=True).heal()
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}: {broken}") from broken


def test_none_is_lost_and_none_is_early_whoever_leads() -> None:
    many_lives()


@patch.object(shared_room, "OPEN_MAX", 512)
@patch.object(set_aside, "KEPT_MAX", 64)
def test_a_queue_that_nobody_leads_holds_up_no_other_one() -> None:
    life = RoomLife(1)
    away, led = (life.targets[name] for name in ("q0", "q1"))
    away.keeps_out, led.keeps_out = 1, 0
    others: list[int] = []
    for number in range(4 * 512 // 16):
        names = ("q1", "q0", "q0", "q0 q1")[number % 4]
        run = [Record(key([names]), b"", b"%d" % (number * 16 + at), ttl_ms=1) for at in range(16)]
        others += [int(each.body) for each in run if "q1" in names]
        life.names |= {int(each.body): names.split() for each in run}
        life.due_ms |= {int(each.body): life.now_ms for each in run}
        life.front.publish(run, life.now_ms)
    life.log.commit(life.log.lsn)

    def until(holds: Callable[[], bool]) -> None:
        for _ in range(4_000):
            if holds():
                return
            life.now_ms += 200
            life.turn.on_deadline(life.now_ms)
            life.turn.end(life.now_ms)
            for target in (away, led):
                target.commits.commit(target.lsn)

        raise AssertionError("it does not come about")

    # They do not wait for q0.
    until(lambda: all(life.moved["q1", number] == 1 for number in others))
    assert not any(name == "q0" for name, _ in life.moved)
    engine = life.front.here
    assert engine is not None
    assert engine.waiting.count >= sum("q0" in names for names in life.names.values())
    away.keeps_out = 0
    until(lambda: engine.waiting.count == 0)
    assert set(life.moved.values()) == {1}


def test_leaders_go_while_messages_are_on_their_way() -> None:
    lives = [lived(seed) for seed in range(8)]
    assert sum(life.leaders_count for life in lives) > 30
    assert sum(len(life.confirmed) for life in lives) > 500
    assert sum(len(life.gone) for life in lives) > 300
    twice = sum(count > 1 for life in lives for count in life.moved.values())
    assert twice, "a take-over at that moment repeats some"


# -- mistakes, put in on purpose -------------------------------------------------------------------


def settled_first(room: SharedRoom, part: object, outcome: PublishOutcome) -> None:
    """Take what a queue has refused for what it has."""
    del outcome
    room._over(part.piece)  # type: ignore[attr-defined]


def due_at_once(engine: WaitingEngine, run: Run, now_ms: int) -> PublishOutcome:
    """Count no delay of less than a second."""
    return PUBLISH(engine, [each._replace(ttl_ms=each.ttl_ms // 1_000) for each in run], now_ms)


def forgets_stored(waiting: CommittedWaiting, found: RecoveredMessages) -> None:
    """Read no times after a take-over."""
    RECOVER(waiting, found)
    waiting._unread = range(0)


def settles_as_it_takes(waiting: CommittedWaiting, now_ms: int) -> Due | None:
    """Settle what becomes due before it is anywhere else."""
    due = STEP(waiting, now_ms)
    if due is not None:
        waiting._settle(due.positions, is_promised=False)
    return due


def dropped_from_memory(waiting: CommittedWaiting) -> None:
    """Give up memory though the log has not taken it."""
    waiting._kept.clear()


PUBLISH = WaitingEngine.publish
RECOVER = CommittedWaiting.recover
STEP = CommittedWaiting.step


def settles_what_is_aside(waiting: CommittedWaiting, due: Due, aside: object = ()) -> None:
    """Forget that a queue lacks some."""
    del aside
    SETTLE(waiting, due)


SETTLE = CommittedWaiting.settle

MISTAKES: dict[str, tuple[object, str, object]] = {
    "what is set aside is settled": (CommittedWaiting, "settle", settles_what_is_aside),
    "what a queue kept out counts as there": (SharedRoom, "_decided", settled_first),
    "a delay is cut": (WaitingEngine, "publish", due_at_once),
    "what is stored is forgotten by the next leader": (
        CommittedWaiting,
        "recover",
        forgets_stored,
    ),
    "it is settled before the copy is safe": (CommittedWaiting, "step", settles_as_it_takes),
    "memory is given up that the log does not have": (
        CommittedWaiting,
        "_make_room",
        dropped_from_memory,
    ),
}


@pytest.mark.planted
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_seen(mistake: str) -> None:
    with patch.object(*MISTAKES[mistake]), pytest.raises((AssertionError, KeyError)):
        many_lives()


# -- on a node that does not lead ------------------------------------------------------------------


@pytest.fixture
def life() -> RoomLife:
    return RoomLife(1)


def test_a_message_waits_with_its_delay_as_its_ttl(life: RoomLife) -> None:
    taken: list[Run] = []
    publish: Callable[[Run, int], PublishOutcome] = life.front.publish

    def noting(run: Run, now_ms: int) -> PublishOutcome:
        taken.append(run)
        return publish(run, now_ms)

    life.front.publish = noting  # type: ignore[method-assign]
    record = message(b"m", "x", "q0", headers={"x-delay": 70}, expiration="9")
    life.room.publish([record], life.now_ms)
    assert [each.ttl_ms for run in taken for each in run] == [70]


def test_before_the_queue_is_there_messages_are_refused(life: RoomLife) -> None:
    room = SharedRoom("x", life.turn, life.room._publisher, life.room._target_of, None)  # type: ignore[arg-type]
    run = [message(b"m", "x", "q0", headers={"x-delay": 70})]
    assert [*room.publish(run, life.now_ms).rejected] == [0]
    assert room.count() == 0


def test_a_count_is_asked_for_where_another_node_leads(life: RoomLife) -> None:
    life.front.here = None
    life.turn.now_ms = life.now_ms
    assert life.room.count() == 0
    assert life.room.count() == 0
    (then,) = life.front.asked
    then(CountsAnswer(7, 0, 0))
    assert life.room.count() == 7
    assert life.room.waiting_here is None
    life.turn.now_ms += 1_000
    life.room.count()
    life.front.asked[-1](None)
    assert (life.room.count(), len(life.front.asked)) == (7, 2)


def test_messages_for_many_queues_go_in_short_steps(life: RoomLife) -> None:
    looked: list[int] = []

    class Names(tuple[str, ...]):
        __slots__ = ()

        def __iter__(self) -> Iterator[str]:
            looked[-1] += 1
            return super().__iter__()

    names = Names(["q0"] * 2_000)

    def finding_names(records: Sequence[Record]) -> Steps[list[tuple[Sequence[str], Record]]]:
        yield
        return [(names, record) for record in records]

    life.room._publisher.finding_names = finding_names  # type: ignore[method-assign]
    engine = life.front.here
    assert engine is not None
    due = Due(range(16), [Record(b"\x01x\x01k", b"", b"m")] * 16)
    looked.extend(0 for _ in life.room._moving_out(engine, due, life.now_ms))
    assert sum(looked) >= 16
    assert max(looked) <= 2 * 3, "each is looked at twice"


def test_messages_that_nobody_takes_are_tried_again_in_several_turns(life: RoomLife) -> None:
    life.turn = Turn(4_096, budget=TurnBudget(count(step=1_000_000).__next__))
    life.room._turn = life.turn
    target = life.targets["q0"]
    target.keeps_out = 1
    engine = life.front.here
    assert engine is not None
    life.room._begin(engine)
    piece = Piece(engine, Due([0], [Record(b"\x01x\x01k", b"", b"m")]))
    tried: list[int] = []
    for _ in range(40):
        life.room._keep(Part(piece, "q0", piece.due.records, [0]))

    def target_of(_name: str) -> PublishTarget:
        tried.append(life.now_ms)
        return cast("PublishTarget", target)

    life.room._target_of = target_of
    life.now_ms += TRY_AGAIN_MS
    rounds = 0
    while len(tried) < 40:
        before = len(tried)
        life.turn.budget.begin()
        life.turn.end(life.now_ms)
        rounds += 1
        assert 0 < len(tried) - before < 20, "some each time, within the budget"
    assert rounds > 2
    life.turn.end(life.now_ms)
    assert len(tried) == 40, "and then not before the next second"
    assert life.room.next_deadline_ms() == life.now_ms + TRY_AGAIN_MS


def test_an_exchange_that_is_gone_moves_nothing(life: RoomLife) -> None:
    for _ in range(40):
        life.publish()
    life.log.commit(life.log.lsn)
    life.end_turn()
    life.room.close()
    life.now_ms += 100_000
    life.end_turn()
    assert life.room.next_deadline_ms() is None
    assert life.front.is_deleted
    assert not life.moved
    life.room.join("other", cast("QueueEngine", Front()))
    life.room.wake()
    assert not life.turn.dirty_count
