"""The work that is left before a turn of the loop ends: queues to drain, effects to carry out.

A turn is all that one read, or one deadline, causes. Publishes and acks only mark their queue
dirty. It is drained once, at the turn's end, however many runs arrived. A queue may deliver
``deliveries_per_queue_max`` messages a turn, so that a flood into one queue cannot starve the
others or the sockets. The next turn drains the rest.

The turn as a whole has a budget of time. When it is spent, the remaining work waits for the next
turn in the order in which it came: effects, dirty queues, deadlines, and jobs of many turns. What
is left shares that turn with what is new, one by one in turn: a queue that becomes dirty beside ten
thousand that are left over, or effects, is drained in the turn under way, or the next.
"""

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final, Protocol, TypeAlias

from amqp_server.broker.budget import Job, TurnBudget
from amqp_server.broker.left_over import LeftOver
from queues.effects import Effect

STALE_DEADLINES_MAX: Final = 64
"""Deadlines of deleted queues, or that became earlier, kept beside as many again as there are."""


MARKED_AT_ONCE_MAX: Final = 16
"""When one piece of work makes more queues dirty, they are drained in a line of their own."""

CarryOut: TypeAlias = Callable[[Effect, int], None]


def _nobody_to_wake() -> None:
    """Stand in for a shell, where a test or a start runs the turns itself."""


class Drainable(Protocol):
    """A queue, as the turn knows it."""

    @property
    def has_lone_readers(self) -> bool:
        """Whether what one consumer gets never depends on another."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next; None while nothing can expire."""

    def expire(self, now_ms: int) -> None:
        """Drop expired messages; called by timers."""

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver to consumers with credit; return whether more could be delivered now."""


class Turn:
    """Dirty queues, pending effects and expiry deadlines of one broker.

    Attributes:
        now_ms: the time of this turn, for code that is called without it.
        budget: how long this turn may go on; long work asks it.
        effects: effects to be carried out, each with its handler. It is mostly empty, so frequent
            callers of ``settle`` look here first.

    Invariant: a queue's earliest deadline is in the heap once its turn has ended; an entry that
    is later than the queue's deadline of today, or of a deleted queue, does no harm.
    """

    def __init__(self, deliveries_per_queue_max: int, budget: TurnBudget | None = None) -> None:
        """Begin with nothing to do.

        Args:
            deliveries_per_queue_max: of one queue in one turn.
            budget: of each turn; None is without an end.
        """
        self._deliveries_per_queue_max = deliveries_per_queue_max
        self.budget = TurnBudget() if budget is None else budget
        self._wake: Callable[[], None] = _nobody_to_wake
        self._jobs: deque[Job] = deque()
        self._dirty: dict[Drainable, None] = {}
        self._left_over: LeftOver[Drainable] = LeftOver()
        self._wanted = self._left_over.wanted
        self._effects_are_left = False
        self.effects: deque[tuple[CarryOut, Effect]] = deque()
        self._heap: list[tuple[int, int, Drainable]] = []
        self._due_ms: dict[Drainable, int] = {}
        self._heaped_count = 0
        self.now_ms = 0

    def mark_dirty(self, queue: Drainable) -> None:
        """Drain this queue, and look at its deadline, before the turn ends."""
        self._dirty[queue] = None

    def forget(self, queue: Drainable) -> None:
        """Drop a deleted queue."""
        self._dirty.pop(queue, None)
        self._left_over.drop(queue)
        self._due_ms.pop(queue, None)

    def emit(self, carry_out: CarryOut, effect: Effect) -> None:
        """Keep an effect and its handler until ``settle``."""
        self.effects.append((carry_out, effect))

    @property
    def dirty_count(self) -> int:
        """How many queues are to be drained before the turn ends."""
        return len(self._dirty) + len(self._wanted)

    @property
    def waiting_count(self) -> int:
        """How many queues and jobs wait for a turn."""
        return self.dirty_count + len(self._jobs)

    def dirty(self) -> list[Drainable]:
        """Return them, those first that are left over from earlier turns."""
        return list(dict.fromkeys([*self._wanted, *self._dirty]))

    def drain_now(self, queue: Drainable, now_ms: int) -> bool:
        """Deliver to all consumers with credit, without waiting for the turn's end.

        Called before an event that changes which consumer would get which message.

        Returns:
            False if the queue was clean, and so had no message to deliver; or its consumers do not
            depend on each other, and it stays as it is.
        """
        if queue.has_lone_readers:
            return False
        is_left_over = bool(self._wanted) and self._left_over.drop(queue)
        if queue in self._dirty:
            del self._dirty[queue]
        elif not is_left_over:
            return False
        while queue.drain(now_ms, self._deliveries_per_queue_max):
            pass
        self._look_at_deadline(queue)
        return True

    def later(self, job: Job) -> None:
        """Carry on a job in the turns to come, in turn with the others, until it is done."""
        self._jobs.append(job)

    def woken_by(self, wake: Callable[[], None]) -> None:
        """Let the shell hand in what asks for a turn, from outside of one too."""
        self._wake = wake

    def resume(self, job: Job) -> None:
        """Carry on a job that has waited for something outside, in a turn that is asked for."""
        self._jobs.append(job)
        self._wake()

    def settle(self, now_ms: int) -> None:
        """Carry out the effects so far, in order, and those that they cause, within the budget."""
        effects, is_spent = self.effects, self.budget.is_spent
        while effects:
            carry_out, effect = effects.popleft()
            carry_out(effect, now_ms)
            if effects and is_spent():
                return

    def end(self, now_ms: int, *, carries_on: bool = True) -> bool:
        """Drain dirty queues, carry out effects; return whether work is left for another turn.

        Args:
            now_ms: the time.
            carries_on: carry on jobs too; False where the answer to a client would wait for them.
        """
        self.now_ms = now_ms
        if self.effects or self._wanted:
            self._catch_up(now_ms, carries_on=carries_on)
        elif self._dirty:
            self._drain(now_ms)
        if carries_on and self._jobs:
            self._carry_on(now_ms)
        if self.effects:
            self.settle(now_ms)
            self._effects_are_left = bool(self.effects)
        return bool(self._dirty or self.effects or self._jobs or self._wanted)

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due; None while nothing can expire in any queue."""
        while self._heap and self._due_ms.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def on_deadline(self, now_ms: int) -> None:
        """Let every queue that is due expire; within the budget, and at least one."""
        self.now_ms = now_ms
        while (due_ms := self.next_deadline_ms()) is not None and due_ms <= now_ms:
            queue = heappop(self._heap)[2]
            del self._due_ms[queue]
            queue.expire(now_ms)
            self._dirty[queue] = None
            self.settle(now_ms)
            if self.budget.is_spent():
                break
        self._set_many_aside()

    def _drain(self, now_ms: int) -> None:
        """Drain the queues that are dirty now; the next turn drains later ones."""
        dirty, self._dirty = self._dirty, {}
        waiting_count = len(dirty)
        waiting = iter(dirty)
        for queue in waiting:
            if queue.drain(now_ms, self._deliveries_per_queue_max):
                self._dirty[queue] = None
            self._look_at_deadline(queue)
            waiting_count -= 1
            if waiting_count and self.budget.is_spent():
                # Those that had no turn come before those that have more.
                dirty, self._dirty = self._dirty, {}
                self._left_over.add([*waiting, *dirty])
                return

    def _catch_up(self, now_ms: int, *, carries_on: bool) -> None:
        """Carry out effects, drain what is dirty and what is left over: one of each in turn.

        Effects come before all that is dirty, unless some are left over themselves.
        """
        effects, left_over = self.effects, self._left_over
        if effects and not self._effects_are_left:
            self.settle(now_ms)
        fresh = deque(self._dirty)
        self._dirty = {}
        left_over.want(fresh)
        is_through = False
        while not is_through:
            if effects:
                carry_out, effect = effects.popleft()
                carry_out(effect, now_ms)
            self._drain_once(self._next_of(fresh), now_ms)
            if carries_on:
                self._drain_once(left_over.take(), now_ms)
            is_through = not (effects or fresh or (carries_on and self._wanted))
            if not is_through and self.budget.is_spent():
                left_over.add(queue for queue in fresh if queue in self._wanted)
                self._set_aside()
                break
        self._effects_are_left = bool(effects)

    def _next_of(self, fresh: deque[Drainable]) -> Drainable | None:
        """Return the first that is still to be drained."""
        while fresh:
            queue = fresh.popleft()
            if self._left_over.drop(queue):
                return queue
        return None

    def _drain_once(self, queue: Drainable | None, now_ms: int) -> None:
        if queue is not None:
            if queue.drain(now_ms, self._deliveries_per_queue_max):
                self._dirty[queue] = None
            self._look_at_deadline(queue)

    def _set_aside(self) -> None:
        """Have what is dirty so far be drained in a line of its own."""
        if self._dirty:
            dirty, self._dirty = self._dirty, {}
            self._left_over.add(dirty)

    def _set_many_aside(self) -> None:
        """Do that where there are so many that they would keep others waiting."""
        if len(self._dirty) > MARKED_AT_ONCE_MAX:
            self._set_aside()

    def _carry_on(self, now_ms: int) -> None:
        """Let each job do a piece, in order, as long as there is time; at least one."""
        jobs, is_spent = self._jobs, self.budget.is_spent
        for _ in range(len(jobs)):
            job = jobs.popleft()
            if not job.step(now_ms):
                jobs.append(job)
            self._set_many_aside()
            if is_spent():
                return

    def _look_at_deadline(self, queue: Drainable) -> None:
        due_ms = queue.next_deadline_ms()
        if due_ms is None or self._due_ms.get(queue, due_ms + 1) <= due_ms:
            return
        self._due_ms[queue] = due_ms
        self._heaped_count += 1
        heappush(self._heap, (due_ms, self._heaped_count, queue))
        if len(self._heap) > 2 * len(self._due_ms) + STALE_DEADLINES_MAX:
            self._drop_stale_deadlines()

    def _drop_stale_deadlines(self) -> None:
        """Release deleted queues now, because a deadline may be years away."""
        self._heap = [
            (due_ms, number, queue) for number, (queue, due_ms) in enumerate(self._due_ms.items())
        ]
        self._heaped_count = len(self._heap)
        heapify(self._heap)
