"""Clients of the stream protocol note what each offset has, and publish by name once."""

import struct
import threading
import zlib

import pytest

from load_generator.streams import commands
from load_generator.streams.session import StreamSession
from load_generator.verifying import chunk_client as module
from load_generator.verifying.chunk_client import (
    ChunkPublisher,
    ChunkReader,
    body_in,
    records_in,
)
from load_generator.verifying.client import Author, Pace, body_of
from load_generator.verifying.history import Action, Kind, Notebook, Row, Value
from load_generator.verifying.stream_checker import check_streams
from load_generator.verifying.stream_client import Bookmark
from load_generator.wire import BrokerRefusalError, LoadError
from tests.support.scripted_broker import ScriptedBroker
from tests.support.scripted_stream_broker import answer, log_in

PACE = Pace(silence_s=0.0, confirm_window=3, rate_per_s=0)
FIRST, SECOND, THIRD = (Value("s", 1, counter) for counter in (1, 2, 3))


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "POLL_S", 0.001)


def entry(value: Value) -> bytes:
    return commands.entry(commands.message(body_of(value)))


def chunk(first: int, *entries: bytes, count: int | None = None, flips: int = 0) -> bytes:
    """A Deliver of entries; ``count`` is that of the messages, ``flips`` spoils the checksum."""
    data = b"".join(entries)
    count = len(entries) if count is None else count
    head = struct.pack(">BBHIqQQ", 0x50, 0, len(entries), count, 0, 1, first)
    tail = struct.pack(">IIII", zlib.crc32(data) ^ flips, len(data), 0, 0)
    return commands.frame(commands.DELIVER, b"\x00" + head + tail + data)


def body_of_frame(octets: bytes) -> bytes:
    return octets[commands.HEAD.size :]


def read(broker: ScriptedBroker, bookmark: Bookmark, *said: bytes) -> Notebook:
    """Read until nothing comes any more."""
    broker.say(log_in(), answer(commands.SUBSCRIBE), *said)
    notebook = Notebook(lambda: 0)
    with StreamSession(broker.endpoint) as session:
        reader = ChunkReader(session, "s", "n1", notebook, PACE, bookmark)
        with pytest.raises(TimeoutError):
            reader.run(lambda: False)
    return notebook


def test_a_chunk_has_single_messages_and_batches() -> None:
    batch = commands.sub_entry(commands.message(body_of(SECOND)), 2)
    octets = body_of_frame(chunk(7, entry(FIRST), batch, entry(THIRD), count=4))
    found = [(offset, body_in(message)) for offset, message in records_in(octets)]
    bodies = [body_of(each) for each in (FIRST, SECOND, SECOND, THIRD)]
    assert found == list(zip(range(7, 11), bodies, strict=True))


def test_what_is_no_whole_chunk_of_messages_is_refused() -> None:
    good = body_of_frame(chunk(7, entry(FIRST)))
    packed = bytes([0x90]) + commands.sub_entry(b"", 1)[1:]
    for octets, said in (
        (good[:-1], "no chunk"),
        (good[:1] + b"\x40" + good[2:], "no chunk"),
        (good[:2] + b"\x01" + good[3:], "no chunk"),
        (body_of_frame(chunk(7, entry(FIRST), flips=1)), "another checksum"),
        (body_of_frame(chunk(7, entry(FIRST), count=2)), "has 1 messages, and says 2"),
        (body_of_frame(chunk(7, packed)), "compressed"),
    ):
        with pytest.raises(LoadError, match=said):
            list(records_in(octets))


def test_a_body_is_found_behind_other_sections() -> None:
    body = body_of(FIRST)
    long_form = b"\x00\x53\x75\xb0" + struct.pack(">I", len(body)) + body
    properties = b"\x00\x53\x73\xc0\x01\x00"
    assert body_in(properties + commands.message(body)) == body
    assert body_in(properties + long_form) == body
    assert body_in(b"somebody's") == b"somebody's"


def test_a_reader_notes_what_it_asked_for_and_gives_credit(broker: ScriptedBroker) -> None:
    bookmark = Bookmark(7, 4)
    entries = [entry(each) for each in (FIRST, SECOND, THIRD)]
    notebook = read(broker, bookmark, chunk(3, *entries))
    assert notebook.rows == [
        Row(0, 7, Kind.OK, Action.DELIVER, SECOND, "n1", offset=4),
        Row(0, 7, Kind.OK, Action.DELIVER, THIRD, "n1", offset=5),
    ]
    assert bookmark.next_offset == 6
    heard = broker.read()
    assert commands.subscribe("s", "4", module.CREDIT, ()) in heard
    assert commands.credit(1) in heard


def test_a_foreign_body_and_a_broken_chunk_are_told(broker: ScriptedBroker) -> None:
    notebook = read(broker, Bookmark(7), chunk(0, commands.entry(b"torn")))
    assert notebook.oddities == ["at 0 ms: n1 has a body of nobody at 0: b'torn'"]
    broker.say(log_in(), answer(commands.SUBSCRIBE), chunk(0, entry(FIRST), flips=1))
    with StreamSession(broker.endpoint) as session:
        reader = ChunkReader(session, "s", "n1", notebook, PACE, Bookmark(8))
        with pytest.raises(LoadError, match="checksum"):
            reader.run(lambda: False)
    assert notebook.oddities[-1] == "at 0 ms: n1: the chunk at 0 has another checksum"


def test_a_node_that_does_not_serve_it_refuses(broker: ScriptedBroker) -> None:
    broker.say(log_in(), answer(commands.SUBSCRIBE, code=6))
    with (
        StreamSession(broker.endpoint) as session,
        pytest.raises(BrokerRefusalError, match="code 6"),
    ):
        ChunkReader(session, "s", "n1", Notebook(lambda: 0), PACE, Bookmark(7))


def test_a_reading_knows_the_message_that_it_ends_at(broker: ScriptedBroker) -> None:
    broker.say(log_in(), answer(commands.SUBSCRIBE), chunk(0, entry(FIRST), entry(SECOND)))
    with StreamSession(broker.endpoint) as session:
        reader = ChunkReader(
            session, "s", "n1", Notebook(lambda: 0), PACE, Bookmark(7), awaited=SECOND
        )
        reader.run(lambda: reader.seen_at is not None)
    assert reader.seen_at == 1


def published(
    broker: ScriptedBroker, notebook: Notebook, author: Author, name: str, *said: bytes
) -> None:
    """Publish until the broker has nothing to say any more."""
    broker.say(log_in(), answer(commands.DECLARE_PUBLISHER), *said)
    with StreamSession(broker.endpoint) as session:
        publisher = ChunkPublisher(session, "s", "n1", notebook, PACE, author, name=name)
        try:
            with pytest.raises((TimeoutError, LoadError)):
                publisher.run(threading.Event())
        finally:
            publisher.give_up()


def confirm(*ids: int) -> bytes:
    body = struct.pack(f">BI{len(ids)}Q", 0, len(ids), *ids)
    return commands.frame(commands.PUBLISH_CONFIRM, body)


def error(number: int) -> bytes:
    return commands.frame(commands.PUBLISH_ERROR, struct.pack(">BIQH", 0, 1, number, 6))


def kinds_of(notebook: Notebook, value: Value) -> list[Kind]:
    return [row.kind for row in notebook.rows if row.value == value]


def test_who_has_a_name_publishes_again_what_has_no_answer_and_once(
    broker: ScriptedBroker,
) -> None:
    notebook, author = Notebook(lambda: 0), Author("s", 1)
    published(broker, notebook, author, "me", confirm(1))
    published(broker, notebook, author, "me", confirm(2))
    assert kinds_of(notebook, FIRST) == [Kind.INVOKE, Kind.OK]
    assert kinds_of(notebook, SECOND) == [Kind.INVOKE, Kind.INFO, Kind.OK]
    heard = broker.read(1)
    assert heard.index(entry(SECOND)) < heard.index(entry(THIRD))
    notebook.read(Action.DELIVER, 9, "n1", SECOND, 1)
    notebook.read(Action.DRAIN, 10, "n1", SECOND, 1)
    notebook.read(Action.DRAIN, 10, "n1", SECOND, 2)
    notebook.read(Action.END, 10, "n1", SECOND, 2)
    verdict, _ = check_streams(notebook.rows)
    assert verdict.doubled == (SECOND,), "the second copy is the broker's mistake"


def test_who_has_no_name_is_begun_twice(broker: ScriptedBroker) -> None:
    notebook, author = Notebook(lambda: 0), Author("s", 1)
    published(broker, notebook, author, "")
    published(broker, notebook, author, "")
    assert kinds_of(notebook, FIRST) == [Kind.INVOKE, Kind.INFO] * 2


def test_what_is_refused_is_published_again_by_who_has_a_name_alone(
    broker: ScriptedBroker,
) -> None:
    notebook, author = Notebook(lambda: 0), Author("s", 1)
    published(broker, notebook, author, "", error(1), confirm(2))
    assert kinds_of(notebook, FIRST) == [Kind.INVOKE, Kind.FAIL]
    assert FIRST not in author.unanswered
    named = Author("s", 2)
    published(broker, notebook, named, "me", error(1))
    assert named.unanswered[0] == Value("s", 2, 1)


def test_an_answer_to_nothing_is_told(broker: ScriptedBroker) -> None:
    notebook = Notebook(lambda: 0)
    published(broker, notebook, Author("s", 1), "", confirm(77))
    assert notebook.oddities == ["at 0 ms: n1 answers a publish that does not wait"]
