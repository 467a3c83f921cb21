"""Random lives of a queue that deduplicates, on a disk that may go at any time.

After a crash each message that was confirmed is there, or was taken; so is what each confirmed
duplicate repeats; and the queue knows the keys of the messages that it has, and no others.
"""

import random
from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple, cast

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.wire.properties import traits_of
from persistence.files import Files
from persistence.record import Record, make_route
from queues.batch import Batch
from queues.classic.deduplicating_queue import DeduplicatingQueue
from tests.crash.life import Life
from tests.crash.vhost_life import VhostLife, lsn_of
from tests.support.frames import content_header, property_list, table

KEYS: Final = 12
QUEUE: Final = "last"


class Sent(NamedTuple):
    """A message that was taken, or a duplicate of it: safe once this LSN is committed."""

    body: bytes
    lsn: int


class DeduplicatingQueueLife(VhostLife):
    """One queue being used; every choice is drawn from one seed.

    Attributes:
        sent: what was published, duplicates under the body of what they repeat.
        present: the body of the message in the queue, by key.
        acked: bodies that were taken for good, be it safe or not.
    """

    ids: ClassVar[Mapping[str, int]] = {QUEUE: 1}

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.sent: list[Sent] = []
        self.present: dict[int, bytes] = {}
        self.key_of: dict[bytes, int] = {}
        self.acked: set[bytes] = set()
        self._unacked: list[Batch] = []
        self.actions = [
            (12, self.publish),
            (6, self.take),
            (5, self.give_back_or_ack),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.node.commit.request_fsync),
        ]

    def declare_all(self) -> None:
        arguments = table({"x-message-deduplication": True})
        properties = QueueProperties(True, False, False, arguments)
        self.vhost.queues.declare(QUEUE, properties, None, self.now_ms, queue_id=self.ids[QUEUE])

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, DeduplicatingQueueLife)
        found = self.bodies_found(QUEUE)
        for body, lsn in before.sent:
            if lsn <= before.node.commit.committed_lsn:
                assert body in found or body in before.acked, f"lost: {body!r}"
        self.key_of = dict(before.key_of)
        self._engine.recover(self.node.opened.queues[self.ids[QUEUE]], self.now_ms)
        keys = {self.key_of[body] for body in found}
        known = {key for key in range(KEYS) if self._is_present(key)}
        assert known == keys, "the keys are those of the messages"
        # A crash may bring back what was acked, beside a message of the same key that came since.
        self.present = {}
        for body in sorted(found, key=lambda body: int(body.split()[0])):
            self.present[self.key_of[body]] = body
        self.sent = [Sent(body, 0) for body in found]
        self.acked = set(before.acked)
        self.published_count = before.published_count

    # -- what happens ---------------------------------------------------------------------------

    def publish(self) -> None:
        draw = self.draw
        run = []
        bodies = []
        for _ in range(draw.choice((1, 2, 5, 20))):
            key = draw.randrange(KEYS)
            record = self._message(key)
            run.append(record)
            bodies.append(self.present.setdefault(key, bytes(record.body)))
        outcome = self.vhost.publisher.publish("", run, self.now_ms)
        self.sent += [Sent(body, lsn_of(outcome.safe_at)) for body in bodies]

    def take(self) -> None:
        """Take some messages, mostly for good."""
        for _ in range(self.draw.choice((1, 5, 20))):
            no_ack = self.draw.random() < 0.7
            got = self._engine.get(self.now_ms, no_ack=no_ack)
            if got is None:
                return
            if no_ack:
                self._forget(got[0])
            else:
                self._unacked.append(got[0])

    def give_back_or_ack(self) -> None:
        """End what is unacked."""
        while self._unacked:
            batch = self._unacked.pop()
            if self.draw.random() < 0.5:
                self._engine.requeue([batch], self.now_ms)
            else:
                self._engine.settle(batch.positions, batch.body_bytes)
                self._forget(batch)

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _engine(self) -> DeduplicatingQueue:
        return cast("DeduplicatingQueue", self.queue_named(QUEUE).engine)

    def _forget(self, batch: Batch) -> None:
        for record in batch.records:
            body = bytes(record.body)
            self.acked.add(body)
            key = self.key_of[body]
            if self.present.get(key) == body:
                del self.present[key]

    def _is_present(self, key: int) -> bool:
        keyed = self._engine._keyed
        (octets,) = keyed.keys_of([self._made(b"", key)])
        assert octets is not None, "it has one"
        return keyed.is_present(octets, 1)

    def _message(self, key: int) -> Record:
        body = self._next_body()
        self.key_of[body] = key
        return self._made(body, key)

    def _made(self, body: bytes, key: int) -> Record:
        given = {"headers": {"x-deduplication-header": key}, "delivery_mode": 2}
        header = content_header(len(body), property_list(**given))
        return Record(make_route("", QUEUE), header, body, *traits_of(header))
