"""Random lives of a vhost whose messages die in every way, on a disk that may go at any time.

    rejects ─┬→ fanout ─┬→ first (fsync) ─ by time → last
    expires ─┤          └→ second (os)
    is short ┘   poison, by priority: → second     at least once: → narrow (refuses at 3)

A message that was safe in a queue must be there after a crash, or be kept by all queues that its
dead letters go to: *kept* is there, or acked there. Nothing is asked of one that was not safe.
"""

import random
from collections.abc import Mapping, Sequence
from typing import ClassVar, Final, NamedTuple

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import finish
from exchanges.bindings import Destination, DestinationKind
from persistence.files import Files
from persistence.record import PERSISTENT, Record, make_route
from queues.options import Durability
from tests.crash.life import HEADER, Life
from tests.crash.vhost_life import VhostLife, lsn_of
from tests.support.classic_queue import single_batches
from tests.support.consumer import FakeConsumer
from tests.support.frames import table

TTL_MS: Final = 40
FANOUT: Final = "amq.fanout"


class Shape(NamedTuple):
    """One queue of every life: its arguments, and where its dead letters go."""

    arguments: Mapping[str, object]
    targets: Sequence[str] = ()


def _to(*targets: str, **arguments: object) -> Shape:
    given = {f"x-{key.replace('_', '-')}": value for key, value in arguments.items()}
    if len(targets) == 1:
        given |= {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": targets[0]}
    elif targets:
        given["x-dead-letter-exchange"] = FANOUT
    return Shape(given, targets)


SHAPES: Final[Mapping[str, Shape]] = {
    "rejects": _to("first", "second"),
    "expires": _to("first", "second", message_ttl=TTL_MS),
    "is short": _to("first", "second", max_length=4),
    "poison": _to("second", queue_type="quorum", delivery_limit=1),
    "by priority": _to("second", max_priority=3, max_length=6),
    "at least once": _to(
        "narrow",
        queue_type="quorum",
        message_ttl=TTL_MS,
        overflow="reject-publish",
        dead_letter_strategy="at-least-once",
    ),
    "first": _to("last", message_ttl=3 * TTL_MS),
    "second": Shape({"x-durability": "os"}),
    "narrow": _to(max_length=3, overflow="reject-publish"),
    "last": Shape({}),
}
PUBLISHED_TO: Final = tuple(SHAPES)[:7]


class Place(NamedTuple):
    """A message in a queue, by its body."""

    queue_name: str
    body: bytes


class Safety(NamedTuple):
    """When a message is safe in a queue.

    Attributes:
        lsn: once this is committed; 0 is always.
        is_fsynced: to the disk, or to the page cache.
    """

    lsn: int
    is_fsynced: bool


class MoveLife(VhostLife):
    """One vhost being used; every choice is drawn from one seed.

    Attributes:
        placed: what was published, and what a restart found.
        acked: what consumers took for good, be it safe or not.
    """

    ids: ClassVar[Mapping[str, int]] = {name: number for number, name in enumerate(SHAPES, start=1)}
    budget_bytes = 600

    def __init__(self, files: Files, draw: random.Random) -> None:
        self._consumers: dict[str, FakeConsumer] = {}
        super().__init__(files, draw)
        self.placed: dict[Place, Safety] = {}
        self.acked: set[Place] = set()
        self.actions = [
            (10, self.publish),
            (5, self.let_time_pass),
            (6, self.deliver),
            (4, self.reject),
            (4, self.give_back),
            (3, self.ack),
            (8, self.end_turn),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.change_policy),
            (1, self.node.commit.request_fsync),
        ]

    # -- after a restart ------------------------------------------------------------------------

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, MoveLife)
        found = {Place(name, body) for name in SHAPES for body in self.bodies_found(name)}
        for place, safety in before.placed.items():
            if before.is_safe(safety, power_was_lost=power_was_lost):
                assert before.is_kept(place, found), f"lost: {place}"
        self.placed = {place: Safety(0, True) for place in found}
        self.published_count = before.published_count
        for name, queue_id in self.ids.items():
            recovered = self.node.opened.queues[queue_id]
            self.queue_named(name).engine.recover(recovered, self.now_ms)

    def is_safe(self, safety: Safety, *, power_was_lost: bool) -> bool:
        """Return whether something must hold after a crash of this life."""
        committed_lsn = self.node.commit.committed_lsn
        on_disk = self.node.fsynced_lsn if power_was_lost else committed_lsn
        return safety.lsn <= (committed_lsn if safety.is_fsynced else on_disk)

    # -- what happens ---------------------------------------------------------------------------

    def publish(self) -> None:
        draw = self.draw
        name = draw.choice(PUBLISHED_TO)
        engine = self.queue_named(name).engine
        run = [self._message(name) for _ in range(draw.choice((1, 2, 5, 20)))]
        refused, safe_at, *_ = engine.publish(run, self.now_ms)
        safety = Safety(lsn_of(safe_at), engine.options.durability is Durability.FSYNC)
        for index, each in enumerate(run):
            if index not in refused:
                self.placed[Place(name, each.body)] = safety

    def let_time_pass(self) -> None:
        self.let_ms_pass(self.draw.choice((1, TTL_MS, 3 * TTL_MS)))

    def deliver(self) -> None:
        name, consumer = self._consumer()
        consumer.is_paused = False
        self.queue_named(name).engine.drain(self.now_ms, self.draw.choice((1, 3, 20)))
        consumer.is_paused = True

    def reject(self) -> None:
        name, consumer = self._consumer()
        if SHAPES[name].targets:
            entries = consumer.take_unacked(self._some_unacked(consumer))
            self.queue_named(name).engine.reject(single_batches(entries), self.now_ms)

    def give_back(self) -> None:
        name, consumer = self._consumer()
        entries = consumer.take_unacked(self._some_unacked(consumer))
        self.queue_named(name).engine.requeue(single_batches(entries), self.now_ms)

    def ack(self) -> None:
        """Settle all deliveries of the consumer."""
        name, consumer = self._consumer()
        entries = consumer.take_unacked(self._some_unacked(consumer))
        self.acked.update([Place(name, entry.record.body) for entry in entries])
        body_bytes = sum([len(entry.record.body) for entry in entries])
        positions = [entry.position for entry in entries]
        self.queue_named(name).engine.settle(positions, body_bytes)

    def change_policy(self) -> None:
        """Change the class of some queues, or how long one may be."""
        draw = self.draw
        definition: dict[str, object] = {"durability": draw.choice(("fsync", "os"))}
        if draw.random() < 0.5:
            definition["max-length"] = draw.choice((0, 2, 9))
        pattern = draw.choice(("^first$", "^rejects$", "^is short$"))
        if "max-length" in definition:
            pattern = "^is short$"
        self.vhost.policies.set(Policy("p", pattern, definition, 0), operator=False)
        finish(self.vhost.applying_policies(self.now_ms))

    # -- inside ---------------------------------------------------------------------------------

    def declare_all(self) -> None:
        for name, shape in SHAPES.items():
            self._declare(name, shape)

    def _declare(self, name: str, shape: Shape) -> None:
        properties = QueueProperties(True, False, False, table(dict(shape.arguments)))
        queue = self.vhost.queues.declare(name, properties, None, self.now_ms)
        if name in SHAPES["rejects"].targets:
            self.vhost.bind(FANOUT, Destination(DestinationKind.QUEUE, name), "", {})
        consumer = self._consumers[name] = FakeConsumer()
        consumer.is_paused = True
        queue.engine.consume(consumer, self.now_ms)

    def _consumer(self) -> tuple[str, FakeConsumer]:
        return self.draw.choice(list(self._consumers.items()))

    def _some_unacked(self, consumer: FakeConsumer) -> list[int]:
        held = sorted(consumer.unacked)
        return held[: self.draw.randrange(len(held) + 1)]

    def _message(self, queue_name: str) -> Record:
        body = self._next_body()
        priority = self.draw.randrange(4)
        return Record(make_route("", queue_name), HEADER, body, PERSISTENT, priority)

    def is_kept(self, place: Place, found: set[Place]) -> bool:
        """Return whether a message is somewhere where it has to be, or was taken for good."""
        if place in found or place in self.acked:
            return True
        targets = SHAPES[place.queue_name].targets
        kept = [self.is_kept(Place(name, place.body), found) for name in targets]
        return bool(kept) and all(kept)
