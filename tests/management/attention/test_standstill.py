"""What is known of a queue, as a verdict and reasons."""

from amqp_server.broker.views import ConnectionView, ConsumerView, QueueCounts, QueueView
from management.attention.standstill import (
    CONSUMERS_MAX,
    Served,
    Standstill,
    explanation_body,
    reasons_of,
)


def queue(counts: QueueCounts, *, may_deliver: bool = True) -> QueueView:
    flags = (True, False, False)
    nothing = (None, None, None)
    ends = (None, None, may_deliver)
    return QueueView("q", "/", "classic", *flags, {}, *nothing, {}, counts, *ends)


def served(tag: str, *, unacked: int = 0, active: bool = True, state: str = "running") -> Served:
    ends = ("h", 1, "p", 2)
    none = (None,) * 5
    owner = ConnectionView("c", "/", "u", "AMQP", *ends, *none, 0, 1, 0, 0, 0, 0, state=state)
    numbers = (0, 5, unacked, None)
    return Served(
        ConsumerView(tag, "q", "/", 1, 1, False, False, *numbers, {}, active, "up", None),
        owner,
    )


def rules(found: Standstill) -> list[tuple[str, bool]]:
    return [(reason.rule, reason.stops) for reason in reasons_of(found)]


FULL = QueueCounts(ready_count=3)


def test_the_commonest_reason_of_its_consumers_is_told() -> None:
    full, slow = served("a", unacked=5), served("b", state="flow")
    assert rules(Standstill(queue(FULL), [full, slow, slow], "", None)) == [("does_not_read", True)]
    free = served("c")
    assert rules(Standstill(queue(FULL), [full, free], "", None)) == []
    blocked = queue(FULL, may_deliver=False)
    assert rules(Standstill(blocked, [free], "", None)) == [("no_credit", True)]
    waiting = served("d", active=False)
    assert rules(Standstill(queue(FULL), [waiting], "", None)) == [("none_active", True)]


def test_dead_letters_on_their_way_are_told() -> None:
    dying = QueueCounts(dying_count=2)
    assert ("dying", False) in rules(Standstill(queue(dying), [], "", None))


def test_consumers_are_counted_and_some_are_told() -> None:
    many = [served(f"c{number}") for number in range(CONSUMERS_MAX + 5)]
    body = explanation_body(Standstill(queue(FULL), many, "", 0.0))
    assert body["consumers_count"] == CONSUMERS_MAX + 5
    assert len(body["consumers"]) == CONSUMERS_MAX
    assert body["text"] == "messages wait for a consumer to take them"
