"""What random lives of a vhost share: the real queues, on a disk that may go at any time."""

import random
from collections.abc import Mapping
from itertools import count
from typing import ClassVar, Final

from amqp_server.broker.backing import Backing
from amqp_server.broker.budget import TurnBudget
from amqp_server.broker.queue import Queue, QueueIdentity
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from persistence.files import Files
from persistence.log import Log
from persistence.log_state import LogOptions
from persistence.record import Record
from queues.commits import CommitPoint
from queues.memory import MemoryRules
from queues.tail import NodeMemory
from tests.crash.life import Life
from tests.crash.stored_node import messages_of

BUDGETS: Final = (1, 3, 1_000)
"""Looks at the clock that a turn has: of some lives each piece of work is a turn of its own."""


class VhostLife(Life):
    """One vhost being used; every choice is drawn from one seed.

    Attributes:
        ids: of what has a log, in the order in which each life declares it.
        budget_bytes: of each queue, so that most of them are longer.
        now_ms: the instant; it begins anew with each life.
    """

    ids: ClassVar[Mapping[str, int]]
    budget_bytes: ClassVar[int] = 900
    now_ms: int = 2_000_000

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self._turn = Turn(10, TurnBudget(count().__next__, draw.choice(BUDGETS)))
        self.vhost = Vhost(
            "/",
            self._turn,
            lambda now_ms: now_ms // 1000,
            None,
            Backing(make_log=self._log_of, memory=MemoryRules(NodeMemory(), self.budget_bytes)),
        )
        is_new = not self.node.opened.queues
        self.declare_all()
        if is_new:
            self.node.commit.request_fsync()
            while self.node.commit_group():
                pass

    def declare_all(self) -> None:
        """Declare what the life uses, in the order of ``ids``."""
        raise NotImplementedError

    def bodies_found(self, name: str) -> set[bytes]:
        """Return the bodies of the messages that the restart found under a name."""
        recovered = self.node.opened.queues[self.ids[name]]
        return {bytes(each.body) for each, _ in messages_of(recovered, 0).values()}

    def queue_named(self, name: str) -> Queue:
        queue = self.vhost.queues.find(name)
        assert queue is not None, "none is ever deleted"
        return queue

    # -- what happens ---------------------------------------------------------------------------

    def let_ms_pass(self, ms: int) -> None:
        """Let time pass; what is due then is done as far as the turn allows."""
        self.now_ms += ms
        if (due_ms := self._turn.next_deadline_ms()) is not None and due_ms <= self.now_ms:
            self._turn.on_deadline(self.now_ms)

    def end_turn(self) -> None:
        """Let the broker do its remaining work, as far as it can."""
        self._turn.budget.begin()
        self._turn.end(self.now_ms)

    def take_for_good(self, name: str) -> list[Record]:
        """Take some messages out of a queue, which need no ack; return them."""
        taken: list[Record] = []
        engine = self.queue_named(name).engine
        for _ in range(self.draw.choice((1, 5, 20))):
            got = engine.get(self.now_ms, no_ack=True)
            if got is None:
                break
            taken += got[0].records
        return taken

    # -- inside ---------------------------------------------------------------------------------

    def _log_of(self, queue: QueueIdentity) -> Log:
        found = self.node.opened.queues.get(self.ids[queue.name])
        if found is not None:
            return found.log
        made = self.node.declare(LogOptions(max_priority=queue.options.max_priority)).log
        assert made.queue_id == self.ids[queue.name], "in this order in every life"
        return made

    def _next_body(self) -> bytes:
        self.published_count += 1
        return b"%d " % self.published_count + bytes(self.draw.choice((0, 3, 60, 300)))


def lsn_of(point: CommitPoint) -> int:
    """Return the LSN that makes it safe, of the one group that there is."""
    assert not point.others, "there is one group"
    return point.lsn
