"""Moves dead messages of a vhost to their dead letter exchanges; copies before it settles.

    a queue has dead letters → noted in line → moved in order, within the budget of the turn
                                                └ the rest is a job of the turns to come

Messages that died together and differ only in their bodies are made, routed and enqueued as one
run. Their settlement comes behind it in the order of LSNs, which is the order in which logs are
written. So a crash may leave a message in both queues and never in none. Where the copies are in
another commit group there is no such order. Then the messages are settled when the copies are safe.

Source: ADR 18; RabbitMQ, rabbit_dead_letter: at most once, so a message without a route is gone.
``broker.moves.confirmed`` has at least once.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from amqp_server.broker.congestion import Congestion
from amqp_server.broker.moves.confirmed import ConfirmedMoves, are_of, settle_moved
from amqp_server.broker.moves.dead_letters import dead_letters
from amqp_server.broker.publish import Publisher
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from persistence.record import alike_stretches
from queues.commits import SAFE_NOW, CommitPoint, is_ordered_by, is_safe, later_of, wait_for
from queues.effects import DeadLettered, Effect
from queues.moves import Dying, Moves

PIECE_MAX: Final = 256
"""Messages that are taken from their queue, and settled, in one step."""


@dataclass(slots=True)
class _InLine:
    """Messages of one queue that died one after another.

    Attributes:
        count: how many are still to be taken.
        brought_about_count: how many of them a publisher caused and may wait for.
    """

    queue: Queue
    count: int
    brought_about_count: int = 0


class Mover:
    """A ``broker.budget.Job``.

    Invariant: while messages are in line, the turn has an effect or a job of this mover.
    """

    def __init__(
        self,
        turn: Turn,
        publisher: Publisher,
        has_exchange: Callable[[str], bool],
        wall_s: Callable[[int], int],
        congestion: Congestion | None = None,
    ) -> None:
        """Begin with nothing to move.

        Args:
            turn: the broker's.
            publisher: the vhost's.
            has_exchange: whether there is an exchange of this name.
            wall_s: the time of day in seconds at a ``now_ms``.
            congestion: counts the moves that publishes caused; None lets no publisher wait.
        """
        self._turn = turn
        self._confirmed: dict[Queue, ConfirmedMoves] = {}
        self._publisher = publisher
        self._has_exchange = has_exchange
        self._wall_s = wall_s
        # In the order in which they died.
        self._line: deque[_InLine] = deque()
        self._congestion = Congestion() if congestion is None else congestion
        self._is_at_work = False
        self._steps: Steps[None] | None = None
        self._moving_from: Queue | None = None
        self._finishing: set[Queue] = set()
        self._is_called = False

    def note(self, queue: Queue, dead: DeadLettered) -> None:
        """Put newly dead messages of a queue in line, behind those that wait."""
        self._put_in_line(queue, dead.count)
        if dead.is_prompt:
            self._line[-1].brought_about_count += dead.count
            self._congestion.bring_about(dead.count, by_event=not self._is_at_work)

    def step(self, _now_ms: int) -> bool:
        """Move a piece, and more within the budget; return whether all are moved."""
        is_spent = self._turn.budget.is_spent
        steps = self._steps = self._steps or self._moving_all()
        full = self._congestion.full
        self._is_at_work = True
        for _ in steps:
            if is_spent():
                break
        else:
            self._steps = None
            self._is_called = False
        self._is_at_work = False
        # No client waits for room in a queue that dead letters fill.
        self._congestion.blame_only(full)
        return self._steps is None

    def finishing(self, queue: Queue) -> Steps[None]:
        """Move all dead messages of a queue that is about to go, before those of others."""
        confirmed = self._confirmed.pop(queue, None)
        if confirmed is not None:
            # Messages that stay are lost with their queue, as in RabbitMQ.
            confirmed.forget()
            return
        self._finishing.add(queue)
        while self._moving_from is queue and self._steps is not None:
            next(self._steps, None)
            yield
        while (yield from self._moving(queue, PIECE_MAX, self._turn.now_ms)):
            yield
        self._finishing.remove(queue)

    def _put_in_line(self, queue: Queue, count: int) -> None:
        last = self._line[-1] if self._line else None
        if last is not None and last.queue is queue:
            last.count += count
        else:
            self._line.append(_InLine(queue, count))
        if not self._is_called:
            self._is_called = True
            self._turn.emit(self._begin, DeadLettered(queue.name, count))

    def _begin(self, _effect: Effect, now_ms: int) -> None:
        if not self.step(now_ms):
            self._turn.later(self)

    # -- in steps -----------------------------------------------------------------------------

    def _moving_all(self) -> Steps[None]:
        """Move the messages in line, and those that come meanwhile."""
        line = self._line
        while line:
            first = line[0]
            moved_count = 0
            if first.queue not in self._finishing:
                self._moving_from = first.queue
                max_count = min(first.count, PIECE_MAX)
                moved_count = yield from self._moving(first.queue, max_count, self._turn.now_ms)
                self._moving_from = None
            first.count -= moved_count
            worked_off_count = min(moved_count, first.brought_about_count)
            if not moved_count or not first.count:
                line.popleft()
                worked_off_count = first.brought_about_count
            if worked_off_count:
                first.brought_about_count -= worked_off_count
                self._congestion.work_off(worked_off_count)
            yield

    def _moving(self, queue: Queue, max_count: int, now_ms: int) -> Steps[int]:
        """Move the oldest of a queue's dead letters; return how many."""
        if queue.engine.options.dead_letters_at_least_once and not queue.is_deleted:
            confirmed = self._confirmed_moves(queue)
            return (yield from confirmed.moving(max_count, now_ms, self._wall_s(now_ms)))
        moves = queue.engine.moves
        dying = moves.take(max_count)
        if dying is None:
            return 0
        safe_at = SAFE_NOW
        if dying.exchange == "" or self._has_exchange(dying.exchange):
            safe_at = yield from self._publishing(queue.name, dying, now_ms)
        if is_ordered_by(queue.engine.commit_group, safe_at):
            settle_moved(queue, moves, dying)
        else:
            wait_for(safe_at, partial(self._decided, queue, moves, dying, safe_at))
        return len(dying.records)

    def _decided(self, queue: Queue, moves: Moves, dying: Dying, safe_at: CommitPoint) -> None:
        """Settle messages whose copies are safe; those whose copies may be lost are moved again."""
        if is_safe(safe_at) or queue.is_deleted:
            settle_moved(queue, moves, dying)
        elif are_of(queue, moves):
            moves.give_back(dying)
            self._put_in_line(queue, len(dying.records))

    def _publishing(self, queue_name: str, dying: Dying, now_ms: int) -> Steps[CommitPoint]:
        """Publish copies, as many at once as are alike; return when they are safe."""
        safe_at = SAFE_NOW
        wall_s = self._wall_s(now_ms)
        for start, stop in alike_stretches(dying.records):
            letters = dead_letters(
                dying.records[start:stop],
                dying.reason,
                queue_name,
                dying.exchange,
                dying.routing_key,
                wall_s,
            )
            published = yield from self._publisher.publishing_to_keys(
                dying.exchange, letters.routing_keys, letters.run, now_ms, letters.is_cycle
            )
            safe_at = later_of(safe_at, published.safe_at)
            yield
        return safe_at

    def _confirmed_moves(self, queue: Queue) -> ConfirmedMoves:
        found = self._confirmed.get(queue)
        if found is None:
            found = self._confirmed[queue] = ConfirmedMoves(
                queue,
                self._publisher,
                self._has_exchange,
                self._turn,
                self._put_in_line,
            )
        return found
