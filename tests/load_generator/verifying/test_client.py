"""Clients note what they begin before they write it, and what they hear as it is heard."""

import struct
import threading

import pytest

from load_generator import wire
from load_generator.session import Session
from load_generator.verifying import client as client_module
from load_generator.verifying.client import (
    Author,
    Consumer,
    Pace,
    Publisher,
    body_of,
    drain,
    value_in,
)
from load_generator.verifying.history import Action, Kind, Notebook, Row, Value
from load_generator.wire import BrokerRefusalError
from tests.support.scripted_broker import ScriptedBroker

SELECTED = wire.method(1, wire.CONFIRM_SELECT_OK)
SUBSCRIBED = wire.method(1, wire.BASIC_QOS_OK) + wire.method(
    1, wire.BASIC_CONSUME_OK, wire.shortstr("c")
)
DECLARED = wire.method(1, wire.QUEUE_DECLARE_OK, wire.shortstr("q") + bytes(8))
PACE = Pace(confirm_window=3, rate_per_s=0, silence_s=0.0)
FIRST, SECOND, THIRD = (Value("q", 1, counter) for counter in (1, 2, 3))


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "POLL_S", 0.001)


def nack(tag: int) -> bytes:
    return wire.method(1, wire.BASIC_NACK, struct.pack(">QB", tag, 0))


def returned(value: Value) -> bytes:
    properties = wire.properties()
    publish = wire.publish("", "q", properties, body_of(value))
    frames, _ = wire.split_frames(publish, 0, len(publish))
    content = b"".join(wire.frame(frame.kind, 1, frame.payload) for frame in frames[1:])
    return wire.method(1, wire.BASIC_RETURN, bytes(5)) + content


def delivered(tag: int, value: Value, *, redelivered: bool = False) -> bytes:
    arguments = wire.shortstr("c") + struct.pack(">QB", tag, redelivered) + bytes(2)
    return wire.method(1, wire.BASIC_DELIVER, arguments) + returned(value)[17:]


def kinds_of(notebook: Notebook, action: Action) -> list[tuple[Kind, Value | None]]:
    return [(row.kind, row.value) for row in notebook.rows if row.action is action]


def publish_until_silent(broker: ScriptedBroker, *answers: bytes) -> tuple[Notebook, Publisher]:
    """Publish until no answer comes any more; the broker says all of them at once."""
    broker.log_in(SELECTED, *answers)
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session:
        publisher = Publisher(session, "q", "n1", notebook, PACE)
        with pytest.raises(TimeoutError):
            publisher.run(threading.Event())
        publisher.give_up()
    return notebook, publisher


def test_bodies_say_which_message_they_are() -> None:
    value = Value("verify-1", 12, 345)
    assert value_in(body_of(value)) == value
    assert value_in(b"of somebody else").publisher == -1
    assert value_in(b"").publisher == -1


def test_what_is_written_and_never_answered_is_unknown(broker: ScriptedBroker) -> None:
    notebook, publisher = publish_until_silent(broker)
    begun = [(Kind.INVOKE, value) for value in (FIRST, SECOND, THIRD)]
    unknown = [(Kind.INFO, value) for value in (FIRST, SECOND, THIRD)]
    assert kinds_of(notebook, Action.ENQUEUE) == begun + unknown
    assert not publisher.waiting


def test_a_confirm_of_several_confirms_what_waits(broker: ScriptedBroker) -> None:
    notebook, _ = publish_until_silent(broker, wire.ack(2, multiple=True))
    found = kinds_of(notebook, Action.ENQUEUE)
    assert found[3:5] == [(Kind.OK, FIRST), (Kind.OK, SECOND)]
    assert not notebook.oddities
    # Two more were published in their place.
    assert len([kind for kind, _ in found if kind is Kind.INVOKE]) == 5


def test_a_nack_refuses(broker: ScriptedBroker) -> None:
    notebook, _ = publish_until_silent(broker, nack(1))
    assert (Kind.FAIL, FIRST) in kinds_of(notebook, Action.ENQUEUE)


def test_the_confirm_of_a_returned_message_refuses(broker: ScriptedBroker) -> None:
    notebook, _ = publish_until_silent(broker, returned(FIRST) + wire.ack(1, multiple=False))
    found = kinds_of(notebook, Action.ENQUEUE)
    assert (Kind.FAIL, FIRST) in found
    assert (Kind.OK, FIRST) not in found


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        (wire.ack(1, multiple=False) * 2, "answers publish 1 twice"),
        (wire.ack(1, multiple=False) + nack(1), "answers publish 1 twice"),
        (wire.ack(99, multiple=False), "answers publish 99 of 3"),
    ],
    ids=["acked twice", "acked and nacked", "never published"],
)
def test_confirms_of_nothing_are_odd(broker: ScriptedBroker, answers: bytes, text: str) -> None:
    notebook, _ = publish_until_silent(broker, answers)
    assert any(text in oddity for oddity in notebook.oddities)


def test_a_publisher_that_is_to_stop_waits_for_its_answers(broker: ScriptedBroker) -> None:
    broker.log_in(SELECTED, wire.ack(3, multiple=True))
    notebook, stop = Notebook(lambda: 0), threading.Event()
    with Session(broker.endpoint) as session:
        publisher = Publisher(session, "q", "n1", notebook, PACE)
        publisher._write(0.0)
        stop.set()
        publisher.run(stop)
    assert len(kinds_of(notebook, Action.ENQUEUE)) == 6


def test_a_close_ends_a_publisher(broker: ScriptedBroker) -> None:
    close = wire.method(1, wire.CHANNEL_CLOSE, struct.pack(">H", 404) + wire.shortstr("gone"))
    broker.log_in(SELECTED, close + b"")
    with Session(broker.endpoint) as session:
        publisher = Publisher(session, "q", "n1", Notebook(lambda: 0), PACE)
        with pytest.raises(BrokerRefusalError, match="404 gone"):
            publisher.run(threading.Event())


def test_a_consumer_notes_acks_and_asks_whether_they_arrived(broker: ScriptedBroker) -> None:
    broker.log_in(SUBSCRIBED, delivered(1, FIRST), delivered(2, SECOND, redelivered=True), DECLARED)
    notebook, stop = Notebook(lambda: 0), threading.Event()
    with Session(broker.endpoint) as session:
        consumer = Consumer(session, "q", "n2", notebook, PACE)
        consumer._ask()
        consumer._read()
        stop.set()
        consumer.run(stop)
        frames = broker.heard()
    assert [row for row in notebook.rows if row.action is Action.DELIVER] == [
        Row(0, 1, Kind.OK, Action.DELIVER, FIRST, "n2"),
        Row(0, 1, Kind.OK, Action.DELIVER, SECOND, "n2", redelivered=True),
    ]
    asked = [wire.method_of(frame) for frame in frames]
    assert asked[-2:] == [wire.BASIC_ACK, wire.QUEUE_DECLARE]
    # The reply was to the question in front of the acks: it says nothing of them.
    assert kinds_of(notebook, Action.ACK) == [(Kind.INVOKE, FIRST), (Kind.INVOKE, SECOND)]


def test_acks_in_front_of_an_answered_question_have_arrived(broker: ScriptedBroker) -> None:
    broker.log_in(SUBSCRIBED, delivered(1, FIRST))
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session:
        consumer = Consumer(session, "q", "n2", notebook, PACE)
        consumer._read()
        consumer._ask()
        broker.tell(DECLARED)
        consumer._read()
    assert kinds_of(notebook, Action.ACK) == [(Kind.INVOKE, FIRST), (Kind.OK, FIRST)]


def test_a_consumer_without_an_answer_leaves(broker: ScriptedBroker) -> None:
    broker.log_in(SUBSCRIBED)
    with Session(broker.endpoint) as session:
        consumer = Consumer(session, "q", "n2", Notebook(lambda: 0), PACE)
        with pytest.raises(TimeoutError):
            consumer.run(threading.Event())


def test_a_drain_gets_until_the_queue_is_empty(broker: ScriptedBroker) -> None:
    arguments = struct.pack(">QB", 1, 1) + bytes(2) + bytes(4)
    got = wire.method(1, wire.BASIC_GET_OK, arguments) + returned(FIRST)[17:]
    broker.log_in(got, wire.method(1, wire.BASIC_GET_EMPTY, b"\x00"))
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session:
        assert drain(session, ["q"], "n3", notebook) == 1
    assert notebook.rows == [Row(0, 1, Kind.OK, Action.DRAIN, FIRST, "n3", redelivered=True)]


def test_a_drain_of_a_queue_that_is_not_served_is_refused(broker: ScriptedBroker) -> None:
    close = wire.method(1, wire.CHANNEL_CLOSE, struct.pack(">H", 404) + wire.shortstr("gone"))
    broker.log_in(close)
    with Session(broker.endpoint) as session, pytest.raises(BrokerRefusalError, match="404 gone"):
        drain(session, ["q"], "n3", Notebook(lambda: 0))


def test_an_author_says_again_first_what_had_no_answer() -> None:
    author = Author("q", 1)
    assert author.next_values(3) == [FIRST, SECOND, THIRD]
    author.left([SECOND, THIRD])
    assert author.next_values(1) == [SECOND]
    # The second connection ended before the third message was published on it.
    author.left([SECOND])
    assert author.next_values(3) == [SECOND, THIRD, Value("q", 1, 4)]


def test_an_author_goes_on_over_another_connection(broker: ScriptedBroker) -> None:
    notebook, author = Notebook(lambda: 0), Author("q", 9)
    values = [Value("q", 9, counter) for counter in (1, 2, 3, 4)]
    broker.log_in(SELECTED, wire.ack(1, multiple=False))
    broker.log_in(SELECTED, wire.ack(3, multiple=True))
    for node in ("n1", "n2"):
        with Session(broker.endpoint) as session:
            publisher = Publisher(session, "q", node, notebook, PACE, author)
            with pytest.raises(TimeoutError):
                publisher.run(threading.Event())
            publisher.give_up()
    rows = [row for row in notebook.rows if row.node == "n2"]
    # What had no answer comes first, and new ones behind it.
    assert [row.value for row in rows if row.kind is Kind.INVOKE][:3] == values[1:]
    assert [row.value for row in rows if row.kind is Kind.OK] == values[1:]
    assert {row.client for row in notebook.rows} == {9}
