"""Many messages of different headers leave at once; each queue sees them in their order."""

from collections.abc import Iterable
from typing import Any

import pytest

from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.keepers.due_publisher import DUE_MAX, DuePublisher
from amqp_server.broker.steps import finish
from amqp_server.broker.tapping.tap import Tap
from queues.classic.queue import ClassicQueue
from tests.support.vhosts import VhostUnderTest, message, plain_headers


def delaying(kind: str = "direct", budget: TurnBudget | None = None) -> VhostUnderTest:
    rig = VhostUnderTest(budget=budget)
    rig.exchange("x", "x-delayed-message", arguments={"x-delayed-type": kind})
    return rig


def bound(rig: VhostUnderTest, *pairs: str) -> None:
    """Bind queues by keys; ``"a:q"`` is the queue q by the key a."""
    for pair in pairs:
        key, name = pair.split(":")
        rig.queue(name)
        rig.bind("x", name, key)


def send(rig: VhostUnderTest, key: str, body: bytes, delay: int, **headers: Any) -> None:  # noqa: ANN401
    record = message(body, "x", key, headers={"x-delay": delay, **headers}, delivery_mode=2)
    rig.vhost.publisher.publish("x", [record], rig.now_ms)


def leave(rig: VhostUnderTest, after_ms: int) -> None:
    rig.end()
    rig.advance(after_ms)


def bodies(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


@pytest.fixture
def runs_of(monkeypatch: pytest.MonkeyPatch) -> dict[object, list[int]]:
    """The sizes of the runs that queues got."""
    found: dict[object, list[int]] = {}
    publish = ClassicQueue.publish

    def noting(queue: ClassicQueue, run: Any, now_ms: int) -> Any:  # noqa: ANN401
        found.setdefault(queue, []).append(len(run))
        return publish(queue, run, now_ms)

    monkeypatch.setattr(ClassicQueue, "publish", noting)
    return found


def engine(rig: VhostUnderTest, name: str) -> object:
    queue = rig.vhost.queues.find(name)
    assert queue is not None, "it is declared"
    return queue.engine


def test_messages_of_different_headers_are_one_run(runs_of: dict[object, list[int]]) -> None:
    rig = delaying()
    bound(rig, "k:q")
    for number, body in enumerate(bodies(200)):
        send(rig, "k", body, 5, number=number)
    leave(rig, 5)
    assert rig.bodies("q") == bodies(200)
    assert runs_of == {engine(rig, "q"): [200]}


def test_each_queue_of_many_keys_gets_one_run_in_order(runs_of: dict[object, list[int]]) -> None:
    rig = delaying()
    bound(rig, "a:even", "b:odd", "a:all", "b:all")
    for number, body in enumerate(bodies(100)):
        send(rig, "ab"[number % 2], body, 5, number=number)
    leave(rig, 5)
    assert rig.bodies("all") == bodies(100)
    assert rig.bodies("even") == bodies(100)[::2]
    assert rig.bodies("odd") == bodies(100)[1::2]
    sizes = {"even": [50], "odd": [50], "all": [100]}
    assert runs_of == {engine(rig, name): of_queue for name, of_queue in sizes.items()}


def test_ten_thousand_keys_keep_their_order() -> None:
    rig = delaying("topic")
    bound(rig, "#:all", "7.#:seven")
    for number in range(10_000):
        send(rig, f"{number % 10}.{number}", b"%d" % number, 5)
    leave(rig, 5)
    assert rig.bodies("all") == bodies(10_000)
    assert rig.bodies("seven") == bodies(10_000)[7::10]


def test_a_route_is_found_once_and_again_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = delaying()
    bound(rig, "k:q")
    walks: list[object] = []
    walk = rig.vhost.router.walk_past_waiting

    def noting(*arguments: Any) -> Any:  # noqa: ANN401
        walks.append(arguments)
        return walk(*arguments)

    monkeypatch.setattr(
        type(rig.vhost.router), "walk_past_waiting", lambda _, *given: noting(*given)
    )
    for _ in range(3):
        send(rig, "k", b"m", 5)
        leave(rig, 5)
    assert len(walks) == 1
    bound(rig, "k:other")
    send(rig, "k", b"m", 5)
    leave(rig, 5)
    assert len(walks) == 2
    assert (len(rig.bodies("q")), len(rig.bodies("other"))) == (4, 1)


def test_copies_leave_between_the_others_in_order() -> None:
    rig = delaying()
    bound(rig, "k:q", "c:q")
    for number, body in enumerate(bodies(9)):
        if number % 3:
            send(rig, "k", body, 5, number=number)
        else:
            keys = ["k", "c"] if number else ["c", "none"]
            headers = {"x-delay": 5, "CC": keys[1:]}
            record = message(body, "x", keys[0], headers=headers)
            finish(rig.vhost.publisher.publishing_to_keys("x", keys, [record], rig.now_ms))
    leave(rig, 50)
    assert rig.bodies("q") == bodies(9)


def test_headers_are_asked_where_the_other_type_asks_them() -> None:
    rig = delaying("headers")
    for name, value in (("red", "red"), ("blue", "blue")):
        rig.queue(name)
        rig.bind("x", name, "", {"x-match": "all", "colour": value})
    for number, body in enumerate(bodies(60)):
        send(rig, "", body, 5, colour="red" if number < 40 else "blue")
    send(rig, "", b"none", 5, colour="green")
    leave(rig, 5)
    assert rig.bodies("red") == bodies(60)[:40]
    assert rig.bodies("blue") == bodies(60)[40:]
    assert rig.vhost.router.exchanges["x"].counters.unroutable_count == 1


def test_headers_are_asked_where_an_exchange_behind_it_asks_them() -> None:
    rig = delaying("fanout")
    rig.exchange("behind", "headers")
    rig.bind_exchange("x", "behind")
    rig.queue("red")
    rig.bind("behind", "red", "", {"colour": "red"})
    send(rig, "", b"1", 5, colour="red")
    send(rig, "", b"2", 5, colour="blue")
    send(rig, "", b"3", 5, colour="red")
    leave(rig, 5)
    assert rig.bodies("red") == [b"1", b"3"]


def test_chance_is_asked_for_each_message() -> None:
    drawn = iter(range(1_000))
    rig = VhostUnderTest(random_bytes=lambda size: next(drawn).to_bytes(size, "little"))
    rig.exchange("x", "x-delayed-message", arguments={"x-delayed-type": "x-random"})
    bound(rig, "a:one", "b:two")
    for body in bodies(50):
        send(rig, "", body, 5)
    leave(rig, 5)
    one, two = rig.bodies("one"), rig.bodies("two")
    assert sorted(one + two) == sorted(bodies(50))
    assert one
    assert two


def test_a_queue_with_a_limit_drops_as_for_one_message_after_another() -> None:
    rig = delaying()
    rig.queue("short", max_length=3)
    rig.bind("x", "short", "a")
    bound(rig, "a:all", "b:all")
    for number, body in enumerate(bodies(20)):
        send(rig, "ab"[number % 2], body, 5, number=number)
    leave(rig, 5)
    assert rig.bodies("all") == bodies(20)
    assert rig.bodies("short") == [b"14", b"16", b"18"]


def test_what_has_no_route_is_gone_and_is_counted() -> None:
    rig = delaying()
    bound(rig, "k:q")
    for number, body in enumerate(bodies(10)):
        send(rig, "k" if number < 4 else "nowhere", body, 5)
    leave(rig, 5)
    assert rig.bodies("q") == bodies(4)
    counters = rig.vhost.router.exchanges["x"].counters
    assert (counters.all_published_count, counters.unroutable_count) == (10, 6)


def test_copies_to_several_queues_are_counted() -> None:
    rig = delaying()
    bound(rig, "a:p", "a:q", "b:q")
    for number, body in enumerate(bodies(10)):
        send(rig, "ab"[number % 2], body, 5)
    leave(rig, 5)
    counters = rig.vhost.router.exchanges["x"].counters
    assert (counters.all_published_count, counters.more_copies_count) == (10, 5)


def test_more_queues_than_one_piece_serves_get_all() -> None:
    rig = delaying("fanout")
    names = [f"q{number}" for number in range(100)]
    bound(rig, *[f":{name}" for name in names])
    for number, body in enumerate(bodies(5)):
        send(rig, "", body, 5, number=number)
    leave(rig, 5)
    assert all(rig.bodies(name) == bodies(5) for name in names)


def test_an_exchange_that_deduplicates_behind_it_gets_them_by_key() -> None:
    rig = delaying("fanout")
    rig.exchange("once", "direct", arguments={"x-message-deduplication": True})
    rig.bind_exchange("x", "once")
    for name in ("a", "b"):
        rig.queue(name)
        rig.bind("once", name, name)
    for number, body in enumerate(bodies(8)):
        send(rig, "ab"[number % 2], body, 5, **{"x-deduplication-header": number % 4})
    leave(rig, 5)
    assert (rig.bodies("a"), rig.bodies("b")) == ([b"0", b"2"], [b"1", b"3"])


def test_who_watches_the_exchange_sees_them_leave() -> None:
    rig = delaying()
    bound(rig, "a:q", "b:p")
    tap = Tap(1_000, 1_000, lambda: None)
    for number, body in enumerate(bodies(6)):
        send(rig, "ab"[number % 2], body, 5)
    rig.vhost.publisher.taps.add_to_exchange("x", tap)
    leave(rig, 50)
    assert [passed.payload for passed in tap.take()[0]] == bodies(6)


def headers_at(rig: VhostUnderTest, name: str) -> Iterable[object]:
    return [plain_headers(record)["x-delay"] for record in rig.take(name)]


def test_each_keeps_its_own_headers_and_priority() -> None:
    rig = delaying()
    rig.queue("q", max_priority=9)
    rig.bind("x", "q", "k")
    for delay, priority in ((10, 3), (20, 9), (30, None)):
        given = {} if priority is None else {"priority": priority}
        record = message(b"m", "x", "k", headers={"x-delay": delay}, content_type="t", **given)
        rig.vhost.publisher.publish("x", [record], rig.now_ms)
    leave(rig, 30)
    assert headers_at(rig, "q") == [-20, -10, -30]


def test_no_more_leave_together_than_an_octet_can_tell() -> None:
    rig = delaying()
    publisher = DuePublisher("x", rig.vhost.router, rig.vhost.publisher)
    with pytest.raises(AssertionError):
        finish(publisher.publishing([message(b"m", "x")] * (DUE_MAX + 1), rig.now_ms))
