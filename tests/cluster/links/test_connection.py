"""One connection: what it delivers, and how it ends."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cluster.links.connection import LinkConnection
from cluster.links.envelope import HEADER_BYTES, seal
from cluster.links.hello import LETS_GO_FROM
from cluster.links.kinds import Kind
from cluster.links.layout import QUEUE
from cluster.replication.frames import (
    Ack,
    Append,
    Ends,
    Got,
    LeaderFrame,
    LetGo,
    MirrorFrame,
    Refused,
    Snapshot,
    Tail,
)
from cluster.replication.ready import EpochStart
from cluster.replication.state import ReplicaId
from tests.support.linked_pair import LinkedPair, fence, never, run


def test_frames_of_both_sides_arrive_as_they_were_sent() -> None:
    pair = LinkedPair().opened()
    table = ((1, 1), (4, 9))
    sent: list[LeaderFrame] = [
        fence("q", 4),
        Tail("q", 4, 7, 1, ((1, 8), (4, 9)), 3, b"three records", 6),
        Snapshot("r", 4, 20, table, b"what was live"),
        Append("q", 4, 10, 4, 1, EpochStart.RECORD, 5, 9),
        Append("q", 4, 11, 4, 2, b"two", 7, 10),
    ]
    answers: list[MirrorFrame] = [
        Ends("q", 4, ReplicaId("b", "disk"), table, 12, 3),
        Got("q", 4, 10),
        Refused("r", 9),
        Ack(7),
    ]
    for frame in sent:
        pair.a.put(frame)
        pair.carry()
    for answer in answers:
        pair.b.put(answer)
    pair.carry()
    assert pair.at_a.frames == answers
    assert pair.at_b.frames == sent
    assert pair.at_a.reasons == pair.at_b.reasons == []


@pytest.mark.parametrize("version", [LETS_GO_FROM - 1, LETS_GO_FROM])
def test_an_older_node_is_not_sent_what_it_would_not_understand(version: int) -> None:
    pair = LinkedPair().opened()
    pair.a._handshake.version = version
    pair.a.put(LetGo("q", 4))
    pair.carry()
    assert pair.at_b.frames == ([LetGo("q", 4)] if version >= LETS_GO_FROM else [])


def test_records_are_views_of_the_input() -> None:
    pair = LinkedPair().opened()
    pair.a.put(run("q", 1, b"x" * 10_000))
    octets = bytearray(pair.output(pair.a))
    view = memoryview(octets)
    pair.b.receive(view, pair.now_ms, never)
    [frame] = pair.at_b.frames
    assert isinstance(frame, Append)
    assert isinstance(frame.payload, memoryview)
    assert frame.payload.obj is octets


def test_a_run_with_an_older_lsn_ends_the_connection() -> None:
    pair = LinkedPair().opened()
    pair.a.put(run("q", 5))
    pair.a.put(run("q", 5))
    pair.carry()
    assert pair.at_b.reasons == ["LSN 5 behind 5"]
    assert pair.at_a.reasons == ["the other node says: LSN 5 behind 5"]


def test_silence_is_found_and_signs_of_life_prevent_it() -> None:
    pair = LinkedPair().opened()
    for _ in range(20):
        pair.now_ms += 500
        pair.a.tick(pair.now_ms)
        pair.b.tick(pair.now_ms)
        pair.carry()
    assert pair.at_a.reasons == pair.at_b.reasons == []
    for _ in range(4):
        pair.now_ms += 500
        pair.a.tick(pair.now_ms)
        pair.output(pair.a)
    assert pair.at_a.reasons == ["nothing heard for 2000 ms"]


def test_silence_says_nothing_while_input_is_not_read() -> None:
    pair = LinkedPair().opened()
    pair.a.hear(can_be_heard=False, now_ms=pair.now_ms)
    pair.a.tick(pair.now_ms + 100_000)
    assert pair.at_a.reasons == []
    pair.a.hear(can_be_heard=True, now_ms=pair.now_ms + 100_000)
    pair.a.tick(pair.now_ms + 101_999)
    assert pair.at_a.reasons == []


def test_a_slice_ends_when_the_time_is_spent() -> None:
    pair = LinkedPair().opened()
    for lsn in range(1, 4):
        pair.a.put(run("q", lsn))
    view = memoryview(pair.output(pair.a))
    done = 0
    for count in (0, 1, 2, 3):
        done += pair.b.receive(view[done:], pair.now_ms, lambda: True)
        assert len(pair.at_b.frames) == count
    assert done == len(view)


def test_the_end_is_told_once_and_nothing_comes_after_it() -> None:
    pair = LinkedPair().opened()
    pair.a.put(run("q", 1))
    pair.a.close("it is time")
    pair.a.close("again")
    pair.a.put(run("q", 2))
    pair.carry()
    assert pair.at_a.reasons == ["it is time"]
    assert pair.at_b.reasons == ["the other node says: it is time"]
    assert pair.at_b.frames == []
    assert pair.output(pair.a) == b""


@pytest.mark.parametrize("at", ["a", "b"])
def test_a_frame_of_the_wrong_side_ends_the_connection(at: str) -> None:
    pair = LinkedPair().opened()
    # The other end of the same kind would send them.
    other = LinkedPair().opened()
    other.a.put(fence("q"))
    other.b.put(Ack(1))
    link: LinkConnection = getattr(pair, at)
    other.output(other.b if at == "b" else other.a)
    source = LinkedPair().opened()
    (source.a if at == "a" else source.b).put(fence("q") if at == "a" else Ack(1))
    pair.give(link, source.output(source.a if at == "a" else source.b))
    assert link.reason is not None


def test_a_node_that_says_nothing_is_given_up() -> None:
    pair = LinkedPair()
    pair.b.tick(pair.now_ms + 4_999)
    assert pair.at_b.reasons == []
    pair.b.tick(pair.now_ms + 5_000)
    assert pair.at_b.reasons == ["the other node did not say who it is in time"]


@given(st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_garbage_instead_of_a_link_ends_the_connection_or_is_waited_for(octets: bytes) -> None:
    for is_open in (False, True):
        pair = LinkedPair()
        if is_open:
            pair.opened()
        pair.give(pair.b, octets)
        assert pair.b.reason is not None or len(octets) < HEADER_BYTES


@pytest.mark.parametrize(
    "body", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"AMQP\0\0\x09\x01" * 3]
)
def test_another_protocol_is_told_apart(body: bytes) -> None:
    pair = LinkedPair()
    pair.give(pair.b, body)
    expected = ["checksum of a header: the input is damaged, or no link of HareMQ"]
    assert pair.at_b.reasons == (expected if body else [])


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        (Kind.PIECE, QUEUE.pack(1) + b"x", "a piece for queue 1, of which no frame is open"),
        (Kind.PIECE, QUEUE.pack(1), "a piece without octets"),
        (Kind.HELLO, b"", "kind 1 is none of a leader"),
        (Kind.HEARTBEAT, b"x", "a heartbeat with a body"),
        (Kind.CREDIT, bytes(12), "kind 6 is none of a leader"),
    ],
)
def test_envelopes_out_of_place_end_the_connection(kind: Kind, body: bytes, reason: str) -> None:
    pair = LinkedPair().opened()
    pair.give(pair.b, seal(pair.b._received_count, kind, 0, body))
    assert pair.at_b.reasons == [reason]


def test_credit_for_what_was_not_sent_ends_the_connection() -> None:
    pair = LinkedPair().opened()
    pair.give(pair.a, seal(pair.a._received_count, Kind.CREDIT, 0, bytes(4) + b"\x01" + bytes(7)))
    assert pair.at_a.reasons == ["credit for 1 octets, 0 were sent"]


def test_a_node_that_was_frozen_itself_does_not_blame_the_other() -> None:
    # Timers may be looked at before sockets: what came in the meantime is not read yet.
    pair = LinkedPair().opened()
    pair.a.tick(pair.now_ms + 250)
    pair.a.tick(pair.now_ms + 60_000)
    assert pair.at_a.reasons == []
    for after_ms in range(60_250, 62_001, 250):
        pair.a.tick(pair.now_ms + after_ms)
    assert pair.at_a.reasons == ["nothing heard for 2000 ms"]
