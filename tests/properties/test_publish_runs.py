"""Publish frames that come together have the effect that they have one by one."""

from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from amqp_server.stream_protocol.fields import I32, U8, U16, U32, U64
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import CommandKey
from amqp_server.stream_protocol.settings import StreamProtocolSettings
from persistence.streams.chunk import chunks_in
from queues.stream_log import StreamLog
from tests.support.peer import Node
from tests.support.stream_peer import Answer, StreamPeer, entry

STREAMS = ("s", "t")
PUBLISHERS = (("s", ""), ("s", "r"), ("t", "r"))
"""Stream and reference of the publishers 0, 1 and 2; 3 is none."""

CONFIRM, ERROR = CommandKey.PUBLISH_CONFIRM, CommandKey.PUBLISH_ERROR


def sub_batch(kind: int, count: int, uncompressed_bytes: int, octets: bytes) -> bytes:
    head = U8.pack(0x80 | kind << 4) + U16.pack(count) + U32.pack(uncompressed_bytes)
    return head + U32.pack(len(octets)) + octets


ENTRIES = st.one_of(
    *[st.binary(max_size=6).map(entry)] * 5,
    st.builds(
        sub_batch, st.integers(0, 6), st.integers(0, 3), st.integers(0, 9), st.binary(max_size=4)
    ),
)
VALUES = st.sampled_from([b"\xff\xff", b"\0\0", b"\0\1v"])


@st.composite
def publishes(draw: st.DrawFn, publisher_id: int, version: int) -> bytes:
    octets = b""
    items = draw(st.lists(st.tuples(st.integers(0, 9), VALUES, ENTRIES), max_size=4))
    for publishing_id, value, each in items:
        octets += U64.pack(publishing_id) + (value if version == 2 else b"") + each
    body = U8.pack(publisher_id) + I32.pack(len(items)) + octets
    return frame(CommandKey.PUBLISH, body, version)


OTHERS = st.sampled_from(
    [
        frame(CommandKey.HEARTBEAT, b""),
        frame(CommandKey.CREDIT, U8.pack(5) + U16.pack(1)),
        frame(CommandKey.DELETE_PUBLISHER, U32.pack(1) + U8.pack(1)),
    ]
)
ENDS = st.sampled_from([b"", b"\0\0\0\3abc", frame(CommandKey.PUBLISH, bytes(300))])


@st.composite
def sessions(draw: st.DrawFn) -> list[bytes]:
    """Return frames of which a few fit each other, and one at most is broken."""
    frames: list[bytes] = []
    for _ in range(draw(st.integers(1, 5))):
        publisher_id, version = draw(st.integers(0, 3)), draw(st.sampled_from([1, 1, 2]))
        frames += draw(st.lists(publishes(publisher_id, version), min_size=1, max_size=4))
        frames += draw(st.lists(OTHERS, max_size=1))
    at = draw(st.integers(0, 2 * len(frames)))
    if at < len(frames):
        key_and_version, body = frames[at][4:8], frames[at][8:]
        match draw(st.integers(0, 2)):
            case 0:
                body = body[: draw(st.integers(0, max(len(body) - 1, 0)))]
            case 1:
                body += b"\0"
            case _:
                key_and_version = key_and_version[:2] + b"\0\3"
        frames[at] = U32.pack(len(body) + 4) + key_and_version + body
    return [*frames, draw(ENDS)]


SIZES = st.lists(st.sampled_from([1, 7, 40, 200, 5000]), min_size=1, max_size=4)


def answered(answers: Iterable[Answer]) -> list[tuple[object, ...]]:
    """Return what was answered; how many ids are in a frame means nothing."""
    found: list[tuple[object, ...]] = []
    for key, body, version in answers:
        if key not in {CONFIRM, ERROR}:
            found.append((key, body, version))
            continue
        size = 8 if key == CONFIRM else 10
        found += [(key, body[0], body[at : at + size]) for at in range(5, len(body), size)]
    return found


def entries_in(log: StreamLog) -> bytes:
    """Return all entries; how many are in a chunk means nothing."""
    found, offset = b"", 0
    while (extent := log.read(offset, 1 << 20)) is not None:
        for position, header in chunks_in(extent.octets):
            at = position + header.data_at
            found += extent.octets[at : at + header.data_bytes]
        offset = extent.next_offset
    return found


def outcome(reads: Iterable[bytes], unconfirmed_max: int) -> tuple[object, ...]:
    """Return what is answered and stored, if the octets come in these reads."""
    node = Node()
    limits = StreamProtocolSettings(unconfirmed_max=unconfirmed_max)
    peer = StreamPeer.open(node, settings=limits)
    for name in STREAMS:
        peer.create(name)
    for number, (name, reference) in enumerate(PUBLISHERS):
        peer.declare_publisher(name, number, reference)
    peer.connection.payload_max_bytes = 256
    answers: list[Answer] = []
    for octets in reads:
        peer.send_bytes(octets)
        answers += peer.receive()
    stored = []
    for name in STREAMS:
        queue = node.vhost.queues.find(name)
        assert queue is not None
        assert queue.stream is not None
        log = queue.stream.log
        stored.append((entries_in(log), log.next_offset, log.publishing_id(b"r")))
    return answered(answers), stored, peer.connection.life.is_open


@settings(deadline=None)
@given(sessions(), SIZES, st.sampled_from([1, 3, 50_000]))
def test_it_means_nothing_how_publishes_are_cut(
    session: list[bytes], sizes: list[int], unconfirmed_max: int
) -> None:
    octets = b"".join(session)
    one_by_one = outcome(session, unconfirmed_max)
    assert outcome([octets], unconfirmed_max) == one_by_one
    reads: list[bytes] = []
    at = 0
    while at < len(octets):
        size = sizes[len(reads) % len(sizes)]
        reads.append(octets[at : at + size])
        at += size
    assert outcome(reads, unconfirmed_max) == one_by_one
