"""Commands on messages that wait: shown as they are, and dropped for good."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.commands import waiting
from amqp_server.broker.commands.waiting import WaitingMessage
from amqp_server.broker.errors import AccessRefusedError, NotFoundError, UnreadableError
from amqp_server.broker.keepers.shared_room import SharedRoom
from amqp_server.broker.keepers.waiting_room import WaitingRoom
from tests.support.desk import JOBS, PLAIN, Desk
from tests.support.fake_cluster import FakeCluster
from tests.support.frames import table
from tests.support.vhosts import message

DELAYED = {"vhost": "/", "exchange": "x", "username": None}


class DelayDesk(Desk):
    """A desk whose node delays what goes to the exchange ``x``."""

    def __init__(self) -> None:
        super().__init__()
        arguments = table({"x-delayed-type": "fanout"})
        properties = ExchangeProperties("x-delayed-message", True, False, False, arguments)
        declare = {"vhost": "/", "name": "x", "username": None}
        self.do("declare_exchange", **declare, properties=properties)
        self.do("declare_queue", **JOBS, **PLAIN)
        binding = {"source": "x", "destination": "jobs", "destination_type": "queue"}
        self.do("bind", vhost="/", username=None, routing_key="", arguments={}, **binding)

    def send(self, message_id: str, delay: int, body: bytes = b"body") -> None:
        record = message(body, "x", "k", headers={"x-delay": delay}, message_id=message_id)
        self.node.vhost.publisher.publish("x", [record], self.node.now_ms)
        self.node.end_turns()

    def listed(self, count: int = 500, truncate_bytes: int | None = None) -> list[WaitingMessage]:
        given: dict[str, Any] = {**DELAYED, "count": count, "truncate_bytes": truncate_bytes}
        return list(self.do("list_waiting", **given))

    def drop(self, message_id: str | None) -> int:
        dropped = self.do("drop_waiting", **DELAYED, message_id=message_id)
        assert isinstance(dropped.message_count, int)
        return dropped.message_count

    def count(self) -> int | None:
        view = self.views.exchange("/", "x")
        assert view is not None, "it was declared"
        return view.delayed

    def pass_time(self, span_ms: int) -> list[str]:
        """Let time pass; return the ids of what has come."""
        until_ms = self.node.now_ms + span_ms
        turn = self.node.broker.turn
        while (due_ms := turn.next_deadline_ms()) is not None and due_ms <= until_ms:
            self.node.now_ms = max(self.node.now_ms, due_ms)
            self.node.broker.on_deadline(self.node.now_ms)
            self.node.end_turns()
        self.node.now_ms = until_ms
        queue = self.node.vhost.queues.find("jobs")
        assert queue is not None, "it was declared"
        ids = []
        while (got := queue.engine.get(until_ms, no_ack=True)) is not None:
            ids += [record.header[-1:].decode() for record in got[0].records]
        return ids


def test_what_waits_is_shown_in_order_and_stays() -> None:
    desk = DelayDesk()
    for message_id, delay in (("c", 90_000), ("a", 1_000), ("b", 60_000)):
        desk.send(message_id, delay)
    shown = desk.listed()
    assert [each.properties["message_id"] for each in shown] == ["a", "b", "c"]
    wall_ms = desk.node.broker.wall_ms(desk.node.now_ms)
    assert [each.due_ms - wall_ms for each in shown] == [1_000, 60_000, 90_000]
    assert shown[0][1:5] == ("x", "k", b"body", 4)
    assert desk.listed() == shown
    assert desk.count() == 3
    assert desk.pass_time(100_000) == ["a", "b", "c"]
    assert (desk.listed(), desk.count()) == ([], 0)


def test_so_many_are_shown_and_payloads_are_cut() -> None:
    desk = DelayDesk()
    for number in range(9):
        desk.send(str(number), 5_000, b"long body")
    shown = desk.listed(count=4, truncate_bytes=4)
    assert [(each.payload, each.payload_bytes) for each in shown] == [(b"long", 9)] * 4


def test_a_message_that_was_dropped_never_comes() -> None:
    desk = DelayDesk()
    for message_id, delay in (("a", 5_000), ("b", 5_000), ("a", 3_600_000), ("c", 90)):
        desk.send(message_id, delay)
    assert desk.drop("a") == 2
    assert desk.drop("a") == 0
    assert desk.count() == 2
    assert desk.pass_time(4_000_000) == ["c", "b"]


def test_all_may_be_dropped() -> None:
    desk = DelayDesk()
    for number in range(5):
        desk.send(str(number), 5_000)
    assert desk.drop(None) == 5
    assert (desk.count(), desk.pass_time(10_000)) == (0, [])


def test_what_goes_to_another_slot_while_a_drop_looks_is_found() -> None:
    desk = DelayDesk()
    for number in range(600):
        desk.send(str(number % 3), 70_000)
    steps = desk.admin.drop_waiting(desk.node.now_ms, "/", "x", username=None, message_id="1")
    next(steps)
    # The slot is divided in the middle of the look, as there are too many for memory.
    room = desk.node.vhost.keepers.room("x")
    assert isinstance(room, WaitingRoom), "the exchange delays"
    room.messages._renew_all()
    while room.messages.has_due(desk.node.now_ms):
        room.messages.step(desk.node.now_ms)
    for _ in steps:
        pass
    assert desk.count() == 400
    assert set(desk.pass_time(80_000)) == {"0", "2"}


def test_only_exchanges_that_delay_have_messages_that_wait() -> None:
    desk = DelayDesk()
    for exchange in ("amq.direct", "nowhere"):
        given = {**DELAYED, "exchange": exchange}
        with pytest.raises(NotFoundError, match="no delayed exchange"):
            desk.do("drop_waiting", **given, message_id=None)
        with pytest.raises(NotFoundError):
            desk.do("list_waiting", **given, count=1, truncate_bytes=None)
    view = desk.views.exchange("/", "amq.direct")
    assert view is not None
    assert view.delayed is None


def test_who_asks_needs_the_rights() -> None:
    desk = DelayDesk()
    given = {**DELAYED, "username": "nobody"}
    with pytest.raises(AccessRefusedError):
        desk.do("list_waiting", **given, count=1, truncate_bytes=None)
    with pytest.raises(AccessRefusedError):
        desk.do("drop_waiting", **given, message_id=None)
    assert (
        desk.do("drop_waiting", **{**given, "username": "guest"}, message_id=None).message_count
        == 0
    )


def test_no_more_are_shown_than_one_command_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SHOWN_MAX", 3)
    desk = DelayDesk()
    for number in range(5):
        desk.send(str(number), 5_000)
    assert len(desk.listed()) == 3


def test_what_waits_on_another_node_is_not_shown_here() -> None:
    desk = DelayDesk()
    elsewhere = SimpleNamespace(waiting_here=None, queue_name="behind x")
    desk.node.vhost.keepers._rooms["x"] = cast("SharedRoom", elsewhere)
    with pytest.raises(UnreadableError, match="nobody leads them now"):
        desk.do("list_waiting", **DELAYED, count=1, truncate_bytes=None)
    desk.node.broker.cluster = FakeCluster("b")
    with pytest.raises(UnreadableError, match="b leads them: ask that node"):
        desk.do("drop_waiting", **DELAYED, message_id=None)
