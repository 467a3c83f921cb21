"""Random lives of a node's storage: its operations, and the moment of the power cut."""

import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Literal

from persistence.errors import StorageError, is_shortage
from persistence.files import Files
from persistence.group_commit import GROUP_BYTES_MAX
from persistence.lane_map import lane_of
from persistence.log_state import LogOptions
from persistence.record import PERSISTENT, Record, make_route
from persistence.slices import Slice
from persistence.store import Checkpoint
from persistence.wal_file import SALT_BITS
from tests.crash.stored_node import (
    LIMITS,
    Expected,
    ExpectedQueue,
    StoredNode,
    expect_promises_kept,
    stored_slices,
)

HEADER = b"\x00\x3c\x00\x00" + bytes(10)
QUEUES_MAX = 3
GROUPS_BYTES_MAX = (GROUP_BYTES_MAX, 600, 1)
"""Of some lives every entry is a group of its own."""

OPTIONS = (LogOptions(), LogOptions(), LogOptions(), LogOptions(max_priority=3))


class Life:
    """One node being used; every choice is drawn from one seed.

    Attributes:
        asks_again: whether a message that cannot be read for a while is asked for until it can.
    """

    asks_again = True
    limits = LIMITS

    def __init__(self, files: Files, draw: random.Random) -> None:
        self.files = files
        self.draw = draw
        self.node = StoredNode(
            files,
            partial(draw.getrandbits, SALT_BITS),
            draw.randrange(10**6),
            draw.choice(GROUPS_BYTES_MAX),
            self.limits,
        )
        self.checkpoint: Checkpoint | None = None
        self.work: Iterator[Literal[False]] | None = None
        self.is_noted = False
        self.published_count = 0
        self.actions: list[tuple[int, Callable[[], None]]] = [
            (12, self.publish),
            (8, self.settle),
            (2, self.come_back),
            (4, self.spill),
            (2, self.read_back),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.declare),
            (1, self.delete),
            (2, self.change_class),
            (1, self.node.commit.request_fsync),
        ]

    def take_over(self, before: "Life", *, power_was_lost: bool) -> None:
        """Look at what a restart found of the life before, and go on with it.

        Raises:
            AssertionError: a promise was broken.
        """
        queues = expect_promises_kept(before.node, self.node, power_was_lost=power_was_lost)
        self.adopt(queues, before.published_count)

    def adopt(self, queues: dict[int, ExpectedQueue], published_count: int) -> None:
        """Continue with the data that a restart found."""
        self.node.queues = queues
        self.published_count = published_count

    def step(self) -> None:
        """Do something."""
        weights = [weight for weight, _ in self.actions]
        self.draw.choices([action for _, action in self.actions], weights)[0]()

    def declare(self) -> None:
        if len(self._queues()) < QUEUES_MAX:
            self.node.declare(self.draw.choice(OPTIONS))

    def delete(self) -> None:
        if len(self._queues()) > 1 and (queue := self._queue()) is not None:
            self.node.delete(queue)

    def change_class(self) -> None:
        if (queue := self._queue()) is not None:
            queue.set_class(self.node.commit.last_lsn, is_fsynced=self.draw.random() < 0.5)

    def publish(self) -> None:
        queue = self._queue()
        if queue is None:
            self.declare()
            return
        draw = self.draw
        records = [self._record(queue) for _ in range(draw.choice((1, 2, 5, 20)))]
        first = queue.log.state.next_position
        node = self.node
        expires: int | list[int] = 0
        if draw.random() < 0.2:
            expires = 10**9 + draw.randrange(1_000)
        elif draw.random() < 0.1:
            expires = [draw.choice((0, 10**9 + index)) for index in range(len(records))]
        lsn = queue.log.append(first, records, expires)
        instants = [expires] * len(records) if isinstance(expires, int) else expires
        for position, (record, at) in enumerate(zip(records, instants, strict=True), start=first):
            expected = Expected(record, at and at + node.wall_offset_ms, lsn)
            kept = queue.messages if record.flags & PERSISTENT else queue.transient
            kept[position] = expected

    def settle(self) -> None:
        if (queue := self._queue()) is None or not (live := list(queue.unsettled())):
            return
        draw = self.draw
        if draw.random() < 0.7:
            positions = range(live[0], live[min(draw.randrange(30), len(live) - 1)] + 1)
        else:
            first = draw.choice(live)
            positions = range(first, first + draw.randrange(1, 40), draw.choice((1, 1, 2, 3)))
        positions = range(
            positions.start, min(positions.stop, queue.log.state.next_position), positions.step
        )
        lsn = queue.log.settle(positions)
        for position in positions:
            queue.transient.pop(position, None)
            expected = queue.messages.get(position)
            if expected is not None and expected.settle_lsn is None:
                expected.settle_lsn = lsn

    def come_back(self) -> None:
        if (queue := self._queue()) is None or not (live := list(queue.unsettled())):
            return
        first = self.draw.choice(live)
        counts = {
            position: max([count for _, count in expected.requeued], default=0)
            for position in range(first, first + 3)
            if (expected := queue.unsettled().get(position)) is not None
        }
        positions = range(first, first + len(counts))
        if list(counts) != list(positions):
            return
        count = max(counts.values()) + 1
        lsn = queue.log.requeued(positions, count)
        for position in positions:
            queue.unsettled()[position].requeued.append((lsn, count))

    def spill(self) -> None:
        if (queue := self._queue()) is None:
            return
        top = queue.log.state.options.max_priority
        lane = self.draw.randrange(4) if top is not None else 0
        live = [
            (position, expected)
            for position, expected in queue.unsettled().items()
            if lane_of(expected.record.priority, top) == lane
        ]
        if not live:
            return
        start = self.draw.randrange(len(live))
        chosen = live[start : start + self.draw.choice((1, 5, 30))]
        slices = [self._slice(chosen[:2])]
        if chosen[2:]:
            slices.append(self._slice(chosen[2:]))
        if queue.log.spill(lane, slices):
            first, last = chosen[0][0], chosen[-1][0]
            stored = {
                position: record
                for each in self._readable(queue, lane, first)
                for position, record in zip(each.positions, each.records, strict=True)
            }
            for position, expected in chosen:
                assert stored.get(position) == expected.record, "what was spilled comes back"
            assert [at for at in stored if at <= last] == [at for at, _ in chosen], "nothing else"

    def read_back(self) -> None:
        if (queue := self._queue()) is None:
            return
        live = queue.unsettled()
        for each in self._readable(queue, 0, self.draw.randrange(50)):
            for position, record in zip(each.positions, each.records, strict=True):
                assert live[position].record == record, "what is read back was published"

    def _readable(self, queue: ExpectedQueue, lane: int, from_position: int) -> list[Slice]:
        """Return what is stored, once the files can be opened: a shortage passes."""
        while True:
            try:
                return stored_slices(queue.log, lane, from_position)
            except OSError as error:
                if not is_shortage(error):
                    raise

    def commit(self) -> None:
        self.node.commit_group()

    def go_on_with_checkpoint(self) -> None:
        """Do the next part of the checkpoint under way, or begin one."""
        node = self.node
        if self.checkpoint is None:
            self.checkpoint = node.store.begin_checkpoint()
            self.work = None
            self.is_noted = False
            return
        try:
            is_done = self._do_part(self.checkpoint)
        except OSError as error:
            node.store.finish(self.checkpoint, error)
            self.checkpoint = None
        else:
            if is_done:
                node.store.finish(self.checkpoint, None)
                self.checkpoint = None

    def _do_part(self, checkpoint: Checkpoint) -> bool:
        node = self.node
        if self.work is not None:
            return next(self.work, True)
        if not self.is_noted:
            self.is_noted = node.store.step(checkpoint, max_bytes=400)
        elif node.commit.committed_lsn < checkpoint.snapshot.lsn:
            node.commit_group()
        else:
            self.work = node.store.persist(checkpoint)
        return False

    def _queues(self) -> list[ExpectedQueue]:
        return [queue for queue in self.node.queues.values() if queue.delete_lsn is None]

    def _queue(self) -> ExpectedQueue | None:
        queues = self._queues()
        return self.draw.choice(queues) if queues else None

    def _record(self, queue: ExpectedQueue) -> Record:
        self.published_count += 1
        draw = self.draw
        flags = PERSISTENT if draw.random() < 0.85 else 0
        priority = draw.randrange(6) if queue.log.state.options.max_priority is not None else 0
        body = b"%d " % self.published_count + bytes(draw.choice((0, 3, 60, 300)))
        return Record(make_route("", "q"), HEADER, body, flags, priority)

    def _slice(self, chosen: list[tuple[int, Expected]]) -> Slice:
        positions = [position for position, _ in chosen]
        offset_ms = self.node.wall_offset_ms
        return Slice(
            [expected.record for _, expected in chosen],
            range(positions[0], positions[-1] + 1)
            if positions[-1] - positions[0] + 1 == len(positions)
            else positions,
            [at and at - offset_ms for at in (e.expires_at_ms for _, e in chosen)],
        )


def restart(
    life: Life, files: Files, *, power_was_lost: bool, draw: random.Random | None = None
) -> Life:
    """Return the life after a crash, once what it found was looked at.

    Args:
        life: the one that ended, or goes on elsewhere.
        files: what is left of its disk.
        power_was_lost: else only the process was killed.
        draw: of the new life; None takes that of the old one.

    Raises:
        AssertionError: a promise was broken.
    """
    try:
        after = type(life)(files, draw or life.draw)
    except StorageError as error:
        raise AssertionError("a crash leaves what can be opened") from error
    after.take_over(life, power_was_lost=power_was_lost)
    return after
