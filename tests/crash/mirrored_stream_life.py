"""Random lives of replicas of mirrored streams: leaders, and mirrors that get their pieces.

A mirror follows a leader on the same disk. It gets what it lacks as a mirror on another node does:
records, or pieces of what the leader has compacted, which end at marks.
"""

import random
from typing import Any, NamedTuple, cast
from unittest.mock import patch

from persistence.errors import is_shortage
from persistence.files import Files
from persistence.front_numbers import FrontNumber, Published
from persistence.replica_operations import EpochTable
from persistence.replicas import stream_content
from persistence.replicas.log import ReplicaLog
from persistence.replicas.taking import take
from persistence.stream_operations import (
    encode_stream_chunks,
    encode_stream_kept,
    encode_stream_offset,
    encode_stream_submitted,
)
from persistence.streams.gathering import Gathering
from persistence.streams.log import StreamLimits
from tests.crash.life import Life
from tests.crash.replica_life import Known, ReplicaLife, State
from tests.crash.stored_node import LIMITS
from tests.support.stream_logs import appended

PIECE_BYTES = 700
SEGMENT_BYTES = 600
PUBLISHERS = (b"", b"p", b"q")
REFERENCES = (b"one", b"two")

Op = tuple[str, int, int, bytes, FrontNumber | None]
"""What a record says: kind, offset, count, chunk or reference, and whose messages they are."""


class StreamLive(NamedTuple):
    """A stream at an index: chunks by first offset, numbers by reference, and how it came there.

    Attributes:
        ends: which offset it had come to, by index.
    """

    chunks: dict[int, bytes]
    first_offset: int
    next_offset: int
    ids: dict[bytes, int]
    stored: dict[bytes, int]
    published: dict[str, Published]
    ends: dict[int, int]

    def after(self, op: Op, index: int) -> "StreamLive":
        kind, offset, count, octets, front = op
        live = self
        if front is not None:
            rows = {**live.published, front.node: Published(0, front, index)}
            live = live._replace(published=rows)
        if kind == "chunk":
            chunks = {**live.chunks, offset: octets}
            live = live._replace(chunks=chunks, next_offset=offset + count)
            publisher = publisher_of(offset)
            if publisher:
                # A mirror that has but a part of its pieces knows of later ids already.
                highest = max(offset, live.ids.get(publisher, 0))
                live = live._replace(ids={**live.ids, publisher: highest})
        elif kind == "stored":
            live = live._replace(stored={**live.stored, octets: offset})
        elif kind == "kept":
            chunks = {at: chunk for at, chunk in live.chunks.items() if at >= offset}
            live = live._replace(chunks=chunks, first_offset=offset)
        return live._replace(ends={**live.ends, index: live.next_offset})


EMPTY = StreamLive({}, 0, 0, {}, {}, {}, {0: 0})


def publisher_of(offset: int) -> bytes:
    return PUBLISHERS[offset % len(PUBLISHERS)]


def chunk_at(offset: int, count: int, size_bytes: int) -> bytes:
    gathering = Gathering(offset, 1_000)
    publisher = publisher_of(offset)
    messages = [b"%d " % (offset + at) + bytes(size_bytes) for at in range(count)]
    number = offset if publisher else 0
    gathering.add(appended(*messages, publisher=publisher, publishing_id=number))
    ((_, parts),) = gathering.draw(16, 0)
    return b"".join(parts)


def with_spans(table: EpochTable, after: int, spans: EpochTable) -> EpochTable:
    kept = [row for row in table if row[1] <= after]
    kept += [row for row in spans if not kept or row[0] > kept[-1][0]]
    return tuple(kept)


class MirroredStreamLife(ReplicaLife):
    """A node with replicas of streams.

    Attributes:
        following: of mirrors, by id: whom they follow.
        written: of each replica, by index: the records of its log as it is.
        pasts: of each replica: whom it followed, and what was written, after each change.
    """

    empty = EMPTY
    limits = LIMITS._replace(streams=StreamLimits(tail_bytes_max=300, row_bytes_max=100))

    def __init__(self, files: Files, draw: random.Random) -> None:
        self.following: dict[int, int] = {}
        self.written: dict[int, dict[int, bytes]] = {}
        self.pasts: dict[int, list[tuple[int, dict[int, bytes]]]] = {}
        with patch.object(stream_content, "PIECE_BYTES", PIECE_BYTES):
            super().__init__(files, draw)
        left_out = (self.install, self.spill_some)
        self.actions = [each for each in self.actions if each[1] not in left_out]
        self.actions += [(14, self.follow), (20, self.go_on_with_checkpoint), (6, self.commit)]
        self.actions.append((4, self.replace))

    def some_max_priority(self) -> int | None:
        return None

    def step(self) -> None:
        with patch.object(stream_content, "PIECE_BYTES", PIECE_BYTES):
            super().step()

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        super().take_over(before, power_was_lost=power_was_lost)
        assert isinstance(before, MirroredStreamLife)
        for queue_id, known in self.replicas.items():
            earlier = before.replicas.get(queue_id) or before.dropped[queue_id][0]
            past = before.pasts.get(queue_id, [(0, {})])[known.first_change - earlier.first_change]
            self.pasts[queue_id] = [past]
            self.following[queue_id], self.written[queue_id] = past[0], dict(past[1])

    def compare(self, log: ReplicaLog, state: State) -> None:
        assert (log.promised, log.base, log.end) == (state.promised, state.base, state.end)
        assert log.table == state.table
        count, octets = log.read(state.base, len(state.ops), 1 << 30)
        assert (count, octets) == (len(state.ops), b"".join(state.octets)), "records as they came"
        rows = {row.last.node: row for row in log.published.rows()}
        live: Any = state.live
        assert rows == live.published, "how far front ends are, at the base"
        content = log.stream.content
        if content is None:
            assert (live.next_offset, live.stored) == (0, {}), "the content is gone"
            return
        ends = (content.first_offset, content.next_offset)
        assert ends == (live.first_offset, live.next_offset)
        numbers = (dict(content.publishing_ids), dict(content.stored_offsets))
        assert numbers == (live.ids, live.stored), "numbers by reference"
        found, offset = dict[int, bytes](), content.first_offset
        while (
            extent := content.kept.read(offset, 1 << 20, content.next_offset, checks=True)
        ) is not None:
            for at, header in extent.chunks:
                chunk = bytes(extent.octets[at : at + header.size_bytes])
                found[header.first_offset] = chunk
            offset = extent.next_offset
        assert found == live.chunks, "chunks at the base"

    # -- what a leader appends --------------------------------------------------------------------

    def append(self) -> None:
        if (known := self.known()) is not None and not self.leader_of(known):
            self.append_behind(known, known.now.end)

    def cut(self) -> None:
        if (known := self.known()) is not None and not self.leader_of(known) and known.now.ops:
            after = known.now.end - self.draw.randrange(1, len(known.now.ops) + 1)
            self.append_behind(known, after)

    def some_op(self, live: Any) -> Any:  # noqa: ANN401 - other records than those of queues
        draw, chance = self.draw, self.draw.random()
        if chance < 0.1:
            return ("stored", draw.randrange(100), 0, draw.choice(REFERENCES), None)
        starts = [at for at in live.chunks if at > live.first_offset]
        if chance < 0.2 and starts:
            return ("kept", draw.choice(starts), draw.randrange(2), b"", None)
        count = draw.choice((1, 2, 6))
        chunk = chunk_at(live.next_offset, count, draw.choice((0, 10, 80)))
        return ("chunk", live.next_offset, count, chunk, self.some_front(live, count))

    def octets_of(self, op: Any, after: Any) -> bytes:  # noqa: ANN401 - as above
        del after
        kind, offset, count, octets, front = op
        if kind == "stored":
            return b"".join(encode_stream_offset(0, octets, offset))
        if kind == "kept":
            return encode_stream_kept(offset, SEGMENT_BYTES, ends_segment=bool(count))
        if kind == "chunk" and front is not None:
            return b"".join(encode_stream_submitted(offset, 1, [octets], front))
        assert kind == "chunk"
        return b"".join(encode_stream_chunks(0, offset, 1, [octets]))

    def note(self, known: Known, lsn: int, state: State) -> None:
        super().note(known, lsn, state)
        written = self.written.setdefault(known.log.queue_id, {})
        for at in [at for at in written if at > state.base]:
            del written[at]
        written.update(enumerate(state.octets, state.base + 1))
        queue_id = known.log.queue_id
        pasts = self.pasts.setdefault(queue_id, [(0, {})])
        pasts.append((self.following.get(queue_id, 0), dict(written)))

    # -- what a mirror gets -----------------------------------------------------------------------

    def leader_of(self, known: Known) -> Known | None:
        return self.replicas.get(self.following.get(known.log.queue_id, 0))

    def compact(self) -> None:
        """Put records into the content; a mirror, those that its leader has in its own."""
        if (known := self.known()) is None:
            return
        state, leader = known.now, self.leader_of(known)
        last = state.end
        if leader is not None:
            last = min(self.same_until(known, leader), leader.now.base)
        if last <= state.base:
            return
        position = self.draw.randrange(state.base + 1, last + 1)
        count = position - state.base
        live = state.live_at(position)
        ops, octets = state.ops[count:], state.octets[count:]
        lsn = known.log.compact(position)
        self.note(known, lsn, state._replace(base=position, ops=ops, octets=octets, live=live))

    def same_until(self, known: Known, leader: Known) -> int:
        """Return up to which index a mirror has the log of its leader."""
        state, written = known.now, self.written.get(leader.log.queue_id, {})
        at = state.base
        for octets in state.octets:
            if written.get(at + 1) != octets:
                break
            at += 1
        return at

    def follow(self) -> None:
        """A mirror gets a piece, or records."""
        mirrors = [each for each in self.replicas.values() if self.leader_of(each)]
        new = [each for each in self.replicas.values() if each.now.end == 0]
        leaders = [each for each in self.replicas.values() if each.now.end]
        if new and leaders:
            mirror = self.draw.choice(new)
            chosen = self.draw.choice(leaders)
            if self.leader_of(chosen) is None:
                self.following[mirror.log.queue_id] = chosen.log.queue_id
                mirrors.append(mirror)
        if not mirrors:
            self.declare_replica()
            return
        mirror = self.draw.choice(mirrors)
        leader = self.leader_of(mirror)
        assert leader is not None
        same = self.same_until(mirror, leader)
        if leader.now.base > same:
            self.get_piece(mirror, leader, same)
        else:
            self.get_records(mirror, leader, same)

    def replace(self) -> None:
        """A replica of another history begins anew, as after an unclean promotion (R18)."""
        known = list(self.replicas.values())
        followed = {each.log.queue_id for each in map(self.leader_of, known) if each is not None}
        mirrors = [each for each in known if each.log.queue_id not in followed and each.now.end]
        if not mirrors:
            return
        mirror = self.draw.choice(mirrors)
        leaders = [each for each in known if self.leader_of(each) is None and each.now.base]
        leaders = [each for each in leaders if each is not mirror]
        if not leaders:
            return
        leader = self.draw.choice(leaders)
        if leader.log.stream.content is None:
            self.get_nothing(mirror, leader)
        else:
            self.get_piece(mirror, leader, -1)

    def get_nothing(self, mirror: Known, leader: Known) -> None:
        """A leader that has nothing of a stream yet answers as one of a queue."""
        state = leader.now
        content = leader.log.content(0, take(leader.log.state, 0))
        table = tuple(row for row in state.table if row[1] <= state.base)
        lsn = mirror.log.install(state.base, table, content)
        self.begin_to_follow(mirror, leader, state.base)
        self.note(mirror, lsn, State(mirror.now.promised, state.base, table, (), (), state.live))

    def begin_to_follow(self, mirror: Known, leader: Known, index: int) -> None:
        queue_id, written = mirror.log.queue_id, self.written.get(leader.log.queue_id, {})
        self.following[queue_id] = leader.log.queue_id
        self.written[queue_id] = {at: octets for at, octets in written.items() if at <= index}

    def get_piece(self, mirror: Known, leader: Known, same: int) -> None:
        try:
            index, octets = leader.log.stream_piece(same)
        except OSError as error:
            if not is_shortage(error):
                raise
            return
        state, live = leader.now, cast("StreamLive", leader.now.live)
        table = tuple(row for row in state.table if row[1] <= index)
        lsn = mirror.log.install_stream(index, table, octets)
        if same < 0:
            self.begin_to_follow(mirror, leader, index)
        stop = live.ends[index]
        got: Any = live._replace(
            chunks={at: chunk for at, chunk in live.chunks.items() if at < stop},
            next_offset=max(stop, live.first_offset),
            published={
                node: row for node, row in live.published.items() if row.record_index <= index
            },
            ends={at: end for at, end in live.ends.items() if at <= index},
        )
        self.note(mirror, lsn, State(mirror.now.promised, index, table, (), (), got))

    def get_records(self, mirror: Known, leader: Known, same: int) -> None:
        state, theirs = mirror.now, leader.now
        first = same - theirs.base
        ops, octets = theirs.ops[first : first + 3], theirs.octets[first : first + 3]
        if not ops and same == state.end:
            return
        rows = [row for row in theirs.table if same < row[1] <= same + len(ops)]
        last = max([row for row in theirs.table if row[1] <= same + 1], default=None)
        if ops and last is not None and last not in rows:
            rows.insert(0, (last[0], same + 1))
        spans = tuple(rows)
        lsn = mirror.log.append(same, spans, len(ops), b"".join(octets))
        kept = same - state.base
        state = state._replace(
            table=with_spans(state.table, same, spans),
            ops=(*state.ops[:kept], *ops),
            octets=(*state.octets[:kept], *octets),
        )
        self.note(mirror, lsn, state)
