"""Moves what died in the queues of a vhost to their dead letter exchanges: copies before settling.

    a queue has dead letters → noted in line → moved in order, within the budget of the turn
                                                └ the rest is a job of the turns to come

Messages of one death that are alike but for their bodies are made, routed and enqueued as one run.
They are settled behind it: in the order of LSNs, which is that in which logs are written, so that a
crash may leave a message in both queues and never in none.

Source: ADR 18; RabbitMQ, rabbit_dead_letter: at most once, so that what has nowhere to go is gone;
at least once see ``broker.moves.confirmed``.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

from amqp_server.broker.commits import Commits
from amqp_server.broker.moves.confirmed import ConfirmedMoves
from amqp_server.broker.moves.dead_letters import dead_letters
from amqp_server.broker.publish import Publisher
from amqp_server.broker.queue_table import Queue
from amqp_server.broker.turn import Turn
from persistence.record import alike_stretches
from queues.effects import DeadLettered, Effect
from queues.moves import Dying

PIECE_MAX: Final = 256
"""So many messages are moved before the clock is looked at."""


class Mover:
    """A ``broker.budget.Job``.

    Invariant: as long as anything is in line, the turn has an effect or a job of it.
    """

    def __init__(
        self,
        turn: Turn,
        publisher: Publisher,
        has_exchange: Callable[[str], bool],
        wall_s: Callable[[int], int],
        commits: Commits,
    ) -> None:
        """Begin with nothing to move.

        Args:
            turn: the broker's.
            publisher: the vhost's.
            has_exchange: whether there is an exchange of this name.
            wall_s: the time of day in seconds at a ``now_ms``.
            commits: says when copies are safe.
        """
        self._turn = turn
        self._commits = commits
        self._confirmed: dict[Queue, ConfirmedMoves] = {}
        self._publisher = publisher
        self._has_exchange = has_exchange
        self._wall_s = wall_s
        # Queues with how many to take of each, in the order in which they died.
        self._line: deque[tuple[Queue, int]] = deque()
        self._owed_count = 0
        self._is_called = False

    def note(self, queue: Queue, dead: DeadLettered) -> None:
        """Have messages moved that a queue just said it has, behind those that wait."""
        self._put_in_line(queue, dead.count)
        if dead.is_prompt:
            self._owed_count += dead.count

    def step(self, now_ms: int) -> bool:
        """Move a piece, and more within the budget; return whether nothing is left."""
        self._move_some(now_ms)
        if self._line:
            return False
        self._is_called = False
        return True

    def finish(self, queue: Queue, now_ms: int) -> None:
        """Move all that waits in a queue that is about to go."""
        confirmed = self._confirmed.pop(queue, None)
        if confirmed is not None:
            # What stays goes with its queue, as in RabbitMQ.
            confirmed.forget()
            return
        while self._move(queue, PIECE_MAX, now_ms):
            pass

    def _put_in_line(self, queue: Queue, count: int) -> None:
        self._line.append((queue, count))
        if not self._is_called:
            self._is_called = True
            self._turn.emit(self._begin, DeadLettered(queue.name, count))

    def _begin(self, _effect: Effect, now_ms: int) -> None:
        if not self.step(now_ms):
            self._turn.later(self)

    def _move_some(self, now_ms: int) -> None:
        """Move what is in line, as far as the budget goes; what is owed goes in any case."""
        line, is_spent = self._line, self._turn.budget.is_spent
        while line:
            queue, count = line[0]
            moved_count = self._move(queue, min(count, PIECE_MAX), now_ms)
            if moved_count < count and moved_count:
                line[0] = (queue, count - moved_count)
            else:
                line.popleft()
            self._owed_count = max(self._owed_count - moved_count, 0)
            if self._owed_count == 0 and is_spent():
                return

    def _move(self, queue: Queue, max_count: int, now_ms: int) -> int:
        """Move the oldest of a queue's dead letters; return how many."""
        if queue.engine.options.dead_letters_at_least_once:
            return self._confirmed_moves(queue).move(max_count, now_ms, self._wall_s(now_ms))
        dying = queue.engine.moves.take(max_count)
        if dying is None:
            return 0
        if dying.exchange == "" or self._has_exchange(dying.exchange):
            self._publish(queue.name, dying, now_ms)
        queue.engine.moved(dying)
        return len(dying.records)

    def _confirmed_moves(self, queue: Queue) -> ConfirmedMoves:
        found = self._confirmed.get(queue)
        if found is None:
            found = self._confirmed[queue] = ConfirmedMoves(
                queue,
                self._publisher,
                self._has_exchange,
                self._commits,
                self._turn,
                self._put_in_line,
            )
        return found

    def _publish(self, queue_name: str, dying: Dying, now_ms: int) -> None:
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
            self._publisher.publish_to_keys(
                dying.exchange, letters.routing_keys, letters.run, now_ms, letters.is_cycle
            )
