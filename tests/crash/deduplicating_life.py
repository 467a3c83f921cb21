"""Random lives of an exchange that deduplicates, on a disk that may go at any time.

    publish ─▶ x (x-message-deduplication) ─▶ last ─▶ consumer

After a crash each message that was confirmed is there, or was taken; each duplicate that was
confirmed repeats such a message; a key that was confirmed is still known; and a key is known only
if its message was there.
"""

import random
from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple, cast

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.keepers.deduplicator import Deduplicator
from amqp_server.wire.properties import traits_of
from exchanges.bindings import Destination, DestinationKind
from persistence.files import Files
from persistence.record import Record, make_route
from tests.crash.life import Life
from tests.crash.vhost_life import VhostLife, lsn_of
from tests.support.frames import content_header, property_list, table

SIZE: Final = 24
KEYS: Final = 40
EXCHANGE, QUEUE = "x", "last"


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


class DeduplicatingLife(VhostLife):
    """One exchange being used; every choice is drawn from one seed.

    Attributes:
        sent: by body.
        repeated: duplicates.
        acked: bodies that were taken for good, be it safe or not.
        known: keys that the restart found.
    """

    ids: ClassVar[Mapping[str, int]] = {EXCHANGE: 1, QUEUE: 2}

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.sent: dict[bytes, Sent] = {}
        self.repeated: list[Repeated] = []
        self.acked: set[bytes] = set()
        self.known: set[int] = set()
        self.actions = [
            (12, self.publish),
            (6, self.take),
            (4, self.end_turn),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.node.commit.request_fsync),
        ]

    def declare_all(self) -> None:
        arguments = table({"x-cache-size": SIZE})
        properties = ExchangeProperties("x-message-deduplication", True, False, False, arguments)
        self.vhost.exchanges.declare(EXCHANGE, properties, queue_id=self.ids[EXCHANGE])
        lasting = QueueProperties(True, False, False, {})
        self.vhost.queues.declare(QUEUE, lasting, None, self.now_ms, queue_id=self.ids[QUEUE])
        self.vhost.bind(EXCHANGE, Destination(DestinationKind.QUEUE, QUEUE), "k", {})

    # -- after a restart ------------------------------------------------------------------------

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, DeduplicatingLife)
        committed_lsn = before.node.commit.committed_lsn
        there = self.bodies_found(QUEUE) | before.acked
        for body, sent in before.sent.items():
            if sent.lsn <= committed_lsn:
                assert body in there, f"lost: {body!r}"
        keys_there = {sent.key for body, sent in before.sent.items() if body in there}
        for key, lsn in before.repeated:
            if lsn <= committed_lsn:
                assert key in keys_there, f"a duplicate of nothing: {key}"
        self._deduplicator.recover(self.node.opened.queues[self.ids[EXCHANGE]], self.now_ms)
        self.queue_named(QUEUE).engine.recover(
            self.node.opened.queues[self.ids[QUEUE]], self.now_ms
        )
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
        lsn = lsn_of(outcome.safe_at)
        unroutable = set(outcome.unroutable)
        for index, (key, record) in enumerate(zip(keys, run, strict=True)):
            if index in unroutable:
                self.repeated.append(Repeated(key, lsn))
            else:
                self.sent[record.body] = Sent(key, lsn)

    def take(self) -> None:
        """Take some messages out of the queue for good."""
        self.acked.update(record.body for record in self.take_for_good(QUEUE))

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _deduplicator(self) -> Deduplicator:
        return cast("Deduplicator", self.vhost.keepers.deduplicator(EXCHANGE))

    def _is_seen(self, key: int) -> bool:
        run = [self._made(b"", key)]
        return bool(self._deduplicator.seen.sort(run, self.now_ms).duplicates)

    def _message(self, key: int) -> Record:
        return self._made(self._next_body(), key)

    def _made(self, body: bytes, key: int) -> Record:
        given = {"headers": {"x-deduplication-header": f"key {key}"}, "delivery_mode": 2}
        header = content_header(len(body), property_list(**given))
        return Record(make_route(EXCHANGE, "k"), header, body, *traits_of(header))
