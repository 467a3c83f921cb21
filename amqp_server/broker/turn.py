"""What is left to do before a turn of the loop ends: queues to drain, effects to carry out.

A turn is what one read, or one deadline, sets off. Publishes and acks only mark their
queue dirty; it is drained once, at the turn's end, however many runs arrived. A queue may deliver
``deliveries_per_queue_max`` messages a turn, so that a flood into one cannot starve the others or
the sockets: what is left is drained in the next turn.

The turn as a whole has a budget of time. Where it is spent, what is left waits for the next turn
in the order in which it came: effects, dirty queues, deadlines, and jobs of many turns.
"""

from collections import deque
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import Final, Protocol, TypeAlias

from amqp_server.broker.budget import Job, TurnBudget
from queues.effects import Effect

STALE_DEADLINES_MAX: Final = 64
"""Deadlines of deleted queues, or that became earlier, kept beside as many again as there are."""


CarryOut: TypeAlias = Callable[[Effect, int], None]


class Drainable(Protocol):
    """A queue, as the turn knows it."""

    def next_deadline_ms(self) -> int | None:
        """Return when ``expire`` must be called next; None while nothing is to expire."""

    def expire(self, now_ms: int) -> None:
        """Drop what has expired; the timer's entry."""

    def drain(self, now_ms: int, max_messages: int) -> bool:
        """Deliver what consumers have credit for; return whether more could be delivered now."""


class Turn:
    """Dirty queues, pending effects and expiry deadlines of one broker.

    Attributes:
        now_ms: the time of this turn, for those who are called without it.
        budget: how long this turn may go on; whoever does something long asks it.
        effects: what is still to be carried out, and by whom: mostly nothing, so that whoever
            calls ``settle`` often looks here first.

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
        self._jobs: deque[Job] = deque()
        self._dirty: dict[Drainable, None] = {}
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
        self._due_ms.pop(queue, None)

    def emit(self, carry_out: CarryOut, effect: Effect) -> None:
        """Keep an effect, and who carries it out, until ``settle``."""
        self.effects.append((carry_out, effect))

    @property
    def dirty_count(self) -> int:
        """How many queues are to be drained before the turn ends."""
        return len(self._dirty)

    def dirty(self) -> list[Drainable]:
        """Return them, in the order in which they became so."""
        return list(self._dirty)

    def drain_now(self, queue: Drainable, now_ms: int) -> bool:
        """Deliver all that consumers have credit for, without waiting for the turn's end.

        For what is about to change who would get it.

        Returns:
            False where the queue was clean, and so had nothing to deliver.
        """
        if queue not in self._dirty:
            return False
        del self._dirty[queue]
        while queue.drain(now_ms, self._deliveries_per_queue_max):
            pass
        self._look_at_deadline(queue)
        return True

    def later(self, job: Job) -> None:
        """Carry on a job in the turns to come, in turn with the others, until it is done."""
        self._jobs.append(job)

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
            carries_on: carry on jobs, too: False where somebody's answer would wait for them.
        """
        self.now_ms = now_ms
        if self.effects:
            self.settle(now_ms)
        if self._dirty:
            self._drain(now_ms)
        if carries_on and self._jobs:
            self._carry_on(now_ms)
        if self.effects:
            self.settle(now_ms)
        return bool(self._dirty or self.effects or self._jobs)

    def next_deadline_ms(self) -> int | None:
        """Return when ``on_deadline`` is due; None while no queue has anything to expire."""
        while self._heap and self._due_ms.get(self._heap[0][2]) != self._heap[0][0]:
            heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def on_deadline(self, now_ms: int) -> None:
        """Let every queue expire what is due; within the budget, and one at least."""
        self.now_ms = now_ms
        while (due_ms := self.next_deadline_ms()) is not None and due_ms <= now_ms:
            queue = heappop(self._heap)[2]
            del self._due_ms[queue]
            queue.expire(now_ms)
            self._dirty[queue] = None
            self.settle(now_ms)
            if self.budget.is_spent():
                return

    def _drain(self, now_ms: int) -> None:
        """Drain what is dirty now; what becomes dirty meanwhile is the next turn's."""
        dirty, self._dirty = self._dirty, {}
        waiting_count = len(dirty)
        waiting = iter(dirty)
        for queue in waiting:
            if queue.drain(now_ms, self._deliveries_per_queue_max):
                self._dirty[queue] = None
            self._look_at_deadline(queue)
            waiting_count -= 1
            if waiting_count and self.budget.is_spent():
                # Those that had no turn come first in the next one.
                self._dirty = dict.fromkeys(waiting) | self._dirty
                return

    def _carry_on(self, now_ms: int) -> None:
        """Let each job do a piece, in order, as long as there is time: one at least."""
        jobs, is_spent = self._jobs, self.budget.is_spent
        for _ in range(len(jobs)):
            job = jobs.popleft()
            if not job.step(now_ms):
                jobs.append(job)
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
        """Let go of deleted queues now: a deadline may be years away."""
        self._heap = [
            (due_ms, number, queue) for number, (queue, due_ms) in enumerate(self._due_ms.items())
        ]
        self._heaped_count = len(self._heap)
        heapify(self._heap)
