"""Channels and connections that hold very much end: cut, in order, and nothing is forgotten."""

import pytest
from pamqp import commands

from queues.classic.queue import ClassicQueue
from tests.support.frames import method_frame
from tests.support.long_event import Attack, said_so_far
from tests.support.peer import Client

COUNT = 1_000
NAMES = [f"q{number}" for number in range(COUNT)]

Close = method_frame(1, commands.Channel.Close)
CloseConnection = method_frame(0, commands.Connection.Close, reply_code=200, reply_text="bye")
SoftError = method_frame(1, commands.Queue.Declare, queue="nobody's", passive=True)
HardError = method_frame(1, commands.Channel.Open)


def declare(attacker: Client, **arguments: object) -> None:
    for name in NAMES:
        attacker.send_bytes(
            method_frame(1, commands.Queue.Declare, queue=name, nowait=True, **arguments)
        )


def consume(attacker: Client, names: list[str], **arguments: object) -> None:
    for number, name in enumerate(names):
        attacker.send_bytes(
            method_frame(
                1,
                commands.Basic.Consume,
                queue=name,
                consumer_tag=f"c{number}",
                nowait=True,
                **arguments,
            )
        )


@pytest.fixture
def attack() -> Attack:
    """Return one whose attacker consumes exclusively from many queues, and holds one of each."""
    attack = Attack()
    declare(attack.attacker)
    attack.attacker.publish(*[b"held", b"ready"], routing_key="q0")
    attack.attacker.send(commands.Basic.Qos, prefetch_count=1)
    consume(attack.attacker, NAMES, exclusive=True)
    attack.attacker.receive()
    return attack


def engine(attack: Attack, name: str) -> ClassicQueue:
    queue = attack.node.vhost.queues.find(name)
    assert queue is not None
    assert isinstance(queue.engine, ClassicQueue)
    return queue.engine


def consumers_left(attack: Attack) -> int:
    return sum(engine(attack, name).consumer_count for name in NAMES)


def names_said(attack: Attack) -> list[str]:
    return [method.name for method in said_so_far(attack.attacker)]


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (Close, "Channel.CloseOk"),
        (SoftError, "Channel.Close"),
        (CloseConnection, "Connection.CloseOk"),
        (HardError, "Connection.Close"),
    ],
)
def test_it_is_cut_and_the_last_word_is_said_when_all_is_given_back(
    attack: Attack, what: bytes, said: str
) -> None:
    attack.start(what)
    names: list[str] = []
    while not names:
        assert not attack.attacker.is_closed()
        attack.is_more_after_a_turn()
        names = names_said(attack)
    assert attack.turns_count >= 2, "over several turns"
    assert names == [said]
    assert consumers_left(attack) == 0, "and so are free for others"
    assert engine(attack, "q0").counts().unacked_count == 0
    assert attack.attacker.is_closed() is (said == "Connection.CloseOk")


def test_what_comes_behind_a_close_waits_for_its_answer(attack: Attack) -> None:
    attack.start(
        Close
        + method_frame(1, commands.Channel.Open)
        + method_frame(1, commands.Basic.Consume, queue="q999", exclusive=True)
    )
    while attack.is_more_after_a_turn():
        pass
    assert names_said(attack) == ["Channel.CloseOk", "Channel.OpenOk", "Basic.ConsumeOk"]


@pytest.mark.parametrize("turns_count", [0, 1, 3])
@pytest.mark.parametrize("what", [b"", Close, CloseConnection, SoftError, HardError])
def test_who_is_cut_off_in_the_middle_leaves_nothing_behind(
    attack: Attack, what: bytes, turns_count: int
) -> None:
    attack.start(what)
    for _ in range(turns_count):
        attack.is_more_after_a_turn()
    attack.attacker.connection.lose(attack.node.now_ms)
    while attack.is_more_after_a_turn():
        pass
    assert attack.attacker.is_closed()
    assert consumers_left(attack) == 0
    assert engine(attack, "q0").ready_count == 2
    assert attack.node.broker.count_connections() == 1
    assert attack.attacker.connection.session.channels_open == 0


@pytest.mark.parametrize("turns_count", [0, 1, 3])
@pytest.mark.parametrize("what", [Close, CloseConnection, SoftError, HardError])
def test_a_node_that_stops_meanwhile_closes_each_connection_once(
    attack: Attack, what: bytes, turns_count: int
) -> None:
    attack.start(what)
    for _ in range(turns_count):
        attack.is_more_after_a_turn()
    attack.attacker.connection.shut_down("bye", attack.node.now_ms)
    while attack.is_more_after_a_turn():
        pass
    connection_words = [name for name in names_said(attack) if name.startswith("Connection")]
    expected = "Connection.CloseOk" if what == CloseConnection else "Connection.Close"
    assert connection_words == [expected]
    assert consumers_left(attack) == 0


def test_a_peer_that_has_closed_its_half_hears_the_answer(attack: Attack) -> None:
    attack.start(CloseConnection)
    attack.attacker.connection.receive_eof(attack.node.now_ms)
    assert not attack.attacker.is_closed()
    while attack.is_more_after_a_turn():
        pass
    assert names_said(attack) == ["Connection.CloseOk"]
    assert attack.attacker.is_closed()


@pytest.mark.parametrize("what", [Close, CloseConnection])
def test_a_channel_that_ends_gets_nothing_any_more(what: bytes) -> None:
    attack = Attack()
    declare(attack.attacker)
    consume(attack.attacker, NAMES, no_ack=True)
    attack.attacker.receive()
    attack.start(what)
    # It comes while q999 still has the consumer of the channel that ends.
    assert engine(attack, "q999").consumer_count == 1
    attack.stranger.publish(b"late", routing_key="q999")
    while attack.is_more_after_a_turn():
        pass
    assert engine(attack, "q999").ready_count == 1
    assert len(names_said(attack)) == 1


def test_who_is_served_in_its_place_gets_what_comes_back_first() -> None:
    attack = Attack()
    attack.attacker.declare("jobs", arguments={"x-single-active-consumer": True})
    attack.attacker.publish(*[b"%d" % number for number in range(5)])
    attack.attacker.send(commands.Basic.Qos, prefetch_count=2)
    consume(attack.attacker, ["jobs"] * COUNT)
    attack.attacker.receive()
    successor = attack.node.open()
    successor.consume("jobs")
    assert successor.bodies() == []
    attack.start(Close)
    while attack.is_more_after_a_turn():
        pass
    attack.no_limit()
    assert successor.bodies() == [b"%d" % number for number in range(5)]


def test_many_queues_that_their_consumer_leaves_are_deleted_in_pieces() -> None:
    attack = Attack()
    declare(attack.attacker, auto_delete=True)
    consume(attack.attacker, NAMES)
    attack.attacker.receive()
    attack.start(b"")
    attack.attacker.connection.lose(attack.node.now_ms)
    while attack.is_more_after_a_turn():
        pass
    assert attack.turns_count > 10
    assert [queue.name for queue in attack.node.vhost.queues] == ["canary"]
