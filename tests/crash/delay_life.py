"""Random lives of an exchange that delays, on a disk that may go at any time.

    publish ─▶ x (x-delayed-message) ─ waiting ─ due ─┬─ k ─▶ last  ─┬─▶ consumer
                                                      ├─ o ─▶ other ─┤
                                                      └─ b ─▶ both ──┘

A message that was safe must wait after a crash, or be in each of its queues, or be acked there. It
never comes before its time of day. Each restart sets the clock, because its offset is drawn anew.
"""

import random
from collections.abc import Mapping
from typing import ClassVar, Final, NamedTuple, cast

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.keepers.waiting_room import WaitingRoom
from amqp_server.wire.properties import traits_of
from exchanges.bindings import Destination, DestinationKind
from persistence.files import Files
from persistence.record import Record, make_route
from tests.crash.life import Life
from tests.crash.vhost_life import VhostLife, lsn_of
from tests.support.frames import content_header, property_list, table

DELAYS_MS: Final = (1, 3, 20, 40, 300, 1_000, 5_000, 70_000, 1_000_000)
DELAYED: Final = "x"
QUEUES: Final = ("last", "other")
QUEUES_OF_KEY: Final = {"k": ("last",), "o": ("other",), "b": QUEUES}


class Sent(NamedTuple):
    """A message that was published, or found after a restart.

    Attributes:
        lsn: safe once this is committed; 0 is always.
        due_wall_ms: its time of day.
        key: its routing key.
    """

    lsn: int
    due_wall_ms: int
    key: str


class DelayLife(VhostLife):
    """One exchange being used; every choice is drawn from one seed.

    Attributes:
        sent: by body.
        acked: what was taken for good, be it safe or not, with its queue.
        dropped: bodies of what was dropped while it waited, with the LSNs at which that is safe.
    """

    ids: ClassVar[Mapping[str, int]] = {DELAYED: 1, "last": 2, "other": 3}

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.sent: dict[bytes, Sent] = {}
        self.acked: set[tuple[str, bytes]] = set()
        self.dropped: dict[bytes, int] = {}
        self.actions = [
            (10, self.publish),
            (6, self.let_time_pass),
            (9, self.end_turn),
            (3, self.take),
            (1, self.drop_some),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.node.commit.request_fsync),
        ]

    def declare_all(self) -> None:
        arguments = table({"x-delayed-type": "direct"})
        properties = ExchangeProperties("x-delayed-message", True, False, False, arguments)
        self.vhost.exchanges.declare(DELAYED, properties, queue_id=self.ids[DELAYED])
        for name in QUEUES:
            plain = QueueProperties(True, False, False, {})
            self.vhost.queues.declare(name, plain, None, self.now_ms, queue_id=self.ids[name])
        for key, names in QUEUES_OF_KEY.items():
            for name in names:
                self.vhost.bind(DELAYED, Destination(DestinationKind.QUEUE, name), key, {})

    # -- after a restart ------------------------------------------------------------------------

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, DelayLife)
        found = {name: self.bodies_found(name) for name in self.ids}
        waiting = found[DELAYED]
        self.acked = set(before.acked)
        committed_lsn = before.node.commit.committed_lsn
        self.dropped = {body: 0 for body, lsn in before.dropped.items() if lsn <= committed_lsn}
        assert waiting.isdisjoint(self.dropped), "what was dropped is back"
        self.sent = {}
        for body, sent in before.sent.items():
            came = [body in found[name] for name in QUEUES_OF_KEY[sent.key]]
            left = [
                name
                for name in QUEUES_OF_KEY[sent.key]
                if body not in found[name] and (name, body) not in before.acked
            ]
            if sent.lsn <= before.node.commit.committed_lsn:
                assert body in waiting or not left, f"lost: {body!r} in {left}"
            # What is in a queue was not early when it came.
            self.sent[body] = sent._replace(lsn=0, due_wall_ms=0 if any(came) else sent.due_wall_ms)
            if body not in waiting:
                self.acked |= {
                    (name, body) for name in QUEUES_OF_KEY[sent.key] if body not in found[name]
                }
        self.published_count = before.published_count
        self._room.recover(self.node.opened.queues[self.ids[DELAYED]], self.now_ms)
        for name in QUEUES:
            self.queue_named(name).engine.recover(
                self.node.opened.queues[self.ids[name]], self.now_ms
            )
        messages = self._room.messages
        assert messages.count == len([*messages.walk()]), "the count is right after a restart"

    # -- what happens ---------------------------------------------------------------------------

    def publish(self) -> None:
        draw = self.draw
        delay_ms = draw.choice(DELAYS_MS)
        key = draw.choice([*QUEUES_OF_KEY])
        run = [self._message(delay_ms, key) for _ in range(draw.choice((1, 2, 5, 20)))]
        outcome = self.vhost.publisher.publish(DELAYED, run, self.now_ms)
        due_wall_ms = self.now_ms + delay_ms + self.node.wall_offset_ms
        for record in run:
            self.sent[record.body] = Sent(lsn_of(outcome.safe_at), due_wall_ms, record.routing_key)

    def let_time_pass(self) -> None:
        self.let_ms_pass(self.draw.choice(DELAYS_MS))

    def take(self) -> None:
        """Take some messages out of a queue for good."""
        name = self.draw.choice(QUEUES)
        for record in self.take_for_good(name):
            wall_ms = self.now_ms + self.node.wall_offset_ms
            assert wall_ms >= self.sent[record.body].due_wall_ms, f"early: {record.body!r}"
            self.acked.add((name, record.body))

    def drop_some(self) -> None:
        """Drop a message that waits."""
        messages = self._room.messages
        try:
            shown = next(messages.walk(), None)
        except OSError:
            return
        if shown is not None:
            messages.drop(shown.position)
            body = shown.record.body
            self.dropped[body] = messages.settled_lsn
            self.acked |= {(name, body) for name in QUEUES_OF_KEY[self.sent[body].key]}

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _room(self) -> WaitingRoom:
        return cast("WaitingRoom", self.vhost.keepers.room(DELAYED))

    def _message(self, delay_ms: int, key: str) -> Record:
        body = self._next_body()
        given = {"headers": {"x-delay": delay_ms, "n": self.published_count}, "delivery_mode": 2}
        header = content_header(len(body), property_list(**given))
        return Record(make_route(DELAYED, key), header, body, *traits_of(header))
