"""Deletes of what has very many bindings: gone at once, and the bindings go in pieces."""

import pytest
from pamqp import commands

from tests.support.frames import (
    method_frame,
)
from tests.support.long_event import Attack, bind, said_so_far


@pytest.fixture
def attack() -> Attack:
    return Attack()


def test_a_queue_of_many_bindings_is_gone_at_once_and_they_go_in_pieces(attack: Attack) -> None:
    attack.attacker.declare("jobs")
    for number in range(1000):
        attack.attacker.send_bytes(bind("jobs", "amq.topic", f"a.{number}.#"))
    attack.start(method_frame(1, commands.Queue.Delete, queue="jobs"))
    assert attack.is_more_after_a_turn()
    assert attack.node.vhost.queues.find("jobs") is None
    assert said_so_far(attack.attacker) == [], "not answered yet"
    while attack.is_more_after_a_turn():
        pass
    assert attack.turns_count > 50
    assert len(attack.node.vhost.router.bindings) == 0
    attack.no_limit()
    assert [type(one) for one in attack.attacker.methods()] == [commands.Queue.DeleteOk]


def test_a_name_is_declared_again_once_nothing_of_the_old_is_left(attack: Attack) -> None:
    attack.attacker.declare("jobs")
    for number in range(1000):
        attack.attacker.send_bytes(bind("jobs", "amq.direct", str(number)))
    attack.start(method_frame(1, commands.Queue.Delete, queue="jobs"))
    assert attack.is_more_after_a_turn()
    attack.stranger.connection.receive_data(
        method_frame(1, commands.Queue.Declare, queue="jobs"), attack.node.now_ms
    )
    while attack.node.broker.end_turn(attack.node.now_ms):
        attack.node.broker.turn.budget.begin()
    attack.no_limit()
    kinds = [type(one) for one in attack.stranger.methods()]
    assert kinds == [commands.Queue.DeclareOk]
    assert attack.node.vhost.queues.find("jobs") is not None
    assert len(attack.node.vhost.router.bindings) == 0
    assert [type(one) for one in attack.attacker.methods()] == [commands.Queue.DeleteOk]


def test_an_exchange_of_many_bindings_is_gone_at_once_and_they_go_in_pieces(
    attack: Attack,
) -> None:
    attack.attacker.send(commands.Exchange.Declare, exchange="x", exchange_type="topic")
    attack.attacker.declare("jobs")
    for number in range(1000):
        attack.attacker.send_bytes(bind("jobs", "x", f"a.{number}.#"))
    attack.attacker.receive()
    attack.start(
        method_frame(1, commands.Exchange.Delete, exchange="x")
        + method_frame(1, commands.Exchange.Declare, exchange="x", exchange_type="fanout")
    )
    assert attack.is_more_after_a_turn()
    assert not attack.node.vhost.exchanges.exists("x")
    while attack.is_more_after_a_turn():
        pass
    assert attack.turns_count > 50
    assert len(attack.node.vhost.router.bindings) == 0
    attack.no_limit()
    kinds = [type(one) for one in attack.attacker.methods()]
    assert kinds == [commands.Exchange.DeleteOk, commands.Exchange.DeclareOk]


def test_a_chain_of_auto_delete_exchanges_falls_in_pieces(attack: Attack) -> None:
    attack.attacker.declare("jobs")
    source = ""
    for number in range(500):
        name = f"x{number}"
        attack.attacker.send_bytes(
            method_frame(
                1,
                commands.Exchange.Declare,
                exchange=name,
                exchange_type="fanout",
                auto_delete=True,
                nowait=True,
            )
            + (
                method_frame(
                    1, commands.Exchange.Bind, destination=source, source=name, nowait=True
                )
                if source
                else bind("jobs", name, "")
            )
        )
        source = name
    attack.run(
        method_frame(1, commands.Queue.Unbind, queue="jobs", exchange="x0")
        + method_frame(1, commands.Exchange.Declare, exchange="x499", passive=True)
    )
    assert attack.turns_count > 20
    attack.no_limit()
    unbound, closed = attack.attacker.methods()
    assert isinstance(unbound, commands.Queue.UnbindOk)
    assert isinstance(closed, commands.Channel.Close), "what comes next finds it done"
    assert closed.reply_code == 404


def test_many_exclusive_queues_are_gone_at_once_with_their_connection(attack: Attack) -> None:
    names = attack.queues(300, exclusive=True)
    attack.limit()
    attack.attacker.connection.receive_eof(attack.node.now_ms)
    assert attack.ready_counts(names) == {-1}
    assert len(attack.node.vhost.router.bindings) > 200
    while attack.is_more_after_a_turn():
        pass
    assert attack.turns_count > 10
    assert len(attack.node.vhost.router.bindings) == 0
