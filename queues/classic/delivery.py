"""Delivers a queue's backlog to the consumers that ``queues.classic.consumers`` chooses.

A round takes messages for all consumers that are to be served, and deals them out, one to each in
turn. The deliveries to several consumers of one lane leave the lane in the order of the queue (AMQP
0-9-1 §4.7). So the lane itself deals them out.
"""

from collections.abc import Sequence
from typing import Final

from queues.batch import Batch
from queues.classic.backlog import Backlog
from queues.classic.consumers import Consumers
from queues.classic.priority_ready import PriorityReady
from queues.consumer_port import ConsumerHandle, Lane

READ_COST: Final = 512
"""What a chunk that is read back counts, in messages: a chunk may hold one ready message alone."""

ASK_DISK_AGAIN_MS: Final = 1_000
"""After a failed read of a queue's next messages, the disk is asked again after this time."""


class Delivery:
    """Delivers the messages of a queue, and counts those that are unacked.

    Attributes:
        consumers: of the queue.
        counters: of the queue; they count the unacked messages.
        ask_disk_at_ms: when to ask the disk again after a failed read (instant); None is never.
        refills_count: how many requeues in pieces are under way; their messages come first. A pause
            counts as one whose messages never come, so that it costs deliveries nothing.
        is_paused: nothing is delivered.
    """

    __slots__ = (
        "_backlog",
        "ask_disk_at_ms",
        "consumers",
        "counters",
        "is_paused",
        "refills_count",
    )

    def __init__(self, backlog: Backlog, consumers: Consumers) -> None:
        self._backlog = backlog
        self.consumers = consumers
        self.counters = backlog.counters
        self.refills_count = 0
        self.is_paused = False
        self.ask_disk_at_ms: int | None = None

    @property
    def requeued_count(self) -> int:
        """How many requeued messages may be delivered before all that are on their way back.

        None in a priority queue, where a message on its way may have a higher priority.
        """
        return 0 if self.is_paused else self._first_count

    @property
    def may_be_got(self) -> bool:
        """Whether a get may take a message; a pause does not keep it from that."""
        return self.refills_count == self.is_paused or self._first_count > 0

    def pause(self, *, is_on: bool) -> None:
        """Deliver nothing from now on, or deliver again; no change is none."""
        self.refills_count += is_on - self.is_paused
        self.is_paused = is_on

    @property
    def _first_count(self) -> int:
        ready = self._backlog.ready
        return 0 if isinstance(ready, PriorityReady) else ready.requeued.count

    def deliver(self, now_ms: int, max_messages: int) -> int:
        """Deliver, or drop as expired, at most this many messages; return how many."""
        backlog, consumers = self._backlog, self.consumers
        if self.refills_count:
            max_messages = min(max_messages, self.requeued_count)
        if consumers.sole is not None:
            return self._deliver_to(consumers.sole, now_ms, max_messages)
        ready, log = backlog.ready, backlog.log
        left, read_count = max_messages, log.read_back_count
        while left > 0 and consumers.count:
            ready_count = ready.count
            if not ready_count:
                break
            handles, credit = consumers.next_round(min(left, ready_count))
            if not handles:
                break
            batch = ready.take(min(left, credit * len(handles)), now_ms)
            if batch is None:
                if not (dropped_count := self._drop_at_head(now_ms, left)):
                    break
                left -= dropped_count
                continue
            left -= len(batch)
            if log.read_back_count != read_count:
                left -= READ_COST * (log.read_back_count - read_count)
                read_count = log.read_back_count
            self.hand_out(handles, batch)
        return max_messages - left

    def _deliver_to(self, handle: ConsumerHandle, now_ms: int, max_messages: int) -> int:
        """Do the same for the only consumer, which needs no search."""
        backlog, consumers = self._backlog, self.consumers
        ready, log = backlog.ready, backlog.log
        left, read_count = max_messages, log.read_back_count
        while left > 0 and ready.count:
            credit = handle.credit()
            if credit <= 0:
                consumers.sole_is_refused = True
                break
            if consumers.sole_is_refused:
                consumers.sole_is_refused = False
            batch = ready.take(min(left, credit), now_ms)
            if batch is None:
                if not (dropped_count := self._drop_at_head(now_ms, left)):
                    break
                left -= dropped_count
                continue
            count = len(batch.records)
            left -= count
            if log.read_back_count != read_count:
                left -= READ_COST * (log.read_back_count - read_count)
                read_count = log.read_back_count
            self.account(batch, count, handle.no_ack)
            handle.deliver(batch)
        return max_messages - left

    def next_round(self, message_count: int) -> tuple[Sequence[ConsumerHandle], int]:
        """Return consumers in turn, and how many messages each gets; see ``Consumers``."""
        sole = self.consumers.sole
        if sole is None:
            return self.consumers.next_round(message_count)
        credit = sole.credit()
        self.consumers.sole_is_refused = credit <= 0
        return ((sole,), credit) if credit > 0 else ((), 0)

    def hand_out(self, handles: Sequence[ConsumerHandle], batch: Batch) -> None:
        """Deal the messages of a round out to its consumers, one to each in turn."""
        self.consumers.served(handles, len(batch))
        ways = len(handles)
        if ways == 1:
            self.account(batch, len(batch), handles[0].no_ack)
            handles[0].deliver(batch)
            return
        if len(batch) < ways:
            handles, ways = handles[: len(batch)], len(batch)
        no_ack_count = sum([handle.no_ack for handle in handles])
        if no_ack_count in {0, ways}:
            self.account(batch, len(batch), no_ack_count > 0)
        else:
            for index, handle in enumerate(handles):
                part = batch.part(index, ways)
                self.account(part, len(part), handle.no_ack)
        if self.consumers.share_lanes:
            _deal_by_lane(handles, batch)
            return
        for index, handle in enumerate(handles):
            handle.deliver(batch.part(index, ways))

    def account(
        self,
        batch: Batch,
        count: int,
        no_ack: bool,  # noqa: FBT001 - by name it would cost each batch of one message 0.3 %
    ) -> None:
        """Note a batch of this many messages, which leaves the queue."""
        counters = self.counters
        if no_ack:
            self._backlog.log.settle(batch.positions)
            counters.taken_no_ack_count += count
        else:
            counters.taken_count += count
            counters.taken_bytes += batch.body_bytes
        if batch.redelivered:
            counters.redelivered_count += count

    def forget(self, count: int, forgotten_bytes: int) -> None:
        """Note that messages, with the sum of their bodies, are not unacked any more."""
        counters = self.counters
        counters.settled_count += count
        counters.settled_bytes += forgotten_bytes
        assert counters.settled_count <= counters.taken_count, "a message is settled once"
        if self.consumers.may_hand_over:
            self.let_successor_in()

    def let_successor_in(self) -> None:
        """Let another consumer become the active one, if it may and nothing is unacked."""
        if not self.counters.unacked_count:
            self.consumers.all_settled()

    def _drop_at_head(self, now_ms: int, max_count: int) -> int:
        """Drop expired messages after no live one was found; return how many.

        Drops none while the next messages are on a disk that cannot be read.
        """
        dropped_count = self._backlog.drop_expired(now_ms, max_count)
        if not dropped_count and self._backlog.ready.is_stalled:
            self.ask_disk_at_ms = now_ms + ASK_DISK_AGAIN_MS
        return dropped_count


def _deal_by_lane(handles: Sequence[ConsumerHandle], batch: Batch) -> None:
    """Deal messages out, one to each in turn, so that those of one lane keep their order."""
    places_of: dict[Lane, list[int]] = {}
    for place, handle in enumerate(handles):
        places_of.setdefault(handle.lane, []).append(place)
    ways = len(handles)
    for places in places_of.values():
        first = places[0]
        group = [handles[place] for place in places]
        count = len(group)
        gap = ways // count
        if count == 1:
            group[0].deliver(batch.part(first, ways))
        elif gap * count == ways and places == list(range(first, ways, gap)):
            group[0].deliver_in_turn(group, batch.part(first, gap))
        else:
            _deal_round_by_round(group, places, ways, batch)


def _deal_round_by_round(
    group: list[ConsumerHandle], places: list[int], ways: int, batch: Batch
) -> None:
    """Do the same for consumers of one lane that stand irregularly among the others."""
    is_stretch = places[-1] - places[0] == len(places) - 1
    for start in range(0, len(batch), ways):
        if is_stretch and start + places[-1] < len(batch):
            stop = start + places[-1] + 1
            group[0].deliver_in_turn(group, batch.part(start + places[0], 1, stop))
            continue
        for handle, place in zip(group, places, strict=True):
            at = start + place
            if at < len(batch):
                handle.deliver(batch.part(at, 1, at + 1))
