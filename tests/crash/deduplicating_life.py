"""Random lives of an exchange that deduplicates, on a disk that may go at any time.

    publish ─▶ x (x-message-deduplication) ─▶ last ─▶ consumer

After a crash each message that was confirmed is there, or was taken; each duplicate that was
confirmed repeats such a message; a key that was confirmed is still known; and a key is known only
if its message was there.
"""

import random
from itertools import count
from typing import Final, NamedTuple, cast

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.backing import Backing
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.keepers.deduplicator import Deduplicator
from amqp_server.broker.queue import QueueIdentity
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from amqp_server.wire.properties import traits_of
from exchanges.bindings import Destination, DestinationKind
from persistence.files import Files
from persistence.log import Log
from persistence.log_state import LogOptions
from persistence.record import Record, make_route
from queues.commits import CommitPoint
from queues.memory import MemoryRules
from queues.ports import QueueEngine
from queues.tail import NodeMemory
from tests.crash.life import Life
from tests.crash.stored_node import messages_of
from tests.support.frames import content_header, property_list, table

NOW_MS: Final = 2_000_000
BUDGET_BYTES: Final = 900
SIZE: Final = 24
KEYS: Final = 40
EXCHANGE, QUEUE = "x", "last"
IDS: Final = {EXCHANGE: 1, QUEUE: 2}


class Sent(NamedTuple):
    """A message that was routed.

    Attributes:
        lsn: safe once this is committed; 0 is always.
        is_of_this_life: whether its key is safe then too; a crash may have left it out.
    """

    key: int
    lsn: int
    is_of_this_life: bool = True


class Repeated(NamedTuple):
    """A duplicate: it is confirmed once this LSN is committed, and then its key has a message."""

    key: int
    lsn: int


class DeduplicatingLife(Life):
    """One exchange being used; every choice is drawn from one seed.

    Attributes:
        sent: by body.
        repeated: duplicates.
        acked: bodies that were taken for good, be it safe or not.
        known: keys that the restart found.
    """

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.sent: dict[bytes, Sent] = {}
        self.repeated: list[Repeated] = []
        self.acked: set[bytes] = set()
        self.known: set[int] = set()
        self.now_ms = NOW_MS
        self._turn = Turn(10, TurnBudget(count().__next__, draw.choice((1, 3, 1_000))))
        self.vhost = Vhost(
            "/",
            self._turn,
            lambda now_ms: now_ms // 1000,
            None,
            Backing(make_log=self._log_of, memory=MemoryRules(NodeMemory(), BUDGET_BYTES)),
        )
        is_new = not self.node.opened.queues
        self._declare()
        if is_new:
            self.node.commit.request_fsync()
            while self.node.commit_group():
                pass
        self.actions = [
            (12, self.publish),
            (6, self.take),
            (4, self.end_turn),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.node.commit.request_fsync),
        ]

    # -- after a restart ------------------------------------------------------------------------

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, DeduplicatingLife)
        committed_lsn = before.node.commit.committed_lsn
        found = {
            each.body for each, _ in messages_of(self.node.opened.queues[IDS[QUEUE]], 0).values()
        }
        there = found | before.acked
        for body, sent in before.sent.items():
            if sent.lsn <= committed_lsn:
                assert body in there, f"lost: {body!r}"
        keys_there = {sent.key for body, sent in before.sent.items() if body in there}
        for key, lsn in before.repeated:
            if lsn <= committed_lsn:
                assert key in keys_there, f"a duplicate of nothing: {key}"
        self._deduplicator.recover(self.node.opened.queues[IDS[EXCHANGE]], self.now_ms)
        self._last.recover(self.node.opened.queues[IDS[QUEUE]], self.now_ms)
        for body, sent in [*before.sent.items()][-SIZE // 2 :]:
            # So few come before it that it cannot have been forgotten.
            if sent.is_of_this_life and sent.lsn <= committed_lsn:
                assert self._is_seen(sent.key), f"forgotten: {body!r}"
        again = {sent.key for sent in before.sent.values() if sent.is_of_this_life}
        for key in before.known - again:
            assert self._is_seen(key) or not before._is_seen(key), f"forgotten later: {key}"
        self.known = {key for key in range(KEYS) if self._is_seen(key)}
        for key in range(KEYS):
            if self._is_seen(key):
                assert key in keys_there, f"known of nothing: {key}"
        self.sent = {
            body: Sent(sent.key, 0, is_of_this_life=False)
            for body, sent in before.sent.items()
            if body in there
        }
        self.acked = set(before.acked)
        self.published_count = before.published_count

    # -- what happens ---------------------------------------------------------------------------

    def publish(self) -> None:
        draw = self.draw
        run = []
        keys = []
        for _ in range(draw.choice((1, 2, 5, 20))):
            keys.append(draw.randrange(KEYS))
            run.append(self._message(keys[-1]))
        outcome = self.vhost.publisher.publish(EXCHANGE, run, self.now_ms)
        lsn = _lsn_of(outcome.safe_at)
        unroutable = set(outcome.unroutable)
        for index, (key, record) in enumerate(zip(keys, run, strict=True)):
            if index in unroutable:
                self.repeated.append(Repeated(key, lsn))
            else:
                self.sent[record.body] = Sent(key, lsn)

    def end_turn(self) -> None:
        """Let the broker do its remaining work, as far as it can."""
        self._turn.budget.begin()
        self._turn.end(self.now_ms)

    def take(self) -> None:
        """Take some messages out of the queue for good."""
        for _ in range(self.draw.choice((1, 5, 20))):
            got = self._last.get(self.now_ms, no_ack=True)
            if got is None:
                return
            self.acked.update(record.body for record in got[0].records)

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _deduplicator(self) -> Deduplicator:
        return cast("Deduplicator", self.vhost.keepers.deduplicator(EXCHANGE))

    @property
    def _last(self) -> QueueEngine:
        queue = self.vhost.queues.find(QUEUE)
        assert queue is not None, "none is ever deleted"
        return queue.engine

    def _is_seen(self, key: int) -> bool:
        run = [self._made(b"", key)]
        return bool(self._deduplicator.seen.sort(run, self.now_ms).duplicates)

    def _declare(self) -> None:
        arguments = table({"x-cache-size": SIZE})
        properties = ExchangeProperties("x-message-deduplication", True, False, False, arguments)
        self.vhost.exchanges.declare(EXCHANGE, properties, queue_id=IDS[EXCHANGE])
        self.vhost.queues.declare(
            QUEUE, QueueProperties(True, False, False, {}), None, self.now_ms, queue_id=IDS[QUEUE]
        )
        self.vhost.bind(EXCHANGE, Destination(DestinationKind.QUEUE, QUEUE), "k", {})

    def _log_of(self, queue: QueueIdentity) -> Log:
        found = self.node.opened.queues.get(queue.queue_id)
        if found is not None:
            return found.log
        made = self.node.declare(LogOptions()).log
        assert made.queue_id == queue.queue_id, "in this order in every life"
        return made

    def _message(self, key: int) -> Record:
        self.published_count += 1
        body = b"%d " % self.published_count + bytes(self.draw.choice((0, 3, 60, 300)))
        return self._made(body, key)

    def _made(self, body: bytes, key: int) -> Record:
        given = {"headers": {"x-deduplication-header": f"key {key}"}, "delivery_mode": 2}
        header = content_header(len(body), property_list(**given))
        return Record(make_route(EXCHANGE, "k"), header, body, *traits_of(header))


def _lsn_of(point: CommitPoint) -> int:
    assert not point.others, "there is one group"
    return point.lsn
