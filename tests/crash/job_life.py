"""Random lives of a vhost whose messages also are moved by jobs, on a disk that may go at any time.

    rejects → second      second → last      first → last      poison → last

A message that was safe in a queue must be there after a crash, or where a job has moved it to.
"""

import random
from typing import Final

from amqp_server.broker.commands.picking import Picked, Target, take_one
from amqp_server.broker.jobs.move import JobState, Move, MoveJob
from amqp_server.broker.messages.fingerprint import fingerprint
from persistence.files import Files
from queues.looking import LookPlace
from tests.crash.life import Life
from tests.crash.move_life import MoveLife, Place

MOVES: Final = {"rejects": "second", "second": "last", "first": "last", "poison": "last"}


class JobLife(MoveLife):
    """One vhost being used; every choice is drawn from one seed.

    Attributes:
        moved_from: the queues that jobs took messages from, in this life and earlier ones.
    """

    def __init__(self, files: Files, draw: random.Random) -> None:
        super().__init__(files, draw)
        self.moved_from: set[str] = set()
        self.jobs: list[Move] = []
        self.actions = [
            *self.actions,
            (5, self.begin_job),
            (1, self.cancel_job),
            (2, self.pause_jobs),
            (5, self.pick_one),
        ]

    def take_over(self, before: Life, *, power_was_lost: bool) -> None:
        assert isinstance(before, JobLife)
        self.moved_from = set(before.moved_from)
        super().take_over(before, power_was_lost=power_was_lost)

    def is_kept(self, place: Place, found: set[Place]) -> bool:
        if super().is_kept(place, found):
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

    def pick_one(self) -> None:
        """Move one message out of the middle."""
        source = self.draw.choice(list(MOVES))
        found = self.queue_named(source).engine.look(None)
        shown = [one for each in found.slices for one in each.messages()]
        if not shown or found.place is None:
            return
        message = self.draw.choice(shown)
        picked = Picked(LookPlace(found.place.lane, message.position), fingerprint(message.record))
        self.moved_from.add(source)
        queue = self.queue_named(source)
        assert queue.emptied is not None
        target = Target(MOVES[source])
        take_one(queue, queue.emptied, picked, target, self.vhost.publisher, self.now_ms)

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
