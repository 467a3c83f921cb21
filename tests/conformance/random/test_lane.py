"""What the client of a script knows of one channel."""

from pamqp import commands

from conformance.events import Event
from conformance.random.lane import Lane
from conformance.random.script import MIDDLE, NEWEST, OLDEST, Message, Step

GET = Step("A1", "basic.get")
QUIET = Step("A1", "channel.flow")


def got(lane: Lane, *tags: int) -> None:
    """Let deliveries come that are to be settled."""
    for tag in tags:
        lane.came(Event(commands.Basic.GetOk(tag, False, "", "", 0)), GET)


def settle(lane: Lane, method: str, tag: int, *, multiple: bool = False) -> None:
    given = {"delivery_tag": tag, "multiple": multiple}
    lane.sent(Step("A1", f"basic.{method}", given), given)


def test_a_settlement_names_a_delivery_by_its_place() -> None:
    lane = Lane()
    assert lane.tag_of(OLDEST) is None
    got(lane, 1, 2, 3)
    assert [lane.tag_of(place) for place in (OLDEST, MIDDLE, NEWEST, 4711)] == [1, 2, 3, 4711]


def test_what_is_settled_is_gone_and_several_with_multiple() -> None:
    lane = Lane()
    got(lane, 1, 2, 3, 4)
    settle(lane, "reject", 2)
    assert lane.unsettled == [1, 3, 4]
    settle(lane, "ack", 3, multiple=True)
    assert lane.unsettled == [4]
    settle(lane, "nack", 0, multiple=True)
    assert lane.unsettled == []


def test_deliveries_without_ack_are_not_to_be_settled() -> None:
    lane = Lane()
    consume = Step("A1", "basic.consume", {"queue": "q", "consumer_tag": "c1", "no_ack": True})
    lane.sent(consume, consume.given)
    lane.came(Event(commands.Basic.Deliver("c1", 1, False, "", "q")), QUIET)
    lane.came(Event(commands.Basic.Deliver("c2", 2, False, "", "q")), QUIET)
    lane.came(
        Event(commands.Basic.GetOk(3, False, "", "", 0)), Step("A1", "basic.get", {"no_ack": True})
    )
    assert lane.unsettled == [2]


def test_a_rollback_makes_what_was_settled_open_again_and_a_commit_does_not() -> None:
    lane = Lane()
    lane.sent(Step("A1", "tx.select"), {})
    got(lane, 1, 2)
    settle(lane, "ack", 1)
    lane.sent(Step("A1", "tx.rollback"), {})
    assert lane.unsettled == [1, 2]
    settle(lane, "reject", 2)
    lane.sent(Step("A1", "tx.commit"), {})
    lane.sent(Step("A1", "tx.rollback"), {})
    assert lane.unsettled == [1]


def test_recover_leaves_nothing_open() -> None:
    lane = Lane()
    got(lane, 1, 2)
    lane.sent(Step("A1", "basic.recover", {"requeue": True}), {"requeue": True})
    assert lane.unsettled == []


def test_a_joined_confirm_is_a_line_for_each_publish() -> None:
    lane = Lane()
    lane.sent(Step("A1", "basic.publish", {}, (Message("before"),)), {})
    lane.sent(Step("A1", "confirm.select"), {})
    lane.sent(Step("A1", "basic.publish", {}, (Message("a"), Message("b"), Message("c"))), {})
    assert lane.unconfirmed == [1, 2, 3]
    ack, nack = commands.Basic.Ack(2, True), commands.Basic.Nack(3)
    assert lane.came(Event(ack), QUIET) == ["confirmed 1", "confirmed 2"]
    assert lane.came(Event(nack), QUIET) == ["refused 3"]
    assert lane.came(Event(commands.Basic.Ack(3)), QUIET) == ["confirmed 3, which was not due"]
    assert lane.unconfirmed == []
