"""Dead letters at least once: a message stays in its queue until all targets have it safe.

    waits → copies published → confirmed by every target → settled
              └ refused by one, or no route → stays → tried again, sooner when routes change

A target that has confirmed a message does not get it again. At most ``OPEN_MAX`` messages are on
their way or stay. All others wait behind them. A start finds unsettled ones in their old queue.

Source: RabbitMQ, quorum queues, at-least-once dead lettering; rabbit_fifo_dlx_worker.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, NamedTuple, Protocol

from amqp_server.broker.moves.dead_letters import dead_letters
from amqp_server.broker.publish import Publisher
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Steps, StepsJob
from amqp_server.broker.turn import Turn
from persistence.record import Run, alike_stretches
from queues.commits import SAFE_NOW, CommitPoint, is_safe, later_of, wait_for
from queues.moves import Dying, Moves
from queues.outcomes import PublishOutcome, StillOpen, refused_later

OPEN_MAX: Final = 1_024
"""Messages of one queue that are on their way or stay; RabbitMQ's worker has 32."""

LOOK_MS: Final = 1_000
"""Time between two looks whether routes have changed, so that staying messages may go."""

RETRY_LOOKS_MAX: Final = 32
"""The most looks between two tries of a refused message; they double from 1."""


class Resume(Protocol):
    """Starts the move of a queue's dead letters again; ``broker.moves.mover`` does."""

    def __call__(self, queue: Queue, count: int) -> None:
        """Move this many more, as far as they wait."""


class _OpenAt(NamedTuple):
    """What a queue may still refuse of a run, from its message ``first`` on."""

    name: str
    first: int
    still_open: Sequence[StillOpen]

    def refused(self, count: int) -> Sequence[int]:
        """Return the indexes of those that it has refused, of this many from ``first`` on."""
        found = [index - self.first for index in refused_later(self.still_open)]
        return [index for index in found if 0 <= index < count]


class _Staying(NamedTuple):
    """Messages that not all of their targets have taken.

    Attributes:
        moves: of the engine in which they died.
        dying: the messages.
        died_s: when they died, in seconds since 1970; x-death shows this at every try.
        taken_by: names of queues that have them.
        safe_at: when all of these queues have them safe.
        open_at: what queues may refuse until then.
    """

    moves: Moves
    dying: Dying
    died_s: int
    taken_by: frozenset[str] = frozenset()
    safe_at: CommitPoint = SAFE_NOW
    open_at: tuple[_OpenAt, ...] = ()


class ConfirmedMoves:
    """The dead letters of one queue; a ``broker.turn.Drainable``.

    Invariant: messages taken from the queue's moves wait for a commit, stay, or are being tried.
    """

    has_lone_readers: Final = False

    def __init__(
        self,
        queue: Queue,
        publisher: Publisher,
        has_exchange: Callable[[str], bool],
        turn: Turn,
        resume: Resume,
    ) -> None:
        """Begin with nothing on its way.

        Args:
            queue: the queue in which the messages died.
            publisher: the vhost's.
            has_exchange: whether there is an exchange of this name.
            turn: the broker's.
            resume: called when there is room for more.
        """
        self._queue = queue
        self._publisher = publisher
        self._has_exchange = has_exchange
        self._turn = turn
        self._resume = resume
        self._open_count = 0
        self._is_full = False
        self._is_trying_again = False
        self._staying: deque[_Staying] = deque()
        self._again: deque[_Staying] = deque()
        self._look_at_ms: int | None = None
        self._looks_left = self._looks = 1
        self._generation = 0

    def moving(self, max_count: int, now_ms: int, died_s: int) -> Steps[int]:
        """Start to move the oldest of the queue's dead letters; return how many."""
        room = OPEN_MAX - self._open_count
        self._is_full = room <= 0
        moves = self._queue.engine.moves
        dying = moves.take(min(max_count, room)) if room > 0 else None
        if dying is None:
            return 0
        self._open_count += len(dying.records)
        for start, stop in alike_stretches(dying.records):
            yield from self._trying(_Staying(moves, dying.part(start, stop), died_s), now_ms)
            yield
        return len(dying.records)

    def forget(self) -> None:
        """The queue goes, and its messages with it."""
        self._staying.clear()
        self._again.clear()
        self._turn.forget(self)

    # -- as the turn knows it -----------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Return when to look whether staying messages may go."""
        return self._look_at_ms

    def expire(self, now_ms: int) -> None:
        """Look, and try all again if routes have changed or it is time."""
        self._look_at_ms = now_ms + LOOK_MS if self._staying else None
        self._looks_left -= 1
        if not self._staying or self._is_trying_again:
            return
        if self._generation == self._publisher.routes_generation and self._looks_left > 0:
            return
        self._generation = self._publisher.routes_generation
        self._looks = self._looks_left = min(2 * self._looks, RETRY_LOOKS_MAX)
        self._again.extend(self._staying)
        self._staying.clear()
        self._is_trying_again = True
        self._turn.later(StepsJob(self._trying_again(), self._turn))

    def drain(self, now_ms: int, max_messages: int) -> bool:  # noqa: ARG002 - the port's names
        """Deliver nothing: only the deadline counts."""
        return False

    # -- inside -------------------------------------------------------------------------------

    def _trying_again(self) -> Steps[None]:
        while self._again:
            yield from self._trying(self._again.popleft(), self._turn.now_ms)
            yield
        self._is_trying_again = False

    def _trying(self, staying: _Staying, now_ms: int) -> Steps[None]:
        """Publish to the targets that have not taken them; keep those not taken by all."""
        if self._queue.is_deleted:
            return
        if not are_of(self._queue, staying.moves):
            self._over(staying.dying)
            return
        run, names = yield from self._finding_targets(staying)
        safe_at = staying.safe_at
        open_at = list(staying.open_at)
        missing: dict[int, frozenset[str]] = {}
        if not names and not staying.taken_by:
            missing = dict.fromkeys(range(len(staying.dying.records)), frozenset({""}))
        for name in names:
            if name in staying.taken_by:
                continue
            outcome = self._publish_to(name, run, now_ms)
            safe_at = later_of(safe_at, outcome.safe_at)
            if outcome.still_open:
                open_at.append(_OpenAt(name, 0, outcome.still_open))
            for index in outcome.rejected:
                missing[index] = missing.get(index, frozenset()) | {name}
            yield
        if not self._queue.is_deleted:
            taken_by = staying.taken_by | frozenset(names)
            found = staying._replace(taken_by=taken_by, safe_at=safe_at, open_at=tuple(open_at))
            self._settle_or_keep(found, missing)

    def _finding_targets(self, staying: _Staying) -> Steps[tuple[Run, tuple[str, ...]]]:
        """Return the messages as they are published, and the names of all queues they go to."""
        options = self._queue.engine.options
        exchange = options.dead_letter_exchange
        if exchange is None or (exchange != "" and not self._has_exchange(exchange)):
            return (), ()
        letters = dead_letters(
            staying.dying.records,
            staying.dying.reason,
            self._queue.name,
            exchange,
            options.dead_letter_routing_key,
            staying.died_s,
        )
        names = yield from self._publisher.finding_names(
            exchange, letters.routing_keys, letters.run, letters.is_cycle
        )
        return letters.run, names

    def _settle_or_keep(self, staying: _Staying, missing: dict[int, frozenset[str]]) -> None:
        """Have settled what all have once that is safe; keep what ``missing`` says who has not."""
        if not self._queue.engine.options.dead_letters_at_least_once:
            missing = {}  # A policy has changed the strategy to at-most-once.
        dying = staying.dying
        for start, stop in _stretches_alike(missing, len(dying.records)):
            not_taken_by = missing.get(start)
            refusing = not_taken_by or frozenset()
            part = staying._replace(
                dying=dying.part(start, stop),
                taken_by=staying.taken_by - refusing,
                open_at=tuple(
                    [
                        each._replace(first=each.first + start)
                        for each in staying.open_at
                        if each.name not in refusing
                    ]
                ),
            )
            if not_taken_by is None:
                wait_for(part.safe_at, partial(self._decided, part))
            else:
                self._keep(part)

    def _publish_to(self, name: str, run: Run, now_ms: int) -> PublishOutcome:
        outcome = self._publisher.publish_to_queue(name, run, now_ms)
        return PublishOutcome(range(len(run)), SAFE_NOW) if outcome is None else outcome

    def _keep(self, staying: _Staying) -> None:
        self._staying.append(staying)
        if self._look_at_ms is None:
            self._look_at_ms = self._turn.now_ms + LOOK_MS
            self._looks = self._looks_left = 1
            self._generation = self._publisher.routes_generation
            self._turn.mark_dirty(self)

    def _decided(self, staying: _Staying) -> None:
        """Settle messages that every target has safe; try again if a commit group has failed."""
        if is_safe(staying.safe_at):
            missing: dict[int, frozenset[str]] = {}
            for each in staying.open_at:
                for index in each.refused(len(staying.dying.records)):
                    missing[index] = missing.get(index, frozenset()) | {each.name}
            if missing and not self._queue.is_deleted:
                self._settle_or_keep(staying._replace(open_at=()), missing)
            else:
                self._confirmed(staying)
        elif not self._queue.is_deleted:
            # It is unknown which copies are lost, so all targets get another.
            self._keep(_Staying(staying.moves, staying.dying, staying.died_s))

    def _confirmed(self, staying: _Staying) -> None:
        """Settle messages; go on with those that waited for room."""
        self._looks = 1  # It goes on: what else stays may go soon.
        settle_moved(self._queue, staying.moves, staying.dying)
        self._over(staying.dying)

    def _over(self, dying: Dying) -> None:
        """Nothing more is done with these messages: there is room for others."""
        self._open_count -= len(dying.records)
        if self._is_full:
            self._is_full = False
            self._resume(self._queue, self._queue.engine.moves.count)


def are_of(queue: Queue, moves: Moves) -> bool:
    """Return whether these are the dead letters of a queue now.

    A mirrored queue has an engine for each time that its node leads it. What died in an earlier one
    is the next leader's: it is ready there, and dies again.
    """
    return queue.engine.moves is moves


def settle_moved(queue: Queue, moves: Moves, dying: Dying) -> None:
    """Settle messages whose copies are safe, unless they are another leader's by now."""
    if are_of(queue, moves):
        queue.engine.moved(dying)


def _stretches_alike(missing: dict[int, frozenset[str]], count: int) -> list[tuple[int, int]]:
    """Return (start, stop) of messages in a row that the same targets have not taken."""
    starts = [
        index
        for index in range(count)
        if index == 0 or missing.get(index) != missing.get(index - 1)
    ]
    return list(zip(starts, [*starts[1:], count], strict=True))
