"""Frames of the replication core, drawn and picked, and how they are on a link."""

from hypothesis import strategies as st

from cluster.links.decoding import QueueNames, decode_leader_frame, decode_mirror_frame
from cluster.links.encoding import QueueNumbers, encode_leader_frame, encode_mirror_frame
from cluster.links.envelope import BODY_BYTES_MAX, open_envelope, seal
from cluster.links.kinds import Flag, Kind
from cluster.links.layout import QUEUE
from cluster.links.payload import size_of
from cluster.replication.epoch_table import EpochTable
from cluster.replication.frames import (
    Ack,
    Append,
    CommitNote,
    Ends,
    Fence,
    Follow,
    Got,
    LeaderFrame,
    LetGo,
    MirrorFrame,
    Part,
    Refused,
    Snapshot,
    Tail,
    Want,
)
from cluster.replication.ready import EpochStart
from cluster.replication.state import ReplicaId

NUMBERS = st.integers(0, (1 << 63) - 1)
NAMES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@st.composite
def tables(draw: st.DrawFn, first: int = 1) -> EpochTable:
    steps = draw(st.lists(st.tuples(st.integers(1, 1 << 40), st.integers(1, 1 << 40)), max_size=8))
    table, epoch, index = [], 0, first - 1
    for epochs, records in steps:
        epoch, index = epoch + epochs, index + records
        table.append((epoch, index))
    return tuple(table)


def last_of(table: EpochTable) -> tuple[int, int]:
    return table[-1] if table else (0, 0)


@st.composite
def leader_frames(draw: st.DrawFn) -> LeaderFrame:
    name, epoch, after, commit = draw(NAMES), draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)
    kind = draw(
        st.sampled_from(["fence", "append", "start", "tail", "snapshot", "part", "note", "let go"])
    )
    octets = draw(st.binary(min_size=1, max_size=200))
    count = draw(st.integers(1, len(octets)))
    if kind == "fence":
        return Fence(name, epoch)
    if kind == "let go":
        return LetGo(name, epoch)
    if kind == "note":
        return CommitNote(name, epoch, commit)
    if kind == "part":
        start, stop, index = draw(NUMBERS), draw(NUMBERS), draw(NUMBERS)
        payload = draw(st.sampled_from([octets, b""]))
        return Part(name, epoch, after, start, stop, index, draw(NUMBERS), payload)
    if kind == "append":
        return Append(name, epoch, after, epoch, count, octets, draw(NUMBERS), commit)
    if kind == "start":
        return Append(name, epoch, after, epoch, 1, EpochStart.RECORD, draw(NUMBERS), commit)
    if kind == "tail":
        # Epoch 0 is that of a log without records.
        epoch = max(epoch, 1)
        begins = draw(st.integers(1, 5))
        spans = tuple((epoch + each, after + 1 + each) for each in range(min(begins, count)))
        return Tail(name, epoch + 5, after, epoch, spans, count, octets, commit)
    table = draw(tables())
    last_epoch, last = last_of(table)
    return Snapshot(name, last_epoch + 1, last + after, table, octets)


@st.composite
def mirror_frames(draw: st.DrawFn) -> MirrorFrame:
    name, epoch, end = draw(NAMES), draw(NUMBERS), draw(NUMBERS)
    kind = draw(st.sampled_from(["ends", "got", "refused", "ack", "want", "follow"]))
    if kind == "got":
        return Got(name, epoch, end)
    if kind == "refused":
        return Refused(name, epoch)
    if kind == "follow":
        return Follow(name, epoch, draw(st.booleans()))
    if kind == "want":
        position, index, anew = draw(NUMBERS), draw(NUMBERS), draw(st.booleans())
        return Want(name, epoch, end, position, index, draw(NUMBERS), anew)
    if kind == "ack":
        return Ack(end)
    table = draw(tables())
    base = draw(st.integers(0, end))
    return Ends(
        name, epoch, ReplicaId(draw(NAMES), draw(NAMES)), table, last_of(table)[1] + end, base
    )


def sealed(frame: LeaderFrame | MirrorFrame, numbers: QueueNumbers) -> list[bytes]:
    """The envelopes of a frame, the name of its queue first."""
    name = getattr(frame, "queue", None)
    number, told = numbers.of(name) if name is not None else (0, None)
    told_first = [] if told is None else [seal(0, Kind.QUEUE, 0, told)]
    if not isinstance(frame, LeaderFrame):
        kind, head = encode_mirror_frame(frame, number)
        return [*told_first, seal(len(told_first), kind, 0, head)]
    payload = getattr(frame, "payload", b"")
    kind, head = encode_leader_frame(frame, number, size_of(payload))
    octets = payload if isinstance(payload, bytes) else b""
    flags = Flag.EPOCH_START if payload is EpochStart.RECORD else Flag.NONE
    return [*told_first, seal(len(told_first), kind, flags, head, octets) + octets]


def opened(octets: bytes) -> LeaderFrame | MirrorFrame | None:
    """The last frame of the envelopes; None while it is not whole."""
    view, names, at, number = memoryview(octets), QueueNames(), 0, 0
    found: LeaderFrame | MirrorFrame | None = None
    while (envelope := open_envelope(view, at, number, BODY_BYTES_MAX)) is not None:
        at, number = envelope.end, number + 1
        if envelope.kind == Kind.QUEUE:
            names.learn(envelope.body)
        elif envelope.kind < Kind.ENDS:
            found = decode_leader_frame(envelope.kind, envelope.flags, envelope.body, names).frame
        else:
            found = decode_mirror_frame(envelope.kind, envelope.body, names)
    return found


SAMPLES: list[LeaderFrame | MirrorFrame] = [
    Fence("q", 3),
    Append("q", 3, 8, 3, 2, b"two records", 77, 5),
    Append("q", 3, 8, 2, 1, EpochStart.RECORD, 77, 5),
    Tail("q", 3, 8, 1, ((1, 9), (3, 10)), 2, b"ab", 5),
    Snapshot("q", 3, 20, ((1, 1), (3, 10)), b"live"),
    Ends("q", 3, ReplicaId("node", "disk"), ((1, 1), (2, 7)), 8, 2),
    Got("q", 3, 8),
    Refused("q", 4),
    Ack(77),
    CommitNote("q", 3, 8),
    LetGo("q", 3),
    Follow("q", 3, is_on=True),
]


def known(*queues: str) -> QueueNames:
    names = QueueNames()
    for number, queue in enumerate(queues, 1):
        names.learn(memoryview(QUEUE.pack(number) + queue.encode()))
    return names
