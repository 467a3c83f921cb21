"""Random lives of replicas of mirrored queues, on a disk that may go at any time.

A model keeps what a replica was after each change. A restart must find one of these states, whole:
not older than what was answered for (synced), and not newer than what was done.
"""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from persistence.errors import is_shortage
from persistence.files import Files
from persistence.front_numbers import FrontNumber, Published
from persistence.lane_map import lane_of
from persistence.log_form import LogForm
from persistence.log_state import LogOptions, LogState
from persistence.operations import encode_enqueue, encode_requeued, encode_settle, encode_submitted
from persistence.queue_recovery import found_in
from persistence.record import PERSISTENT, Record, make_route
from persistence.replica_operations import encode_epoch
from persistence.replicas.building import Building
from persistence.replicas.content import Content, decode_content
from persistence.replicas.log import ReplicaLog
from persistence.replicas.taking import take
from persistence.replicas.tombstones import Tombstones
from persistence.slices import Slice
from tests.crash.life import HEADER, Life
from tests.crash.stored_node import change_of, messages_of, tombstone_of

MIRRORED = LogOptions(form=LogForm.MIRRORED)

Op = tuple[str, int, int, tuple[Record, ...], FrontNumber | None]
"""What a record says: kind, first position, count or delivery count, messages, whose they are."""

FRONTS = ("a", "a node with a long name")


class Live(NamedTuple):
    """What is live at an index: messages and delivery counts by position; rows of front ends."""

    messages: dict[int, Record]
    counts: dict[int, int]
    next_position: int
    published: dict[str, Published]

    def after(self, op: Op, index: int) -> "Live":
        kind, first, count, records, front = op
        messages, counts = dict(self.messages), dict(self.counts)
        next_position, published = self.next_position, self.published
        if front is not None:
            published = {**published, front.node: Published(0, front, index)}
        if kind == "enqueue":
            messages |= dict(enumerate(records, first))
            next_position = first + len(records)
        for position in range(first, first + count):
            if kind == "settle":
                messages.pop(position, None)
                counts.pop(position, None)
            elif kind == "requeue" and position in messages:
                counts[position] = counts.get(position, 0) + 1
        return Live(messages, counts, next_position, published)


EMPTY = Live({}, {}, 0, {})


class State(NamedTuple):
    """A replica after a change."""

    promised: int
    base: int
    table: tuple[tuple[int, int], ...]
    ops: tuple[Op, ...]
    octets: tuple[bytes, ...]
    live: Live

    @property
    def end(self) -> int:
        return self.base + len(self.ops)

    def live_at_end(self) -> Live:
        return self.live_at(self.end)

    def live_at(self, last: int) -> Live:
        live = self.live
        for index, op in enumerate(self.ops[: last - self.base], self.base + 1):
            live = live.after(op, index)
        return live


class Known(NamedTuple):
    """A replica and its model: (LSN, state) after each change, from ``first_change`` on."""

    log: ReplicaLog
    states: list[tuple[int, State]]
    first_change: int

    @property
    def now(self) -> State:
        return self.states[-1][1]


class ReplicaLife(Life):
    """A node with replicas, as leader or mirror: only the order of changes matters here.

    Attributes:
        empty: what is live in a new one.
    """

    empty: Any = EMPTY

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.replicas: dict[int, Known] = {}
        self.declared: dict[int, int] = {}
        self.dropped: dict[int, tuple[Known, int]] = {}
        self.buildings: dict[int, tuple[LogState, Building]] = {}
        """Whose messages were taken so far; who is replaced itself has others from then on."""
        self.followed: dict[int, tuple[LogState, int]] = {}
        """Whose messages a replica has, as they were, and with which change of its own."""
        self.tombstones = self.found_tombstones()
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (14, self.append),
            (3, self.cut),
            (2, self.promise),
            (6, self.compact),
            (3, self.install),
            (3, self.spill_some),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.declare_replica),
            (1, self.drop_replica),
            (1, self.node.commit.request_fsync),
        ]

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        """Look at what a restart found, and go on with it."""
        assert isinstance(before, ReplicaLife)
        opened = self.node.opened
        assert not opened.report.damages, f"nothing is damaged by a crash: {opened.report.damages}"
        committed = before.node.commit.committed_lsn
        safe = before.node.fsynced_lsn if power_was_lost else committed
        self.published_count = before.published_count
        self.tombstones = self.found_tombstones()
        for queue_id, lsn in before.declared.items():
            is_known = queue_id in opened.replicas or str(queue_id) in self.tombstones
            assert is_known or lsn > safe, "a replica is gone, and could be made again, empty"
            if is_known:
                self.declared[queue_id] = 0
        for queue_id, (_, lsn) in before.dropped.items():
            assert queue_id not in opened.replicas or lsn > safe, "what was dropped is back"
        for queue_id, found in opened.replicas.items():
            known = before.replicas.get(queue_id) or before.dropped[queue_id][0]
            assert found.is_whole, "a crash loses no replica"
            at = found.log.change - known.first_change
            assert 0 <= at < len(known.states), "no change is made up"
            synced = max([i for i, (lsn, _) in enumerate(known.states) if lsn <= safe], default=0)
            assert at >= synced, f"change {known.first_change + synced} was synced, {at} is there"
            state = known.states[at][1]
            self.compare(found.log, state)
            self.replicas[queue_id] = Known(found.log, [(0, state)], found.log.change)
            if str(queue_id) in self.tombstones:
                self.drop(queue_id)

    def found_tombstones(self) -> Tombstones:
        """What the disk says of replicas that were dropped."""
        stored = {str(queue_id): 0 for queue_id in self.node.journal.tombstones}
        return Tombstones(stored, encode=tombstone_of)

    def drop_replica(self) -> None:
        if self.replicas:
            self.drop(self.draw.choice(list(self.replicas)))

    def drop(self, queue_id: int) -> None:
        known = self.replicas.pop(queue_id)
        deletion, changes = change_of(queue_id, None), self.node.commit
        lsn = self.tombstones.drop(str(queue_id), known.log, deletion, changes, 0)
        self.dropped[queue_id] = known, lsn

    def compare(self, log: ReplicaLog, state: State) -> None:
        """Assert that a replica is what the model says."""
        assert (log.promised, log.base, log.end) == (state.promised, state.base, state.end)
        assert log.table == state.table
        count, octets = log.read(state.base, len(state.ops), 1 << 30)
        assert (count, octets) == (len(state.ops), b"".join(state.octets)), "records as they came"
        found = found_in(log.messages, was_clean=False, lost_count=0, keeps_transient=True)
        messages = {at: record for at, (record, _) in messages_of(found, 0).items()}
        assert messages == state.live.messages, "messages at the base"
        assert dict(found.requeued) == state.live.counts
        rows = {row.last.node: row for row in log.published.rows()}
        assert rows == state.live.published, "how far front ends are, at the base"
        assert found.next_position == state.live.next_position

    # -- what happens to a replica ---------------------------------------------------------------

    def declare_replica(self) -> None:
        if len(self.replicas) >= 3:
            return
        queue_id = max(self.declared, default=0) + 1
        # One may get what another one has, so all of them are of a plain or of a priority queue.
        top = self.some_max_priority()
        for known in self.replicas.values():
            top = known.log.state.options.max_priority
        options = MIRRORED._replace(max_priority=top)
        lsn = self.node.commit.append_definition(change_of(queue_id, options))
        log = self.node.store.new_replica_log(options, queue_id)
        self.replicas[queue_id] = Known(log, [(0, State(0, 0, (), (), (), self.empty))], 0)
        self.declared[queue_id] = lsn

    def some_max_priority(self) -> int | None:
        return self.draw.choice((None, 2))

    def known(self) -> Known | None:
        if not self.replicas:
            self.declare_replica()
            return None
        return self.draw.choice(list(self.replicas.values()))

    def append(self) -> None:
        if (known := self.known()) is not None:
            self.append_behind(known, known.now.end)

    def cut(self) -> None:
        """A leader of a later epoch has another tail."""
        if (known := self.known()) is not None and known.now.ops:
            after = known.now.end - self.draw.randrange(1, len(known.now.ops) + 1)
            self.append_behind(known, after)

    def append_behind(self, known: Known, after: int) -> None:
        draw, state = self.draw, known.now
        kept = after - state.base
        state = state._replace(ops=state.ops[:kept], octets=state.octets[:kept])
        table = tuple(row for row in state.table if row[1] <= after)
        last = known.now.table[-1][0] if known.now.table else 0
        is_new = after < known.now.end or not table or state.promised > last
        is_new = is_new or draw.random() < 0.1
        epoch = max(state.promised, last + 1) if is_new else last
        spans = ((epoch, after + 1),)
        live, ops, octets = state.live_at_end(), list[Op](), list[bytes]()
        if is_new:
            ops.append(("epoch", epoch, 0, (), None))
            octets.append(encode_epoch(epoch))
        for _ in range(draw.choice((1, 1, 3))):
            op = self.some_op(live)
            ops.append(op)
            live = live.after(op, after + len(ops))
            octets.append(self.octets_of(op, live))
        lsn = known.log.append(after, spans, len(ops), b"".join(octets))
        if is_new:
            table = (*table, (epoch, after + 1))
        self.note(
            known,
            lsn,
            state._replace(ops=(*state.ops, *ops), octets=(*state.octets, *octets), table=table),
        )

    def octets_of(self, op: Op, after: Live) -> bytes:
        """Return the octets of a record."""
        return octets_of(op, after)

    def some_op(self, live: Live) -> Op:
        draw = self.draw
        if live.messages and draw.random() < 0.4:
            first = draw.choice(list(live.messages))
            count = draw.randrange(1, 6)
            if draw.random() < 0.6:
                return ("settle", first, min(count, live.next_position - first), (), None)
            count = len([p for p in range(first, first + count) if p in live.messages])
            same = all(
                live.counts.get(first + i, 0) == live.counts.get(first, 0)
                and first + i in live.messages
                for i in range(count)
            )
            return ("requeue", first, count if same else 1, (), None)
        count = draw.choice((1, 2, 8))
        records = tuple(self.record() for _ in range(count))
        return ("enqueue", live.next_position, 0, records, self.some_front(live, count))

    def some_front(self, live: Live, count: int) -> FrontNumber | None:
        """A front end goes on, or its process is another one; or it was none."""
        draw, node = self.draw, self.draw.choice((*FRONTS, None))
        if node is None:
            return None
        last = live.published[node].last if node in live.published else FrontNumber(node, 1, 0)
        if draw.random() < 0.1:
            last = FrontNumber(node, last.incarnation + 1, 0)
        return last._replace(number=last.number + count)

    def record(self) -> Record:
        self.published_count += 1
        flags = PERSISTENT if self.draw.random() < 0.8 else 0
        body = b"%d " % self.published_count + bytes(self.draw.choice((0, 3, 60, 300)))
        return Record(make_route("", "q"), HEADER, body, flags, self.published_count % 4)

    def promise(self) -> None:
        if (known := self.known()) is not None:
            last = known.now.table[-1][0] if known.now.table else 0
            epoch = max(known.now.promised, last) + 1
            self.note(known, known.log.promise(epoch), known.now._replace(promised=epoch))

    def compact(self) -> None:
        if (known := self.known()) is None or not known.now.ops:
            return
        state = known.now
        count = self.draw.randrange(1, len(state.ops) + 1)
        live = state.live_at(state.base + count)
        lsn = known.log.compact(state.base + count)
        left = state._replace(
            base=state.base + count, ops=state.ops[count:], octets=state.octets[count:], live=live
        )
        self.note(known, lsn, left)

    def install(self) -> None:
        """Another replica's messages take the place of these."""
        if len(self.replicas) < 2:
            self.declare_replica()
            return
        known, other = self.draw.sample(list(self.replicas.values()), 2)
        state, position = other.now, other.now.base
        table = tuple(row for row in state.table if row[1] <= position)
        made = self.built(known.log, other.log)
        if made is None:
            return
        lsn = known.log.install(position, table, *made)
        self.followed[known.log.queue_id] = other.log.state, known.log.change
        promised = known.now.promised
        self.note(known, lsn, State(promised, position, table, (), (), state.live))

    def built(self, log: ReplicaLog, leader: ReplicaLog) -> tuple[Content, Building] | None:
        """Get another replica's messages piece by piece; None where the disk refuses."""
        kept = self.buildings.pop(log.queue_id, None)
        is_behind = self.followed.get(log.queue_id) == (leader.state, log.change)
        since = log.state.next_position if is_behind else 0
        building = log.build(since, 0, 0) if kept is None else kept[1]
        if kept is not None and (kept[0] is not leader.state or not building.fits(log.state)):
            log.give_up(building)
            building = log.build(since, 0, 0)
        try:
            while not (taken := take(leader.state, building.next_position, 200)).is_rest:
                building.add(taken.chunks(), taken.stop, leader.base, 1)
                if self.draw.random() < 0.3:
                    self.buildings[log.queue_id] = leader.state, building
                    return None
            rest = leader.content(building.next_position, taken)
        except OSError as error:
            if not is_shortage(error):
                raise
            self.buildings[log.queue_id] = leader.state, building
            return None
        return building.content(decode_content(log.queue_id, rest.encode())), building

    def spill_some(self) -> None:
        """The queue gives memory up; what is not at the base is not its to give."""
        if (known := self.known()) is None or not known.now.live.messages:
            return
        live, top = known.now.live.messages, known.log.state.options.max_priority
        lane = lane_of(self.draw.choice(list(live.values())).priority, top)
        of_lane = [at for at in sorted(live) if lane_of(live[at].priority, top) == lane]
        chosen = of_lane[: self.draw.choice((1, 5, 30))]
        known.log.messages.spill(lane, [Slice([live[at] for at in chosen], chosen)])

    def note(self, known: Known, lsn: int, state: State) -> None:
        known.states.append((lsn, state))


def octets_of(op: Op, after: Live) -> bytes:
    kind, first, count, records, front = op
    if front is not None:
        return b"".join(encode_submitted(first, list(records), None, front))
    if kind == "enqueue":
        return b"".join(encode_enqueue(0, first, list(records)))
    if kind == "settle":
        return encode_settle(0, range(first, first + count))
    assert kind == "requeue"
    return encode_requeued(0, range(first, first + count), after.counts[first])
