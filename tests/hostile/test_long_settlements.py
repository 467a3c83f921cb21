"""One method that settles what was delivered one by one, from many queues: cut, and in order."""

import gc
from itertools import pairwise

import pytest
from pamqp import commands

from amqp_server.protocol.holders import PIECE_MAX
from amqp_server.protocol.settling import AT_ONCE_MAX
from amqp_server.wire.methods import Method
from queues.batch import Batch
from queues.classic.queue import ClassicQueue
from tests.support.counted_clock import budget_of
from tests.support.frames import method_frame
from tests.support.garbage import without_collector
from tests.support.long_event import Attack, said_so_far

QUEUES = [f"q{number}" for number in range(4)]
EACH = AT_ONCE_MAX
BODIES = [b"%d" % number for number in range(EACH)]

Nack, Recover = commands.Basic.Nack, commands.Basic.Recover


@pytest.fixture
def attack() -> Attack:
    """Return one whose attacker holds many deliveries, taken in turn from each of its queues."""
    attack = Attack()
    attacker = attack.attacker
    attacker.declare("dead")
    letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    for name in QUEUES:
        attacker.declare(name, arguments=letters)
        attacker.publish(*BODIES, routing_key=name)
    gets = [method_frame(1, commands.Basic.Get, queue=name) for name in QUEUES]
    attacker.send_bytes(b"".join(gets) * EACH)
    attacker.receive()
    return attack


def unacked_counts(attack: Attack) -> list[int]:
    queues = attack.node.vhost.queues
    found = [queues.find(name) for name in QUEUES]
    engines = [queue.engine for queue in found if queue is not None]
    return [engine.counts().unacked_count for engine in engines if isinstance(engine, ClassicQueue)]


def requeues(method: Method) -> bool:
    return isinstance(method, Nack | Recover) and bool(method.requeue)


def bodies_of(attack: Attack, name: str) -> list[bytes | None]:
    queue = attack.node.vhost.queues.find(name)
    assert queue is not None
    return [attack.attacker.get(name) for _ in range(queue.engine.ready_count)]


@pytest.mark.parametrize(
    "method",
    [
        commands.Basic.Ack(0, multiple=True),
        Nack(0, multiple=True, requeue=True),
        Nack(0, multiple=True, requeue=False),
        Recover(requeue=True),
    ],
)
def test_it_is_cut_and_what_comes_after_it_waits(attack: Attack, method: Method) -> None:
    attack.start(
        method_frame(1, type(method), **dict(method))
        + method_frame(1, commands.Queue.Declare, queue="after")
    )
    is_more = True
    while is_more:
        assert attack.node.vhost.queues.find("after") is None
        is_more = attack.is_more_after_a_turn()
        if attack.node.vhost.queues.find("after") is not None:
            break
    assert attack.turns_count > 2, "over several turns"
    assert unacked_counts(attack) == [0, 0, 0, 0] or requeues(method), "all was told before"
    while attack.is_more_after_a_turn():
        pass
    assert unacked_counts(attack) == [0, 0, 0, 0]
    attack.no_limit()
    names = [one.name for one in said_so_far(attack.attacker)]
    assert names == ["Basic.RecoverOk"] * isinstance(method, Recover) + ["Queue.DeclareOk"]
    if isinstance(method, Nack) and not method.requeue:
        assert bodies_of(attack, "dead") == BODIES * len(QUEUES), "queue by queue, by name"
    expected = BODIES if requeues(method) else []
    assert [bodies_of(attack, name) for name in QUEUES] == [expected] * len(QUEUES)


def batches_held() -> int:
    return sum(type(found) is Batch for found in gc.get_objects())


@pytest.mark.parametrize(
    "method",
    [
        commands.Basic.Ack(0, multiple=True),
        Nack(0, multiple=True, requeue=True),
        Nack(0, multiple=True, requeue=False),
        commands.Channel.Close(200, "", 0, 0),
    ],
)
def test_what_was_held_is_let_go_of_in_pieces(attack: Attack, method: Method) -> None:
    with without_collector():  # What other tests left would go in one piece, in the middle.
        let_go_counts = let_go_counts_of(attack, method)
    assert max(let_go_counts) <= 6 * PIECE_MAX


def let_go_counts_of(attack: Attack, method: Method) -> list[int]:
    """Return how many batches each turn of the method let go of."""
    others_count = batches_held() - EACH * len(QUEUES)
    attack.start(method_frame(1, type(method), **dict(method)))
    attack.node.broker.turn.budget = budget_of(4)
    held_counts = [batches_held()]
    while held_counts[-1] - others_count > PIECE_MAX:
        is_more = attack.is_more_after_a_turn()
        held_counts.append(batches_held())
        if not is_more:
            break
    return [before - after for before, after in pairwise(held_counts)]


@pytest.mark.parametrize("turns_count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("requeue", [True, False])
def test_who_leaves_in_the_middle_loses_nothing(
    attack: Attack, turns_count: int, requeue: bool
) -> None:
    attack.start(method_frame(1, Nack, delivery_tag=0, multiple=True, requeue=requeue))
    for _ in range(turns_count):
        attack.is_more_after_a_turn()
    attack.attacker.connection.lose(attack.node.now_ms)
    while attack.is_more_after_a_turn():
        pass
    attack.no_limit()
    assert unacked_counts(attack) == [0, 0, 0, 0]
    queues = attack.node.vhost.queues
    ready = [queues.find(name) for name in [*QUEUES, "dead"]]
    assert sum(queue.engine.ready_count for queue in ready if queue is not None) == EACH * 4


def test_a_commit_of_many_nacks_is_cut_and_loses_nothing(attack: Attack) -> None:
    attacker = attack.attacker
    attacker.send(commands.Tx.Select)
    attacker.send(Nack, delivery_tag=0, multiple=True, requeue=True)
    attacker.receive()
    attack.start(method_frame(1, commands.Tx.Commit))
    for _ in range(3):
        assert attack.is_more_after_a_turn()
    attacker.connection.lose(attack.node.now_ms)
    while attack.is_more_after_a_turn():
        pass
    assert unacked_counts(attack) == [0, 0, 0, 0]
    assert attack.ready_counts(QUEUES) == {EACH}


@pytest.mark.parametrize("method", [commands.Basic.Ack(0, multiple=True), Recover(requeue=True)])
def test_in_a_transaction_it_is_cut_too(attack: Attack, method: Method) -> None:
    attacker = attack.attacker
    attacker.send(commands.Tx.Select)
    attacker.send(commands.Basic.Ack, delivery_tag=1)
    attacker.receive()
    attack.start(method_frame(1, type(method), **dict(method)))
    assert attack.is_more_after_a_turn()
    while attack.is_more_after_a_turn():
        pass
    attack.no_limit()
    attacker.send(commands.Tx.Commit)
    attacker.receive()
    assert unacked_counts(attack) == [0, 0, 0, 0]
    ready = sum(len(bodies_of(attack, name)) for name in QUEUES)
    assert ready == (EACH * 4 - 1 if isinstance(method, Recover) else 0), "all but what was acked"


def test_who_leaves_while_a_transaction_takes_it_leaves_nothing_held(attack: Attack) -> None:
    attack.attacker.send(commands.Tx.Select)
    attack.attacker.receive()
    attack.start(method_frame(1, commands.Basic.Ack, delivery_tag=0, multiple=True))
    assert attack.is_more_after_a_turn()
    attack.attacker.connection.lose(attack.node.now_ms)
    while attack.is_more_after_a_turn():
        pass
    assert attack.node.broker.uncommitted.used_bytes == 0
    assert attack.ready_counts(QUEUES) == {EACH}


def test_an_unknown_tag_is_refused_and_nothing_settled(attack: Attack) -> None:
    attack.run(method_frame(1, Nack, delivery_tag=10**9, multiple=True, requeue=False))
    (close,) = said_so_far(attack.attacker)
    assert isinstance(close, commands.Channel.Close)
    assert close.reply_code == 406
    assert attack.ready_counts(QUEUES) == {EACH}
