"""Differences that are meant: each is found where it is, and not where it is not."""

import pytest

from conformance.random.compare import Difference
from conformance.random.declared import DECLARED, declared
from conformance.random.player import Seen
from conformance.random.script import Message, Script, Step
from conformance.random.situations import Situation

DELIVERY = "basic.deliver consumer_tag=c1 delivery_tag=1 <m1>"
CLOSED = "connection.close reply_code=540"
CLOSE = Step("A1", "connection.close")
FLOW = Step("A1", "channel.flow")
PRIORITIES = Step("A1", "queue.declare", {"queue": "~q1", "arguments": {"x-max-priority": 3}})
EXPIRES = Step("A1", "basic.publish", {}, (Message("m1", {"expiration": "0"}),))
LIVES = Step("A1", "basic.publish", {}, (Message("m1"),))


def name_of(script: Script, expected: str, got: str, **seen: tuple[str, ...]) -> str | None:
    """Return the name of what a difference at the last step is declared as; None is nothing."""
    difference = Difference(
        len(script) - 1,
        "B1",
        (expected,) if expected else (),
        (got,) if got else (),
    )
    whole: Seen = dict(seen)
    row = declared(Situation(script, difference, whole, whole))
    return None if row is None else row.name


@pytest.mark.parametrize(
    ("expected", "got"),
    [(DELIVERY, ""), ("", DELIVERY), ("0 ready, 0 consumers", "1 ready, 0 consumers")],
)
def test_messages_for_who_ends_are_declared(expected: str, got: str) -> None:
    name, closed = "end-of-channel", "channel.close reply_code=404"
    assert name_of([CLOSE], expected, got) == name
    assert name_of([FLOW], expected, got, A0=(CLOSED,)) == name
    assert name_of([FLOW], expected, got, A1=(DELIVERY, closed)) == name
    assert name_of([FLOW], expected, got, A1=(closed,), B1=(DELIVERY,)) is None
    unacked = Step("A1", "basic.consume", {"queue": "~q1", "no_ack": True})
    assert name_of([unacked, FLOW], expected, got, A1=(closed,)) == name
    assert name_of([unacked._replace(channel="A2"), FLOW], expected, got, A1=(closed,)) is None


def test_how_something_is_closed_is_not_declared() -> None:
    assert name_of([FLOW], CLOSED, f"{CLOSED}1", A0=(CLOSED,)) is None
    assert name_of([FLOW], "channel.close reply_code=404", "", A1=(DELIVERY, CLOSED)) is None


PARTIAL = (
    "channel.close reply_code=406 reply_text='PRECONDITION_FAILED - partial tx completion' "
    "class_id=90 method_id=20"
)
LIMITED = {"x-queue-type": "quorum", "x-max-length": 2, "x-overflow": "reject-publish"}


@pytest.mark.parametrize(
    ("expected", "got", "is_declared"),
    [
        ("basic.getok message_count=2 <m>", "basic.getok message_count=1 <m>", True),
        ("basic.getok message_count=4 <m>", "basic.getok message_count=1 <m>", True),
        ("basic.getok message_count=1 <m>", "basic.getok message_count=2 <m>", False),
        ("basic.getok delivery_tag=1 <m>", "basic.getempty", True),
        ("confirmed 3", "refused 3", True),
        ("confirmed 3", "refused 4", False),
        ("refused 3", "confirmed 3", False),
        (DELIVERY, "", True),
        ("", DELIVERY, False),
        ("tx.commitok", PARTIAL, True),
        (PARTIAL, "tx.commitok", False),
    ],
)
def test_a_quorum_queue_has_one_more_than_its_limit(
    expected: str, got: str, *, is_declared: bool
) -> None:
    queue = Step("A1", "queue.declare", {"arguments": LIMITED})
    assert (name_of([queue, FLOW], expected, got) == "limit-of-quorum") is is_declared
    classic = Step("A1", "queue.declare", {"arguments": {**LIMITED, "x-queue-type": "classic"}})
    assert name_of([classic, FLOW], expected, got) is None


def test_what_expires_before_other_priorities_is_declared() -> None:
    fewer, more = "1 ready, 0 consumers", "2 ready, 0 consumers"
    name = "expiry-before-other-priorities"
    assert name_of([PRIORITIES, EXPIRES], more, fewer) == name
    assert name_of([PRIORITIES, EXPIRES], more, "") == name
    assert name_of([PRIORITIES, EXPIRES], fewer, more) is None
    assert name_of([PRIORITIES, LIVES], more, fewer) is None
    assert name_of([FLOW, EXPIRES], more, fewer) is None


def test_what_went_on_from_there_is_declared_where_it_came() -> None:
    difference = Difference(1, "q2", ("nothing",), ("1 ready, 0 consumers",))
    kept: Seen = {"q1": ("2 ready, 0 consumers",)}
    gone: Seen = {"q1": ("1 ready, 0 consumers",)}
    for script, seen, name in (
        ([PRIORITIES, EXPIRES], (kept, gone), "expiry-before-other-priorities"),
        ([PRIORITIES, EXPIRES], (gone, kept), None),
        ([PRIORITIES, LIVES], (kept, gone), None),
    ):
        row = declared(Situation(script, difference, *seen))
        assert (None if row is None else row.name) == name


def test_the_active_consumer_of_a_quorum_queue_goes_by_priority() -> None:
    single = {"x-queue-type": "quorum", "x-single-active-consumer": True}
    queue = Step("A1", "queue.declare", {"arguments": single})
    first = Step("A1", "basic.consume", {"arguments": {"x-priority": 1}})
    assert name_of([queue, first], DELIVERY, "") == "active-by-priority"
    assert name_of([queue, first], "basic.consumeok", "") is None
    assert name_of([queue, LIVES], DELIVERY, "") is None
    assert name_of([PRIORITIES, first], DELIVERY, "") is None


def test_a_get_comes_before_a_global_prefetch() -> None:
    get = Step("A1", "basic.get", {"queue": "q1"})
    share = Step("A1", "basic.qos", {"prefetch_count": 1, "global_": True})
    assert name_of([get, share], "", DELIVERY) == "get-before-global-qos"
    assert name_of([get, share], "confirmed 1", DELIVERY) == "get-before-global-qos"
    assert name_of([get, share], DELIVERY, DELIVERY.replace("m1", "m2")) is None
    assert name_of([get, share], DELIVERY, "") == "get-before-global-qos"  # on B1
    of_b1 = [get._replace(channel="B1"), share._replace(channel="B1")]
    assert name_of(of_b1, DELIVERY, "") is None
    assert name_of([share, get], "", DELIVERY) is None
    assert name_of([get._replace(given={"no_ack": True}), share], "", DELIVERY) is None
    assert name_of([get, share._replace(channel="A2")], "", DELIVERY) is None


def test_what_a_transaction_holds_is_counted_by_a_global_prefetch() -> None:
    share = Step("A1", "basic.qos", {"prefetch_count": 1, "global_": True})
    select, commit = Step("A1", "tx.select"), Step("A1", "tx.commit")
    nack = Step("A1", "basic.nack", {"delivery_tag": "oldest"})
    assert name_of([select, nack, share], DELIVERY, "") == "held-at-global-qos"
    assert name_of([select, nack, share], "", DELIVERY) is None
    assert name_of([nack, select, share], DELIVERY, "") is None
    assert name_of([select, nack, commit, share], DELIVERY, "") is None
    assert name_of([select, nack, share._replace(channel="A2")], DELIVERY, "") is None


def test_a_binding_comes_before_a_commit() -> None:
    publish = Step("A1", "basic.publish", {"exchange": "~x1"}, (Message("m"),))
    bind, commit = Step("B1", "queue.bind", {"queue": "~q1"}), Step("A1", "tx.commit")
    name, more = "bound-before-commit", "2 ready, 0 consumers"
    assert name_of([publish, bind, commit], "", more) == name
    assert name_of([bind, publish, commit], "", more) is None
    assert name_of([publish, commit, bind, commit], "", more) is None
    assert name_of([publish._replace(given={}), bind, commit], "", more) is None
    assert name_of([publish, bind, FLOW], "", more) is None


def test_a_queue_that_went_by_itself_is_there_again_before_a_commit() -> None:
    fleeting = Step("B1", "queue.declare", {"queue": "~q1", "auto_delete": True})
    lasting = Step("B1", "queue.declare", {"queue": "~q1"})
    publish = Step("A1", "basic.publish", {"exchange": "~x1"}, (Message("m"),))
    commit = Step("A1", "tx.commit")
    name, more = "bound-before-commit", "1 ready, 0 consumers"
    assert name_of([fleeting, publish, fleeting, commit], more, "") == name
    assert name_of([fleeting, fleeting, publish, commit], more, "") is None
    assert name_of([lasting, publish, lasting, commit], more, "") is None


def test_a_deleted_queue_has_a_namesake() -> None:
    declare = Step("A1", "queue.declare", {"queue": "~q1"})
    delete = Step("A1", "queue.delete", {"queue": "~q1"})
    recover = Step("A1", "basic.recover", {"requeue": True})
    again = "basic.deliver consumer_tag=c1 delivery_tag=2 redelivered routing_key=q1 <m1>"
    name = "namesake-of-a-deleted-queue"
    assert name_of([declare, delete, declare, recover], again, "") == name
    assert name_of([declare, delete, declare, recover], "", again) is None
    assert name_of([declare, delete, declare, recover], DELIVERY, "") is None
    assert name_of([declare, delete, recover], again, "") is None
    assert name_of([declare, delete, declare, FLOW], again, "") is None
    reject = Step("A1", "basic.reject", {"delivery_tag": 1})
    for seen in ("gone", "basic.cancel consumer_tag=c1 nowait", f"{CLOSED[:-3]}541 reply_text=x"):
        assert name_of([declare, delete, declare, reject], seen, "") == name
        assert name_of([declare, declare, reject], seen, "") is None
        assert name_of([declare, delete, declare, FLOW], seen, "") is None


def test_what_came_back_to_a_quorum_queue_is_in_another_order() -> None:
    queue = Step("A1", "queue.declare", {"arguments": {"x-queue-type": "quorum"}})
    first, again = (
        f"basic.deliver delivery_tag=1 headers={{x-delivery-count: {count}:l}} <m>"
        for count in (1, 2)
    )
    assert name_of([queue, FLOW], first, again) == "returns-to-quorum"
    assert name_of([queue, FLOW], first, DELIVERY) is None
    assert name_of([PRIORITIES, FLOW], first, again) is None


def test_the_first_death_of_a_history_by_a_client_is_told() -> None:
    history = Step("A1", "basic.publish", {}, (Message("m", {"headers": {"x-death": []}}),))
    told = "basic.getok headers={x-death: [], x-first-death-queue: q1} <m>"
    untold = "basic.getok headers={x-death: []} <m>"
    assert name_of([history, FLOW], untold, told) == "first-death-of-client-history"
    assert name_of([LIVES, FLOW], untold, told) is None
    assert name_of([history, FLOW], untold, told.replace("<m>", "<n>")) is None


def test_deaths_are_declared_in_another_order() -> None:
    def dead(*queues: int) -> str:
        deaths = ", ".join(f"{{count: 1:l, queue: q{queue}}}" for queue in queues)
        return f"basic.getok headers={{h: 1, x-death: [{deaths}], i: s}} <m>"

    name, turned = "deaths-most-recent-first", dead(1, 3, 2)
    again = dead(1, 2, 3).replace("getok", "deliver")
    assert name_of([FLOW], again.replace("i: s", "reason: rejected"), "") == name
    assert name_of([FLOW], again, "") is None
    assert name_of([FLOW], dead(1, 2, 3), turned) == name
    assert name_of([FLOW], dead(1, 2, 1), turned) is None
    assert name_of([FLOW], dead(1, 2), dead(2, 1)) is None
    assert name_of([FLOW], dead(1, 2, 3), turned.replace("<m>", "<n>")) is None


def test_consumers_of_one_channel_get_back_what_each_had() -> None:
    share = Step("B1", "basic.qos", {"prefetch_count": 3, "global_": True})
    two = [consume("c1", "~q1"), consume("c2", "~q1")]
    recover = Step("B1", "basic.recover", {"requeue": True})
    nack = Step("B1", "basic.nack", {"multiple": True, "requeue": True})
    first, second = (
        f"basic.deliver consumer_tag=c1 delivery_tag=1 redelivered <m{number}>" for number in (1, 2)
    )
    name = "requeue-by-consumer"
    assert name_of([*two, share, recover], first, second) == name
    assert name_of([*two, share, nack], first, second) == name
    assert name_of([*two, share, nack._replace(given={"requeue": True})], first, second) is None
    assert name_of([*two, recover], first, second) is None
    assert name_of([two[0], share, recover], first, second) is None
    assert name_of([*two, share, recover], first, DELIVERY) is None


def test_a_consumer_without_acks_of_a_quorum_queue_has_no_window() -> None:
    queue = Step("A1", "queue.declare", {"queue": "~q1", "arguments": {"x-queue-type": "quorum"}})
    qos = Step("B1", "basic.qos", {"prefetch_count": 1})
    without = Step("B1", "basic.consume", {"queue": "~q1", "no_ack": True})
    name = "no-ack-window-of-quorum"
    assert name_of([queue, qos, without], DELIVERY, "") == name
    assert name_of([queue, without, qos], DELIVERY, "") is None
    assert name_of([queue, qos, consume("c1", "~q1")], DELIVERY, "") is None
    assert name_of([queue, qos, without], "basic.consumeok", "") is None


def consume(tag: str, queue: str) -> Step:
    return Step("B1", "basic.consume", {"queue": queue, "consumer_tag": tag})


def order_of(*tags: str, lines_before: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return deliveries to these consumers, each with its next message, under tags from 1 on."""
    return lines_before + tuple(
        f"basic.deliver consumer_tag={tag} delivery_tag={number} <m{tags[:number].count(tag)}>"
        for number, tag in enumerate(tags, 1)
    )


@pytest.mark.parametrize(
    ("expected", "got", "is_declared"),
    [
        (order_of("c1", "c2"), order_of("c2", "c1"), True),
        (order_of("c1", "c2", "c2"), order_of("c2", "c1", "c2"), True),
        (order_of("c1", "c2"), order_of("c2", "c2"), False),
        (order_of("c1", "c3"), order_of("c3", "c1"), False),
        (order_of("c1", "c9"), order_of("c9", "c1"), False),
        (order_of("c1", "c2", lines_before=("basic.qosok",)), order_of("c2", "c1"), False),
    ],
)
def test_only_the_order_between_queues_is_declared(
    expected: tuple[str, ...], got: tuple[str, ...], *, is_declared: bool
) -> None:
    script = [consume("c1", "~q1"), consume("c2", "~q2"), consume("c3", "~q1"), FLOW]
    row = declared(Situation(script, Difference(3, "B1", expected, got), {}, {}))
    assert (row is not None and row.name == "order-between-queues") is is_declared


def test_tags_that_the_broker_made_up_are_numbered_as_they_came() -> None:
    nameless = Step("B1", "basic.consume", {"queue": "~q2"})
    elsewhere = nameless._replace(channel="A1")
    script = [elsewhere, consume("c1", "~q1"), nameless, FLOW]
    for number, name in ((2, "order-between-queues"), (1, None)):
        tags = "c1", f"ctag{number}"
        difference = Difference(3, "B1", order_of(*tags), order_of(*reversed(tags)))
        row = declared(Situation(script, difference, {}, {}))
        assert (None if row is None else row.name) == name


def test_every_row_has_a_name_of_its_own_and_says_why() -> None:
    assert len({row.name for row in DECLARED}) == len(DECLARED)
    assert all(row.haremq and row.rabbitmq and row.why for row in DECLARED)
