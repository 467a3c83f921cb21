"""A consumer here of a queue that is led on another node, and what came for it and waits.

    granted ─▶ on its way ─▶ held here ─▶ shown

What is on its way and held is never more than was granted, in messages and in octets. What came for
the consumers of one lane waits in one line, so that the lane shows it in the order of the queue.
"""

from collections import deque

from queues.batch import Batch
from queues.consumer_port import ConsumerHandle, Lane


class RemoteConsumer:
    """One consumer, on one way.

    Attributes:
        number: on the connection.
        handle: of the channel.
        lane: its line.
        granted, granted_bytes: what the leader was told in all.
        arrived, arrived_bytes: what came of that; each message is told of on its own.
        shown_bytes: of what was shown, or went back.
        held_count: messages that wait in the line of its lane.
        held: where they wait.
        is_there: the leader has said that it is there.
    """

    __slots__ = (
        "arrived",
        "granted",
        "granted_bytes",
        "handle",
        "held",
        "held_count",
        "is_there",
        "lane",
        "number",
        "shown_bytes",
    )

    def __init__(self, number: int, handle: ConsumerHandle, lane: "HeldLane") -> None:
        self.number = number
        self.handle = handle
        self.lane = lane
        self.granted = self.granted_bytes = 0
        self.arrived = self.shown_bytes = 0
        self.held_count = 0
        self.held: dict[Held, None] = {}
        self.is_there = False

    @property
    def on_way_count(self) -> int:
        """Messages that may come at any moment."""
        return self.granted - self.arrived


class Held:
    """Messages in the line of a lane; for one consumer, or for several in turn.

    Attributes:
        batch: under their numbers; None once its consumer is gone.
    """

    __slots__ = ("batch", "consumers")

    def __init__(self, consumers: tuple[RemoteConsumer, ...], batch: Batch) -> None:
        self.consumers = consumers
        self.batch: Batch | None = batch


class HeldLane:
    """What waits for one lane, and which of its consumers wait for room.

    Attributes:
        port: the lane.
        number: on the connection.
        line: what came and was not shown, in the order in which it came.
        gone_count: of it, what has gone back.
        held_count, on_way_count: messages of all its consumers of this queue.
        waiting: consumers without room for a message, in the order in which they found that.
        consumers_count: how many consumers of this queue it has.
    """

    __slots__ = (
        "consumers_count",
        "gone_count",
        "held_count",
        "line",
        "number",
        "on_way_count",
        "port",
        "waiting",
    )

    def __init__(self, port: Lane, number: int) -> None:
        self.port = port
        self.number = number
        self.line: deque[Held] = deque()
        self.gone_count = self.held_count = self.on_way_count = 0
        self.waiting: dict[RemoteConsumer, None] = {}
        self.consumers_count = 0

    @property
    def shared_room(self) -> int:
        """How many more messages may be asked for where its consumers share a prefetch."""
        return self.port.shared_room - self.on_way_count - self.held_count

    def put(self, held: Held) -> None:
        """Put messages at the end of the line."""
        self.line.append(held)
        self._count(held, 1)

    def split(self, held: Held) -> list[Held]:
        """Return the messages of several consumers one by one, instead of these."""
        assert held.batch is not None, "what has gone back is not split"
        ways = len(held.consumers)
        self._count(held, -1)
        parts = [
            Held((held.consumers[index % ways],), held.batch.part(index, 1, index + 1))
            for index in range(len(held.batch))
        ]
        for part in parts:
            self._count(part, 1)
        return parts

    def take(self, held: Held, count: int) -> Batch:
        """Take the first messages of the head of the line, which is for one consumer."""
        batch = held.batch
        assert batch is not None, "it is there"
        if count < len(batch):
            held.batch = batch.part(count)
            taken = batch.part(0, 1, count)
            held.consumers[0].held_count -= count
            self.held_count -= count
            return taken
        self.line.popleft()
        self._count(held, -1)
        return batch

    def take_dealt(self, held: Held) -> Batch:
        """Take all messages of the head of the line."""
        batch = held.batch
        assert batch is not None, "it is there"
        self.line.popleft()
        self._count(held, -1)
        return batch

    def take_of(self, consumer: RemoteConsumer) -> list[range]:
        """Take what waits for a consumer that goes; return the numbers."""
        if any([len(held.consumers) > 1 for held in consumer.held]):
            line = list(self.line)
            self.line.clear()
            for held in line:
                several = held.batch is not None and len(held.consumers) > 1
                self.line.extend(self.split(held) if several else (held,))
        taken: list[range] = []
        for held in list(consumer.held):
            batch = held.batch
            assert batch is not None, "it is there"
            self._count(held, -1)
            held.batch = None
            self.gone_count += 1
            taken.append(batch.positions)
        if self.gone_count * 2 > len(self.line):
            self.line = deque(held for held in self.line if held.batch is not None)
            self.gone_count = 0
        return taken

    def head(self) -> Held | None:
        """Return the head of the line; None where nothing waits."""
        while self.line and self.line[0].batch is None:
            self.line.popleft()
            self.gone_count -= 1
        return self.line[0] if self.line else None

    def _count(self, held: Held, sign: int) -> None:
        """Count messages that come to the line, or leave it."""
        assert held.batch is not None, "they are counted while they are there"
        count, ways = len(held.batch), len(held.consumers)
        self.held_count += sign * count
        for index, consumer in enumerate(held.consumers):
            consumer.held_count += sign * ((count - index + ways - 1) // ways)
            if sign > 0:
                consumer.held[held] = None
            else:
                consumer.held.pop(held, None)
