"""Random lives of a vhost whose messages also are moved by jobs, on a disk that may go at any time.

    rejects → second      second → last      first → last      poison → last

A message that was safe in a queue must be there after a crash, or where a job has moved it to. One
that was deleted, or moved by itself, must not be there, once it may be said that it is gone.
"""

import random
from typing import Final

from amqp_server.broker.commands import picking
from amqp_server.broker.commands.picking import Fate, Picked, Target
from amqp_server.broker.jobs.move import JobState, Move, MoveJob
from amqp_server.broker.messages.fingerprint import fingerprint
from persistence.files import Files
from queues.looking import LookPlace
from queues.options import Durability
from tests.crash.life import Life
from tests.crash.move_life import SHAPES, MoveLife, Place, Safety
from tests.crash.stored_node import messages_of
from tests.crash.vhost_life import lsn_of

MOVES: Final = {"rejects": "second", "second": "last", "first": "last", "poison": "last"}


class JobLife(MoveLife):
    """One vhost being used; every choice is drawn from one seed.

    Attributes:
        moved_from: the queues that jobs took messages from, in this life and earlier ones.
        deleted: what was deleted, be it safe or not.
        gone: when it may be said that a message is gone, by queue and position.
    """

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.moved_from: set[str] = set()
        self.deleted: set[Place] = set()
        self.gone: dict[tuple[str, int], Safety] = {}
        self.jobs: list[Move] = []
        self.actions = [
            *self.actions,
            (5, self.begin_job),
            (1, self.cancel_job),
            (2, self.pause_jobs),
            (5, self.move_one),
            (5, self.delete_one),
        ]

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, JobLife)
        self.moved_from = set(before.moved_from)
        for name, position in before.gone:
            if before.is_safe(before.gone[name, position], power_was_lost=power_was_lost):
                found = messages_of(self.node.opened.queues[self.ids[name]], 0)
                assert position not in found, f"back: {position} of {name}"
                self.gone[name, position] = Safety(0, True)
        super().take_over(before, power_was_lost=power_was_lost)

    def is_kept(self, place: Place, found: set[Place]) -> bool:
        if place in self.deleted or super().is_kept(place, found):
            return True
        if place.queue_name not in self.moved_from:
            return False
        return self.is_kept(Place(MOVES[place.queue_name], place.body), found)

    def begin_job(self) -> None:
        source = self.draw.choice(list(MOVES))
        queue = self.queue_named(source)
        count = queue.engine.ready_count
        move = Move(len(self.jobs), "/", source, MOVES[source], "guest", self.now_ms, count)
        self.jobs.append(move)
        self.moved_from.add(source)
        self._turn.later(
            MoveJob(move, queue, self.vhost.publisher, self._turn, lambda: "", lambda: None)
        )

    def move_one(self) -> None:
        """Move one message out of the middle."""
        source = self.draw.choice(list(MOVES))
        self.moved_from.add(source)
        self._take_one(source, Target(MOVES[source]))

    def delete_one(self) -> None:
        """Delete one message out of the middle."""
        self._take_one(self.draw.choice(list(SHAPES)), None)

    def _take_one(self, source: str, target: Target | None) -> None:
        queue = self.queue_named(source)
        assert queue.emptied is not None
        found = queue.engine.look(None)
        shown = [one for each in found.slices for one in each.messages()]
        if not shown or found.place is None:
            return
        message = self.draw.choice(shown)
        picked = Picked(LookPlace(found.place.lane, message.position), fingerprint(message.record))
        fate, safe_at = picking.take_one(
            queue, queue.emptied, picked, target, self.vhost.publisher, self.now_ms
        )
        if fate in {Fate.DELETED, Fate.MOVED}:
            is_fsynced = queue.engine.options.durability is Durability.FSYNC
            self.gone[source, message.position] = Safety(lsn_of(safe_at), is_fsynced)
        if fate is Fate.DELETED:
            self.deleted.add(Place(source, message.record.body))

    def pause_jobs(self) -> None:
        """Pause each job that goes on, and let those go on that stand still."""
        for move in self.jobs:
            if move.state is JobState.PAUSED:
                move.resume()
            else:
                move.pause()

    def cancel_job(self) -> None:
        going = [move for move in self.jobs if not move.is_over]
        if going:
            self.draw.choice(going).state = JobState.CANCELLED
