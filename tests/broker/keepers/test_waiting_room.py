from collections.abc import Sequence
from typing import Any

import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.keepers.waiting_room import WaitingRoom
from amqp_server.wire.tables import Field
from persistence.record import Record
from queues.outcomes import PublishOutcome
from tests.support.full_queue import FullQueue
from tests.support.vhosts import VhostUnderTest, headers_of, message, plain_headers

LONGEST_MS = (1 << 32) - 1


def delaying(
    kind: str = "direct", key: str = "jobs", budget: TurnBudget | None = None
) -> VhostUnderTest:
    """Return a vhost whose exchange ``x`` delays what goes to the queue ``jobs``."""
    rig = VhostUnderTest(budget=budget)
    rig.exchange("x", "x-delayed-message", arguments={"x-delayed-type": kind})
    rig.queue("jobs")
    rig.bind("x", "jobs", key)
    return rig


def room(rig: VhostUnderTest) -> WaitingRoom:
    found = rig.vhost.keepers.room("x")
    assert isinstance(found, WaitingRoom), "the exchange delays"
    return found


def send(rig: VhostUnderTest, body: bytes, delay: object, **properties: Any) -> PublishOutcome:  # noqa: ANN401
    record = message(body, "x", headers={"x-delay": delay}, **properties)
    outcome = rig.vhost.publisher.publish("x", [record], rig.now_ms)
    rig.end()
    return outcome


def test_a_message_comes_after_its_delay() -> None:
    rig = delaying()
    send(rig, b"m", 5_000)
    assert room(rig).messages.count == 1
    rig.advance(4_999)
    assert rig.bodies() == []
    rig.advance(1)
    assert rig.bodies() == [b"m"]
    assert room(rig).messages.count == 0


def test_messages_come_in_the_order_in_which_they_are_due() -> None:
    rig = delaying()
    for delay in (3_000, 1_000, 60_000, 2_000):
        send(rig, str(delay).encode(), delay)
    rig.advance(60_000)
    assert rig.bodies() == [b"1000", b"2000", b"3000", b"60000"]


def test_a_queue_that_delayed_messages_fill_lets_no_client_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = delaying()
    full = FullQueue(rig.congestion, "jobs", monkeypatch)
    send(rig, b"m", 5_000)
    rig.advance(5_000)
    assert (full.count, rig.congestion.is_on) == (1, False)


@pytest.mark.parametrize(
    ("delay", "header"),
    [
        (5_000, ("I", -5_000)),
        ("700", ("I", -700)),
        (2.9, ("I", -2)),
        (LONGEST_MS, ("l", -LONGEST_MS)),
    ],
)
def test_a_delivery_has_the_delay_negative(delay: object, header: tuple[str, int]) -> None:
    rig = delaying()
    send(rig, b"m", delay, message_id="id")
    rig.advance(LONGEST_MS)
    record = rig.take()[0]
    assert headers_of(record)["x-delay"] == Field(*header)
    assert (record.exchange, record.routing_key) == ("x", "jobs")


@pytest.mark.parametrize(
    "delay", [0, -1, LONGEST_MS + 1, "", "soon", "-5", True, None, 0.5, [5], {"a": 1}, "9" * 30]
)
def test_what_is_no_delay_is_routed_at_once_and_unchanged(delay: object) -> None:
    rig = delaying()
    send(rig, b"m", delay)
    record = rig.take()[0]
    assert record.body == b"m"
    assert record == message(b"m", "x", headers={"x-delay": delay})
    assert room(rig).messages.count == 0


def test_a_message_without_headers_is_routed_at_once() -> None:
    rig = delaying()
    rig.publish(b"m", exchange="x")
    assert rig.bodies() == [b"m"]


def test_a_message_keeps_its_priority_and_its_ttl() -> None:
    rig = delaying()
    before = message(b"m", "x", headers={"x-delay": 50}, priority=7, expiration="90000")
    send(rig, b"m", 50, priority=7, expiration="90000")
    rig.advance(50)
    after = rig.take()[0]
    assert (after.priority, after.ttl_ms, after.flags) == (7, 90_000, before.flags)


def test_the_ttl_counts_from_when_it_is_due() -> None:
    rig = delaying()
    send(rig, b"m", 5_000, expiration="100")
    rig.advance(5_050)
    assert rig.bodies() == [b"m"]


@pytest.mark.parametrize(
    ("kind", "key"), [("topic", "#"), ("fanout", ""), ("x-consistent-hash", "1"), ("x-random", "")]
)
def test_it_routes_as_the_other_type_does(kind: str, key: str) -> None:
    rig = delaying(kind, key)
    send(rig, b"late", 10)
    send(rig, b"now", 0)
    assert rig.bodies() == [b"now"]
    rig.advance(10)
    assert rig.bodies() == [b"late"]


def test_the_bindings_count_that_are_there_when_it_is_due() -> None:
    rig = delaying()
    send(rig, b"m", 10)
    rig.unbind("x", "jobs", "jobs")
    rig.queue("other")
    rig.bind("x", "other", "jobs")
    rig.advance(10)
    assert (rig.bodies(), rig.bodies("other")) == ([], [b"m"])


def test_a_mandatory_message_that_waits_has_a_route() -> None:
    rig = delaying(key="elsewhere")
    assert not send(rig, b"m", 10).unroutable
    assert send(rig, b"m", 0).unroutable


def test_the_alternate_exchange_gets_what_has_no_route_when_it_is_due() -> None:
    rig = VhostUnderTest()
    rig.exchange("rest")
    arguments = {"x-delayed-type": "direct"}
    rig.exchange("x", "x-delayed-message", arguments=arguments, alternate="rest")
    rig.queue("jobs")
    rig.bind("rest", "jobs")
    send(rig, b"m", 10)
    assert rig.bodies() == []
    rig.advance(10)
    assert rig.bodies() == [b"m"]


def test_an_exchange_on_the_way_delays_too() -> None:
    rig = delaying("fanout", "")
    rig.exchange("first")
    rig.bind_exchange("first", "x")
    rig.publish(b"m", exchange="first", routing_key="k", headers={"x-delay": 10})
    rig.end()
    assert rig.bodies() == []
    rig.advance(10)
    record = rig.take()[0]
    assert (record.exchange, record.routing_key) == ("first", "k")


def test_two_exchanges_in_a_row_delay_once() -> None:
    rig = delaying("fanout", "")
    rig.exchange("second", "x-delayed-message", arguments={"x-delayed-type": "fanout"})
    rig.queue("last")
    rig.bind_exchange("x", "second")
    rig.bind("second", "last")
    send(rig, b"m", 10)
    rig.advance(10)
    assert (rig.bodies(), rig.bodies("last")) == ([b"m"], [b"m"])


def letters_to(rig: VhostUnderTest, record: Record, keys: Sequence[str]) -> None:
    for _ in rig.vhost.publisher.publishing_to_keys("x", keys, [record], rig.now_ms):
        pass
    rig.end()


def test_the_keys_of_cc_and_bcc_wait_too_and_bcc_is_not_shown() -> None:
    rig = delaying()
    for name in ("copy", "blind"):
        rig.queue(name)
        rig.bind("x", name, name)
    headers = {"x-delay": 10, "CC": ["copy"]}
    letters_to(rig, message(b"m", "x", "jobs", headers=headers), ["jobs", "copy", "blind"])
    rig.advance(10)
    got = [record for name in ("jobs", "copy", "blind") for record in rig.take(name)]
    assert len(got) == 3
    assert all(plain_headers(record).keys() == {"x-delay", "CC"} for record in got)


def test_a_dead_letter_may_be_delayed() -> None:
    rig = delaying("fanout", "")
    rig.queue("work", dead_letter_exchange="x")
    rig.publish(b"m", routing_key="work", headers={"x-delay": 10})
    rig.reject("work")
    assert rig.bodies() == []
    rig.advance(10)
    assert rig.bodies() == [b"m"]


def test_messages_count_once_for_the_exchange() -> None:
    rig = delaying()
    for delay in (10, 10, 0):
        send(rig, b"m", delay)
    rig.advance(10)
    counters = rig.vhost.router.exchanges["x"].counters
    assert (counters.all_published_count, counters.routed_count) == (3, 3)


def test_a_deleted_exchange_takes_its_messages_along() -> None:
    rig = delaying()
    send(rig, b"m", 10)
    held = room(rig)
    for _ in rig.vhost.exchanges.deleting("x", if_unused=False):
        pass
    assert held.messages.count == 0
    rig.exchange("x", "x-delayed-message", arguments={"x-delayed-type": "fanout"})
    rig.bind("x", "jobs")
    rig.advance(100)
    assert rig.bodies() == []
    assert rig.turn.next_deadline_ms() is None


def test_an_exchange_that_goes_while_its_messages_come_out_ends_it() -> None:
    rig = delaying(budget=spent())
    for _ in range(1_000):
        rig.publish(b"m", exchange="x", headers={"x-delay": 10})
    rig.end()
    rig.now_ms += 10
    rig.turn.on_deadline(rig.now_ms)
    rig.turn.end(rig.now_ms)
    for _ in rig.vhost.exchanges.deleting("x", if_unused=False):
        pass
    rig.end()
    assert len(rig.bodies()) < 1_000


def spent() -> TurnBudget:
    budget = TurnBudget(turn_ns=0)
    budget.begin()
    return budget


def test_a_flood_that_is_due_at_once_leaves_turns_to_others() -> None:
    rig = delaying(budget=spent())
    rig.queue("other")
    for _ in range(3_000):
        rig.publish(b"m", exchange="x", headers={"x-delay": 10})
    rig.end()
    rig.now_ms += 10
    rig.turn.on_deadline(rig.now_ms)
    turns_count = 0
    while rig.turn.end(rig.now_ms):
        turns_count += 1
        rig.publish(b"o", routing_key="other")
    assert turns_count > 20
    assert len(rig.bodies()) == 3_000
    assert len(rig.bodies("other")) == turns_count


def test_a_vhost_that_goes_takes_them_along() -> None:
    rig = delaying()
    send(rig, b"m", 10)
    held = room(rig)
    for _ in rig.vhost.forgetting_all():
        pass
    assert held.messages.count == 0
    assert rig.turn.next_deadline_ms() is None


def test_a_recent_history_may_be_delayed() -> None:
    rig = VhostUnderTest()
    rig.exchange("x", "x-delayed-message", arguments={"x-delayed-type": "x-recent-history"})
    rig.queue("jobs")
    send(rig, b"m", 10)
    rig.bind("x", "jobs", "a")
    assert rig.bodies() == []
    rig.advance(10)
    assert rig.bodies() == [b"m"]
    rig.bind("x", "jobs", "b")
    assert rig.bodies() == [b"m"]
