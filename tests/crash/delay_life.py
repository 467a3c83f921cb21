"""Random lives of an exchange that delays, on a disk that may go at any time.

    publish ─▶ x (x-delayed-message) ─ waiting ─ due ─┬─ k ─▶ last  ─┬─▶ consumer
                                                      ├─ o ─▶ other ─┤
                                                      └─ b ─▶ both ──┘

A message that was safe must wait after a crash, or be in each of its queues, or be acked there. It
never comes before its time of day. Each restart sets the clock, because its offset is drawn anew.
"""

import random
from itertools import count
from typing import Final, NamedTuple, cast

from amqp_server.broker.arguments.declare import ExchangeProperties, QueueProperties
from amqp_server.broker.backing import Backing
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.keepers.waiting_room import WaitingRoom
from amqp_server.broker.queue import QueueIdentity
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from amqp_server.wire.properties import traits_of
from exchanges.bindings import Destination, DestinationKind
from persistence.files import Files
from persistence.log import Log
from persistence.log_state import LogOptions
from persistence.record import Record, make_route
from queues.memory import MemoryRules
from queues.ports import QueueEngine
from queues.tail import NodeMemory
from tests.crash.life import Life
from tests.crash.stored_node import messages_of
from tests.support.frames import content_header, property_list, table

NOW_MS: Final = 2_000_000
BUDGET_BYTES: Final = 900
DELAYS_MS: Final = (1, 3, 20, 40, 300, 1_000, 5_000, 70_000, 1_000_000)
DELAYED: Final = "x"
QUEUES: Final = ("last", "other")
IDS: Final = {DELAYED: 1, "last": 2, "other": 3}
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


class DelayLife(Life):
    """One exchange being used; every choice is drawn from one seed.

    Attributes:
        sent: by body.
        acked: what was taken for good, be it safe or not, with its queue.
    """

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.sent: dict[bytes, Sent] = {}
        self.acked: set[tuple[str, bytes]] = set()
        self.now_ms = NOW_MS
        clock = count()
        self._turn = Turn(10, TurnBudget(clock.__next__, draw.choice((1, 3, 1_000))))
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
            (10, self.publish),
            (6, self.let_time_pass),
            (9, self.end_turn),
            (3, self.take),
            (1, self.drop_some),
            (8, self.commit),
            (6, self.go_on_with_checkpoint),
            (1, self.node.commit.request_fsync),
        ]

    # -- after a restart ------------------------------------------------------------------------

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, DelayLife)
        found = {
            name: {
                each.body for each, _ in messages_of(self.node.opened.queues[IDS[name]], 0).values()
            }
            for name in IDS
        }
        waiting = found[DELAYED]
        self.acked = set(before.acked)
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
        self._room.recover(self.node.opened.queues[IDS[DELAYED]], self.now_ms)
        for name in QUEUES:
            self._engine(name).recover(self.node.opened.queues[IDS[name]], self.now_ms)
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
            self.sent[record.body] = Sent(outcome.safe_at.lsn, due_wall_ms, record.routing_key)

    def let_time_pass(self) -> None:
        self.now_ms += self.draw.choice(DELAYS_MS)
        if (due_ms := self._turn.next_deadline_ms()) is not None and due_ms <= self.now_ms:
            self._turn.on_deadline(self.now_ms)

    def end_turn(self) -> None:
        """Let the broker do its remaining work, as far as it can."""
        self._turn.budget.begin()
        self._turn.end(self.now_ms)

    def take(self) -> None:
        """Take some messages out of a queue for good."""
        name = self.draw.choice(QUEUES)
        for _ in range(self.draw.choice((1, 5, 20))):
            got = self._engine(name).get(self.now_ms, no_ack=True)
            if got is None:
                return
            for record in got[0].records:
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
            self.acked |= {(name, body) for name in QUEUES_OF_KEY[self.sent[body].key]}

    # -- inside ---------------------------------------------------------------------------------

    @property
    def _room(self) -> WaitingRoom:
        return cast("WaitingRoom", self.vhost.keepers.room(DELAYED))

    def _engine(self, name: str) -> QueueEngine:
        queue = self.vhost.queues.find(name)
        assert queue is not None, "none is ever deleted"
        return queue.engine

    def _declare(self) -> None:
        arguments = table({"x-delayed-type": "direct"})
        properties = ExchangeProperties("x-delayed-message", True, False, False, arguments)
        self.vhost.exchanges.declare(DELAYED, properties, queue_id=IDS[DELAYED])
        for name in QUEUES:
            plain = QueueProperties(True, False, False, {})
            self.vhost.queues.declare(name, plain, None, self.now_ms, queue_id=IDS[name])
        for key, names in QUEUES_OF_KEY.items():
            for name in names:
                self.vhost.bind(DELAYED, Destination(DestinationKind.QUEUE, name), key, {})

    def _log_of(self, queue: QueueIdentity) -> Log:
        found = self.node.opened.queues.get(queue.queue_id)
        if found is not None:
            return found.log
        made = self.node.declare(LogOptions(max_priority=queue.options.max_priority)).log
        assert made.queue_id == queue.queue_id, "in this order in every life"
        return made

    def _message(self, delay_ms: int, key: str) -> Record:
        self.published_count += 1
        draw = self.draw
        body = b"%d " % self.published_count + bytes(draw.choice((0, 3, 60, 300)))
        given = {"headers": {"x-delay": delay_ms, "n": self.published_count}, "delivery_mode": 2}
        header = content_header(len(body), property_list(**given))
        return Record(make_route(DELAYED, key), header, body, *traits_of(header))
