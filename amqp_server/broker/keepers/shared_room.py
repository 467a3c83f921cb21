"""Where the messages of an ``x-delayed-message`` exchange of a cluster wait, and how they come out.

    publish, on any node ─▶ SharedRoom ─▶ front half ─▶ the node that leads ─▶ mirrors ─▶ confirm
                                                             │ due
    queues, led anywhere ◀─ runs, one for each queue ◀───────┘ settled once all queues have theirs

Each node has a room for the exchange. Behind all of them is one mirrored queue that no client can
name, and the room of the node that leads it moves what is due. Nobody knows at a change of leader
whether the last one's copies have arrived. So what was on its way then is moved once more.

A message that has no route when it is due is gone, and so is one that a queue refuses, as on a
single node. A queue that nobody leads has not refused: it is tried again until somebody does. What
it does not take meanwhile holds up no other queue: ``broker.keepers.set_aside``.

Source: ADR 72; ADR 39 for what a single node does.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast

from amqp_server.broker.congestion import Congestion
from amqp_server.broker.keepers.due_publisher import COPIES_MAX, DuePublisher
from amqp_server.broker.keepers.pieces import Part, Piece
from amqp_server.broker.keepers.set_aside import SetAside
from amqp_server.broker.messages.delay import as_shared, as_waiting
from amqp_server.broker.publish_target import PublishTarget
from amqp_server.broker.steps import Steps
from amqp_server.broker.turn import Turn
from exchanges.keeping import is_keeper
from persistence.record import Record, Run, detached, header_stretches
from queues.asked_port import AskedQueue, CountsAnswer, as_asked
from queues.commits import SAFE_NOW, is_safe, wait_for
from queues.delayed.committed_waiting import CommittedWaiting
from queues.delayed.waiting import PIECE_MAX, Due
from queues.delayed.waiting_engine import WaitingEngine
from queues.outcomes import PublishOutcome, refused_later
from queues.ports import QueueEngine

OPEN_MAX: Final = 16_384
"""Messages that are on their way to their queues at a time."""

OPEN_BYTES_MAX: Final = 32 << 20
"""And the sum of their bodies, in bytes; the first piece may have more."""

TRY_AGAIN_MS: Final = 1_000
"""Before messages are tried again that no leader of their queue has taken."""

COUNT_AGAIN_MS: Final = 1_000
"""A count of messages that wait on another node is asked for as often, if somebody looks."""


class SharedRoom:
    """A ``PublishTarget``, and a ``Drainable`` of the turn.

    Attributes:
        exchange_name: of its exchange.
        queue_id: 0, as nothing is stored under a number.
        queue_name: of the queue behind it; empty until it is there.
    """

    keeps_transient: Final = True
    has_lone_readers: Final = False
    queue_id: Final = 0

    def __init__(
        self,
        exchange_name: str,
        turn: Turn,
        publisher: DuePublisher,
        target_of: Callable[[str], PublishTarget | None],
        congestion: Congestion,
    ) -> None:
        """Begin without the queue behind it.

        Args:
            exchange_name: of its exchange.
            turn: the broker's.
            publisher: of this exchange.
            target_of: returns the queue or keeper of a name; None while there is none.
            congestion: the broker's; what comes out lets no client wait.
        """
        self.exchange_name = exchange_name
        self._turn = turn
        self._publisher = publisher
        self._target_of = target_of
        self._congestion = congestion
        self.queue_name = ""
        self._front: QueueEngine | None = None
        self._asked: AskedQueue | None = None
        self._engine: WaitingEngine | None = None
        self._moving: Steps[None] | None = None
        self._open_count = self._open_bytes = 0
        self._again: deque[tuple[int, Part]] = deque()
        self._aside = SetAside(OPEN_MAX, OPEN_BYTES_MAX)
        self._told_count = 0
        self._asked_at_ms: int | None = None
        self._is_closed = self._is_held = False

    def join(self, queue_name: str, front: QueueEngine) -> None:
        """Take the queue behind it, once its definition is there; ``wake`` was its wake-up."""
        self.queue_name, self._front, self._asked = queue_name, front, as_asked(front)
        self.wake()

    def wake(self) -> None:
        """The queue behind it has something to do, or is led by somebody else."""
        if self._front is not None and not self._is_closed:
            self._turn.mark_dirty(self._front)
            self._turn.mark_dirty(self)

    # -- in -----------------------------------------------------------------------------------

    def publish(self, run: Run, now_ms: int) -> PublishOutcome:
        """Let a run wait; every message of it has a delay."""
        return self.publish_to_keys(run, (), now_ms)

    def publish_to_keys(self, run: Run, keys: Sequence[str], now_ms: int) -> PublishOutcome:
        """Let a run wait that is routed by several keys when it is due; none is its routing key."""
        if self._front is None:
            return PublishOutcome(range(len(run)), SAFE_NOW)
        waiting: list[Record] = []
        for start, stop in header_stretches(run):
            header, delay = as_waiting(run[start].header, keys)
            waiting += [as_shared(record, header, delay) for record in run[start:stop]]
        return self._front.publish(detached(waiting), now_ms)

    def publishing(
        self,
        run: Run,
        keys: Sequence[str],
        now_ms: int,
        passed: frozenset[object] = frozenset(),  # noqa: ARG002 - the port's name
    ) -> Steps[PublishOutcome]:
        """Do the same in one step."""
        yield
        return self.publish_to_keys(run, keys, now_ms)

    def only_appends(self, run: Run, now_ms: int) -> bool:  # noqa: ARG002 - the port's names
        """Return False, because each message has a delay of its own."""
        return False

    # -- a look -------------------------------------------------------------------------------

    def count(self) -> int:
        """Return how many messages wait; where another node leads, what it has told last."""
        engine = self._led()
        if engine is not None:
            return engine.waiting.count
        now_ms, asked = self._turn.now_ms, self._asked
        is_due = self._asked_at_ms is None or self._asked_at_ms + COUNT_AGAIN_MS <= now_ms
        if asked is not None and is_due and not self._is_closed:
            self._asked_at_ms = now_ms
            asked.ask_counts(self._note_count, now_ms)
        return self._told_count

    @property
    def waiting_here(self) -> CommittedWaiting | None:
        """The messages, where this node leads; None where another one does, or nobody."""
        engine = self._led()
        return None if engine is None else engine.waiting

    def _note_count(self, answer: CountsAnswer | None) -> None:
        if answer is not None:
            self._told_count = answer.ready_count

    # -- the turn -----------------------------------------------------------------------------

    def next_deadline_ms(self) -> int | None:
        """Return when the next message is due, or is to be tried again."""
        engine = self._engine
        if self._is_closed or engine is None or self._is_held:
            return None
        due_ms = None if self._is_full else engine.waiting.next_deadline_ms()
        again_ms = self._again[0][0] if self._again else None
        found = (due_ms, again_ms, self._aside.next_deadline_ms())
        return min((each for each in found if each is not None), default=None)

    def expire(self, now_ms: int) -> None:
        """Do nothing: a drain follows."""

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Move what is due, within the budget of the turn; return whether more is due."""
        engine = self._led()
        if engine is not self._engine:
            self._begin(engine)
        if self._is_closed or engine is None:
            return False
        # The log asks for a drain when this has passed.
        self._is_held = not engine.log.may_deliver or engine.log.lags(now_ms)
        if self._is_held:
            return False
        engine.waiting.enter()
        is_more = self._try_again(now_ms)
        for positions in self._aside.back(self._open_count, now_ms):
            engine.waiting.bring_back(positions, now_ms)
        is_more |= self._moving_what_is_due(engine, now_ms, max_messages)
        # No client waits for room in a queue that messages fill whose time has come.
        self._congestion.excuse()
        return is_more

    def close(self) -> None:
        """Forget everything, because the exchange is gone."""
        self._is_closed = True
        self._begin(None)
        self._turn.forget(self)
        front, self._front, self._asked = self._front, None, None
        if front is not None:
            self._turn.forget(front)
            front.delete()

    # -- out ----------------------------------------------------------------------------------

    def _led(self) -> WaitingEngine | None:
        """Return the engine, where this node leads."""
        front = self._front if self._asked is None else self._asked.here
        return cast("WaitingEngine | None", front)

    def _begin(self, engine: WaitingEngine | None) -> None:
        """Begin with another leadership: what was on its way is due again there."""
        self._engine = engine
        self._moving = None
        self._open_count = self._open_bytes = 0
        self._again.clear()
        self._aside.clear()

    @property
    def _is_full(self) -> bool:
        return self._open_count >= OPEN_MAX or self._open_bytes >= OPEN_BYTES_MAX

    def _moving_what_is_due(self, engine: WaitingEngine, now_ms: int, max_messages: int) -> bool:
        is_spent = self._turn.budget.is_spent
        left_count = max_messages
        while not self._is_closed and engine is self._engine:
            if self._moving is None:
                if self._is_full or not engine.waiting.has_due(now_ms):
                    return False
                if left_count <= 0:
                    return True
                left_count -= PIECE_MAX
                due = engine.waiting.step(now_ms)
                self._moving = None if due is None else self._moving_out(engine, due, now_ms)
            elif next(self._moving, _OVER) is _OVER:
                self._moving = None
            if is_spent():
                return True
        return False

    def _moving_out(self, engine: WaitingEngine, due: Due, now_ms: int) -> Steps[None]:
        """Have each queue get its messages of a piece, as one run."""
        piece = Piece(engine, due)
        self._open_count += len(due.records)
        self._open_bytes += piece.size_bytes
        found = yield from self._publisher.finding_names(due.records)
        parts: dict[tuple[str, bytes, bool], list[tuple[Record, int]]] = {}
        ways: dict[tuple[str, ...], list[Record]] = {}
        copies_count = 0
        for (names, record), position in zip(found, due.positions, strict=True):
            is_back = self._aside.was_aside(position)
            if not is_back:  # else it was counted, and shown
                ways.setdefault(tuple(names), []).append(record)
            copies_count += len(names)
            for name in self._aside.names_left(position, names):
                # A keeper routes what it is given by one key.
                route = record.route if is_keeper(name) else b""
                parts.setdefault((name, route, is_back), []).append((record, position))
            if copies_count >= COPIES_MAX:
                copies_count = 0
                yield
        for each, records in ways.items():
            self._publisher.note_moved(each, detached(records), now_ms)
        for (name, _, is_back), messages in parts.items():
            piece.open_count += 1
            run = detached([record for record, _ in messages])
            self._begin_part(
                Part(piece, name, run, [at for _, at in messages]), now_ms, is_back=is_back
            )
            yield
        self._over(piece)

    def _is_under_way(self, piece: Piece) -> bool:
        """Whether this is of the present leadership: what an earlier one began says nothing."""
        return piece.engine is self._engine is self._led() and not self._is_closed

    def _begin_part(self, part: Part, now_ms: int, *, is_back: bool) -> None:
        """Have a queue get its messages, or set them aside if many are on their way to it."""
        aside, name = self._aside, part.name
        has_room = aside.has_room(name, self._open_count, self._open_bytes, is_back=is_back)
        aside.note(name, len(part.run), part.size_bytes)
        if has_room:
            self._publish(part, now_ms)
        else:
            self._set_aside(part)

    def _publish(self, part: Part, now_ms: int) -> None:
        target = self._target_of(part.name)
        if target is None:
            self._end_part(part)  # it was deleted meanwhile
            return
        outcome = target.publish(part.run, now_ms)
        wait_for(outcome.safe_at, partial(self._decided, part, outcome))

    def _decided(self, part: Part, outcome: PublishOutcome) -> None:
        """Note that a queue has its messages, or try those again that nobody has looked at."""
        if not self._is_under_way(part.piece):
            return
        if not is_safe(outcome.safe_at):
            self._keep(part)
            return
        refused = sorted({*outcome.rejected, *refused_later(outcome.still_open)})
        if refused and any(run.was_kept_out for _, run in outcome.still_open):
            self._keep(self._rest_of(part, refused))
            return
        self._end_part(part)

    def _rest_of(self, part: Part, left: Sequence[int]) -> Part:
        """Return the messages of a part that its queue does not have; it has the others."""
        rest = part.rest(left)
        self._aside.note(
            part.name, len(rest.run) - len(part.run), rest.size_bytes - part.size_bytes
        )
        self._aside.came(part.name, set(part.positions).difference(rest.positions))
        return rest

    def _set_aside(self, part: Part) -> None:
        """Let messages wait on until their queue takes some again."""
        part.piece.aside.append(part)
        self._aside.note(part.name, -len(part.run), -part.size_bytes)
        self._over(part.piece)

    def _end_part(self, part: Part) -> None:
        self._aside.note(part.name, -len(part.run), -part.size_bytes)
        self._aside.came(part.name, part.positions)
        self._over(part.piece)

    def _keep(self, part: Part) -> None:
        if not self._aside.keeps(part.name, len(part.run)):
            self._set_aside(part)
            return
        self._again.append((self._turn.now_ms + TRY_AGAIN_MS, part))
        if len(self._again) == 1:
            self._turn.mark_dirty(self)

    def _try_again(self, now_ms: int) -> bool:
        """Try those again whose time it is, within the budget of the turn; return whether more."""
        again, is_spent = self._again, self._turn.budget.is_spent
        for _ in range(len(again)):
            if again[0][0] > now_ms:
                break
            part = again.popleft()[1]
            self._aside.tries(part.name, len(part.run))
            self._publish(part, now_ms)
            if is_spent():
                break
        return bool(again) and again[0][0] <= now_ms

    def _over(self, piece: Piece) -> None:
        """A queue has its messages of a piece; settle the piece when all queues have theirs."""
        piece.open_count -= 1
        if piece.open_count or not self._is_under_way(piece):
            return
        was_full = self._is_full
        self._open_count -= len(piece.due.records)
        self._open_bytes -= piece.size_bytes
        aside = {position for part in piece.aside for position in part.positions}
        piece.engine.waiting.settle(piece.due, aside)
        self._aside.forget(set(piece.due.positions).difference(aside))
        for part in piece.aside:
            self._aside.put(part.name, part.positions)
        if was_full or aside:
            self.wake()


_OVER: Final = object()
