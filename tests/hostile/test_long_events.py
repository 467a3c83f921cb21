"""One event that asks for more than a turn has: it is cut, others have their turns, order holds.

Time is counted in questions to the budget, so that each run is cut at the same places.
"""

from collections.abc import Callable
from itertools import combinations, product

import pytest
from pamqp import commands

from amqp_server.broker.congestion import BROUGHT_ABOUT_MAX
from amqp_server.wire.events import PublishBurst
from amqp_server.wire.framing import scan
from amqp_server.wire.methods import Method
from tests.support.counted_clock import budget_of
from tests.support.frames import (
    method_frame,
)
from tests.support.long_event import PIECES_PER_TURN, Attack, bind, publish, said_so_far


@pytest.fixture
def attack() -> Attack:
    return Attack()


def confirmed_up_to(methods: list[Method]) -> list[int]:
    return [one.delivery_tag or 0 for one in methods if isinstance(one, commands.Basic.Ack)]


# ── routes ──


def many_patterns(attack: Attack) -> list[bytes]:
    """Each of these keys leads through every node of a trie that matches nearly everywhere."""
    for pattern in product("a*#", repeat=8):
        attack.attacker.send_bytes(bind("jobs", "amq.topic", ".".join(pattern) + ".#"))
    return [publish("amq.topic", f"a.a.a.a.a.a.a.a.{n}", b"%d" % n) for n in range(30)]


def many_header_bindings(attack: Attack) -> list[bytes]:
    """Each binding is looked at, and none to its queue holds before the last one."""
    names = [f"h{number}" for number in range(14)]
    for number, asked in enumerate(combinations(names, 7)):
        pairs = {"x-match": "all", **dict.fromkeys(asked, 1)}
        attack.attacker.send_bytes(bind("jobs", "amq.headers", str(number), **pairs))
    some = dict.fromkeys(names[:8], 1) | dict.fromkeys(names[8:], 2)
    return [publish("amq.headers", "", b"%d" % n, headers={**some, "number": n}) for n in range(30)]


def many_exchanges(attack: Attack) -> list[bytes]:
    """The way to the queue leads along a chain of exchanges."""
    exchanges = attack.node.vhost.exchanges
    for number in range(600):
        attack.attacker.send_bytes(
            method_frame(
                1,
                commands.Exchange.Declare,
                exchange=f"x{number}",
                exchange_type="direct",
                nowait=True,
            )
        )
        if number:
            for key in range(30):
                attack.attacker.send_bytes(
                    method_frame(
                        1,
                        commands.Exchange.Bind,
                        destination=f"x{number}",
                        source=f"x{number - 1}",
                        routing_key=str(key),
                        nowait=True,
                    )
                )
    assert exchanges.exists("x599")
    for key in range(30):
        attack.attacker.send_bytes(bind("jobs", "x599", str(key)))
    return [publish("x0", str(n), b"%d" % n) for n in range(30)]


@pytest.mark.parametrize("prepare", [many_patterns, many_header_bindings, many_exchanges])
def test_a_publish_whose_way_is_long_is_cut(
    attack: Attack, prepare: Callable[[Attack], list[bytes]]
) -> None:
    attack.attacker.declare("jobs")
    messages = prepare(attack)
    attack.attacker.send(commands.Confirm.Select)
    attack.attacker.receive()
    attack.run(b"".join(messages))
    assert attack.turns_count > 10
    attack.no_limit()
    assert confirmed_up_to(attack.attacker.methods())[-1:] == [len(messages)]
    bodies = [attack.attacker.get("jobs") for _ in messages]
    assert bodies == [b"%d" % number for number in range(len(messages))], "in order, each once"


def test_what_is_bound_and_deleted_meanwhile_does_no_harm(attack: Attack) -> None:
    attack.attacker.declare("jobs")
    messages = many_patterns(attack)
    attack.stranger.declare("other")
    attack.start(b"".join(messages))
    for number in range(400):
        if not attack.is_more_after_a_turn():
            break
        attack.no_limit()
        arguments = {
            "queue": "other",
            "exchange": "amq.topic",
            "routing_key": f"a.#.{number % 7}.#",
        }
        attack.stranger.send(commands.Queue.Bind, nowait=True, **arguments)
        if number % 3 == 2:
            attack.stranger.send(commands.Queue.Unbind, **arguments)
        attack.stranger.receive()
        attack.limit()
    while attack.is_more_after_a_turn():
        pass
    attack.no_limit()
    assert attack.ready_counts(["jobs"]) == {len(messages)}


# ── many queues ──


def test_a_fanout_is_cut_and_confirmed_when_all_have_it(attack: Attack) -> None:
    names = attack.queues(500)
    attack.attacker.send(commands.Confirm.Select)
    attack.attacker.receive()
    attack.start(publish("amq.fanout", "", b"one") * 3 + publish("amq.fanout", "other", b"two"))
    while attack.is_more_after_a_turn():
        if attack.ready_counts(names) != {4}:
            assert confirmed_up_to(said_so_far(attack.attacker)) in ([], [3])
    assert attack.turns_count > 20
    assert attack.ready_counts(names) == {4}
    attack.no_limit()
    assert confirmed_up_to(attack.attacker.methods())[-1:] == [4]
    for name in names[::50]:
        assert [attack.attacker.get(name) for _ in range(4)] == [b"one"] * 3 + [b"two"]


def test_a_fanout_waits_while_the_disk_is_behind(attack: Attack) -> None:
    names = attack.queues(500)
    congestion = attack.node.broker.congestion
    attack.start(publish("amq.fanout", "", b"one"))
    assert attack.is_more_after_a_turn()
    congestion.set(is_on=True)
    for _ in range(100):
        attack.node.broker.turn.budget.begin()
        attack.node.broker.end_turn(attack.node.now_ms)
    assert attack.ready_counts(names) == {0, 1}
    assert not attack.node.broker.end_turn(attack.node.now_ms), "nobody spins"
    outputs_count = attack.attacker.outputs_count
    congestion.set(is_on=False)
    assert attack.attacker.outputs_count > outputs_count, "a turn is asked for"
    while attack.is_more_after_a_turn():
        pass
    assert attack.ready_counts(names) == {1}


@pytest.mark.parametrize("key", ["full", "many"])
def test_who_pushes_much_out_of_full_queues_waits_until_it_was_moved(
    attack: Attack, key: str
) -> None:
    names = ["full", *[f"full{number}" for number in range(69)]]
    letters = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"}
    attack.attacker.declare("dead")
    for name in names:
        attack.attacker.declare(name, arguments={"x-max-length": 1, **letters})
        attack.attacker.send_bytes(bind(name, "amq.direct", "many"))
    attack.attacker.send_bytes(bind("full", "amq.direct", "full"))
    bodies = [b"%d" % number for number in range(3 * BROUGHT_ABOUT_MAX if key == "full" else 50)]
    publishes = [
        publish("amq.direct", key, body, headers={"n": number})
        for number, body in enumerate(bodies)
    ]
    attack.start(b"".join(publishes) + method_frame(1, commands.Queue.Declare, queue="after"))
    # So many queues are looked at before the stranger's.
    attack.node.broker.turn.budget = budget_of(len(names) + PIECES_PER_TURN)
    waiting_count = 0
    while attack.is_more_after_a_turn():
        queues = [attack.node.vhost.queues.find(name) for name in names]
        unmoved_count = sum([queue.engine.moves.count for queue in queues if queue is not None])
        waiting_count += attack.node.vhost.queues.find("after") is None
        assert unmoved_count <= BROUGHT_ABOUT_MAX or waiting_count == attack.turns_count
    assert waiting_count > 20
    attack.no_limit()
    dead = [attack.attacker.get("dead") for _ in bodies[1:]]
    if key == "full":
        assert dead == bodies[:-1]


def test_a_burst_to_many_queues_is_cut_too(attack: Attack) -> None:
    names = attack.queues(300)
    burst = b"".join(publish("amq.fanout", f"k{n % 5}", b"%d" % n) for n in range(20))
    (event, *others), _, _ = scan(burst, 131_064)
    assert isinstance(event, PublishBurst)
    assert not others
    attack.run(burst)
    assert attack.turns_count > 100
    attack.no_limit()
    assert attack.ready_counts(names) == {20}
    assert [attack.attacker.get("q7") for _ in range(20)] == [b"%d" % n for n in range(20)]


def test_what_others_publish_to_the_same_queues_goes_between(attack: Attack) -> None:
    names = attack.queues(500)
    attack.start(publish("amq.fanout", "", b"slow"))
    assert attack.is_more_after_a_turn()
    attack.no_limit()
    attack.stranger.connection.receive_data(publish("", "q499", b"quick"), attack.node.now_ms)
    attack.limit()
    while attack.is_more_after_a_turn():
        pass
    attack.no_limit()
    assert attack.ready_counts(names) == {1, 2}
    assert [attack.attacker.get("q499") for _ in range(2)] == [b"quick", b"slow"]


def test_a_queue_that_goes_before_its_turn_gets_nothing(attack: Attack) -> None:
    names = attack.queues(500)
    attack.start(publish("amq.fanout", "", b"one"))
    assert attack.is_more_after_a_turn()
    attack.no_limit()
    attack.stranger.send(commands.Queue.Delete, queue="q499")
    attack.limit()
    while attack.is_more_after_a_turn():
        pass
    assert attack.ready_counts(names) == {1, -1}


@pytest.mark.parametrize("politely", [True, False])
def test_who_leaves_in_the_middle_has_published_to_all(attack: Attack, politely: bool) -> None:
    names = attack.queues(500)
    connection, now_ms = attack.attacker.connection, attack.node.now_ms
    attack.start(publish("amq.fanout", "", b"one"))
    assert attack.is_more_after_a_turn()
    if politely:
        connection.receive_data(method_frame(0, commands.Connection.Close), now_ms)
    else:
        connection.lose(now_ms)
    while attack.is_more_after_a_turn():
        pass
    assert attack.ready_counts(names) == {1}
    assert connection.life.is_closed


def test_a_transaction_is_committed_over_many_turns(attack: Attack) -> None:
    names = attack.queues(200)
    attack.attacker.send(commands.Tx.Select)
    attack.attacker.receive()
    attack.run(
        b"".join(publish("amq.fanout", f"k{n}", b"%d" % n) for n in range(5))
        + method_frame(1, commands.Tx.Commit)
        + publish("", "q0", b"after")
        + method_frame(1, commands.Tx.Rollback)
    )
    assert attack.turns_count > 50
    assert attack.ready_counts(names) == {5}
    attack.no_limit()
    kinds = [type(one) for one in attack.attacker.methods()]
    assert kinds == [commands.Tx.CommitOk, commands.Tx.RollbackOk]


def test_a_message_with_many_keys_is_cut(attack: Attack) -> None:
    names = attack.queues(300)
    keys = [*names[1:], "nowhere"]
    attack.attacker.send(commands.Confirm.Select)
    attack.attacker.receive()
    attack.run(publish("", "q0", b"one", headers={"CC": keys}) + publish("", "q0", b"two"))
    assert attack.turns_count > 15
    attack.no_limit()
    assert attack.ready_counts(names[1:]) == {1}
    assert attack.ready_counts(names[:1]) == {2}
    assert confirmed_up_to(attack.attacker.methods())[-1:] == [2]


# ── deleting ──


def passive(queue: str) -> bytes:
    return method_frame(1, commands.Queue.Declare, queue=queue, passive=True)
