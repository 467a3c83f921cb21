"""Readers go on where they were, know a foreign body, and read a whole stream to its end."""

import struct

import pytest

from load_generator import wire
from load_generator.session import Session
from load_generator.verifying import client as client_module
from load_generator.verifying import stream_client as stream_module
from load_generator.verifying.client import Pace, body_of
from load_generator.verifying.history import Action, Kind, Notebook, Row, Value
from load_generator.verifying.stream_client import (
    Bookmark,
    StreamReader,
    offset_in,
    publish_last,
    read_whole,
    value_at,
)
from load_generator.wire import BrokerRefusalError, LoadError
from tests.support.scripted_broker import ScriptedBroker

SUBSCRIBED = wire.method(1, wire.BASIC_QOS_OK) + wire.method(
    1, wire.BASIC_CONSUME_OK, wire.shortstr("r")
)
SELECTED = wire.method(1, wire.CONFIRM_SELECT_OK)
DECLARED = wire.method(1, wire.QUEUE_DECLARE_OK, wire.shortstr("s") + bytes(8))
FIRST, SECOND, THIRD = (Value("s", 1, counter) for counter in (1, 2, 3))
PACE = Pace(silence_s=0.0)


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "POLL_S", 0.001)
    monkeypatch.setattr(stream_module, "SILENCE_S", 0.0)


def content(body: bytes, offset: int | None) -> bytes:
    headers = {} if offset is None else {"other": True, "x-stream-offset": offset}
    publish = wire.publish("", "s", wire.properties(headers, persistent=True), body)
    frames, _ = wire.split_frames(publish, 0, len(publish))
    return b"".join(wire.frame(frame.kind, 1, frame.payload) for frame in frames[1:])


def delivered(tag: int, value: Value, offset: int | None, body: bytes | None = None) -> bytes:
    arguments = wire.shortstr("r") + struct.pack(">QB", tag, 0) + bytes(2)
    method = wire.method(1, wire.BASIC_DELIVER, arguments)
    return method + content(body_of(value) if body is None else body, offset)


def read(broker: ScriptedBroker, bookmark: Bookmark, *said: bytes) -> Notebook:
    """Read until nothing comes any more."""
    broker.log_in(SUBSCRIBED, *said)
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session:
        reader = StreamReader(session, "s", "n1", notebook, PACE, bookmark)
        with pytest.raises(TimeoutError):
            reader.run(lambda: False)
    return notebook


def asked_from(broker: ScriptedBroker, connection_index: int = 0) -> bytes:
    called = wire.BASIC_CONSUME
    consumes = [one for one in broker.heard(connection_index) if wire.method_of(one) == called]
    [consume] = consumes
    return consume.payload


def test_a_body_is_of_its_stream_octet_for_octet() -> None:
    body = body_of(FIRST)
    assert value_at("s", body) == FIRST
    for other in (body[:-1], body[:-1] + b"x", body_of(Value("t", 1, 1)), b"", b"of somebody"):
        assert value_at("s", other).publisher == -1
        assert value_at("s", other).queue == "s"
    assert value_at("s", b"one") != value_at("s", b"another")


def test_a_header_without_an_offset_is_refused() -> None:
    with pytest.raises(LoadError, match="without its offset"):
        offset_in(content(b"", None))
    assert offset_in(content(b"", 1 << 40)) == 1 << 40


def test_a_reader_begins_at_the_first_message_and_notes_where_it_is(
    broker: ScriptedBroker,
) -> None:
    bookmark = Bookmark(7)
    notebook = read(broker, bookmark, delivered(1, FIRST, 0), delivered(2, SECOND, 1))
    assert notebook.rows == [
        Row(0, 7, Kind.OK, Action.DELIVER, FIRST, "n1", offset=0),
        Row(0, 7, Kind.OK, Action.DELIVER, SECOND, "n1", offset=1),
    ]
    assert bookmark.next_offset == 2
    frames = broker.heard()
    assert wire.BASIC_ACK in {wire.method_of(frame) for frame in frames}
    [consume] = [one for one in frames if wire.method_of(one) == wire.BASIC_CONSUME]
    assert wire.table({"x-stream-offset": "first"}) in consume.payload


def test_a_reader_goes_on_behind_what_it_has_noted(broker: ScriptedBroker) -> None:
    bookmark = Bookmark(7, 41)
    read(broker, bookmark, delivered(1, FIRST, 41))
    assert wire.table({"x-stream-offset": 41}) in asked_from(broker)
    assert bookmark.next_offset == 42


def test_a_message_whose_body_has_not_come_is_not_acked(broker: ScriptedBroker) -> None:
    half = delivered(2, SECOND, 1)[:-50]
    bookmark = Bookmark(7)
    read(broker, bookmark, delivered(1, FIRST, 0) + half)
    [ack] = [one for one in broker.heard() if wire.method_of(one) == wire.BASIC_ACK]
    assert ack.payload[4:12] == struct.pack(">Q", 1)
    assert bookmark.next_offset == 1


def test_a_reader_that_is_sent_back_keeps_its_place(broker: ScriptedBroker) -> None:
    bookmark = Bookmark(7, 5)
    read(broker, bookmark, delivered(1, FIRST, 2))
    assert bookmark.next_offset == 5


def test_a_foreign_body_is_noted_and_told(broker: ScriptedBroker) -> None:
    notebook = read(broker, Bookmark(7), delivered(1, FIRST, 3, b"torn"))
    [row] = notebook.rows
    assert row.value is not None
    assert (row.value.publisher, row.offset) == (-1, 3)
    assert notebook.oddities == ["at 0 ms: n1 has a body of nobody at 3: b'torn'"]


def test_a_close_ends_a_reader(broker: ScriptedBroker) -> None:
    close = wire.method(1, wire.CHANNEL_CLOSE, struct.pack(">H", 404) + wire.shortstr("gone"))
    broker.log_in(SUBSCRIBED, close)
    with Session(broker.endpoint) as session:
        reader = StreamReader(session, "s", "n1", Notebook(lambda: 0), PACE, Bookmark(7))
        with pytest.raises(BrokerRefusalError, match="404 gone"):
            reader.run(lambda: False)


def test_a_whole_stream_ends_at_what_was_published_last(broker: ScriptedBroker) -> None:
    broker.log_in(SUBSCRIBED, *(delivered(at + 1, Value("s", 1, at + 1), at) for at in range(3)))
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session:
        assert read_whole(session, "s", "n3", notebook, THIRD) == 2
    assert [(row.action, row.value, row.offset) for row in notebook.rows] == [
        (Action.DRAIN, FIRST, 0),
        (Action.DRAIN, SECOND, 1),
        (Action.DRAIN, THIRD, 2),
        (Action.END, THIRD, 2),
    ]


@pytest.mark.parametrize(("longest_s", "error"), [(120.0, TimeoutError), (0.0, LoadError)])
def test_a_stream_whose_end_does_not_come_has_no_end_row(
    broker: ScriptedBroker,
    monkeypatch: pytest.MonkeyPatch,
    longest_s: float,
    error: type[Exception],
) -> None:
    monkeypatch.setattr(stream_module, "WHOLE_S", longest_s)
    broker.log_in(SUBSCRIBED, delivered(1, FIRST, 0), DECLARED)
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session, pytest.raises(error):
        read_whole(session, "s", "n3", notebook, THIRD)
    assert not [row for row in notebook.rows if row.action is Action.END]


@pytest.mark.parametrize("is_confirmed", [True, False])
def test_the_last_message_is_one_of_its_own(broker: ScriptedBroker, *, is_confirmed: bool) -> None:
    nack = wire.method(1, wire.BASIC_NACK, struct.pack(">QB", 1, 0))
    broker.log_in(SELECTED, wire.ack(1, multiple=False) if is_confirmed else nack)
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session:
        last = publish_last(session, "s", "n1", notebook)
    assert last == (Value("s", 1, 1) if is_confirmed else None)
    answer = Kind.OK if is_confirmed else Kind.FAIL
    assert [row.kind for row in notebook.rows] == [Kind.INVOKE, answer]


def test_a_last_message_without_an_answer_is_unknown(broker: ScriptedBroker) -> None:
    broker.log_in(SELECTED)
    notebook = Notebook(lambda: 0)
    with Session(broker.endpoint) as session, pytest.raises(TimeoutError):
        publish_last(session, "s", "n1", notebook)
    assert [row.kind for row in notebook.rows] == [Kind.INVOKE, Kind.INFO]
