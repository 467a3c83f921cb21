"""The publishes of one front half: numbered, submitted, and submitted again until it is decided.

    add ─▶ held ──▶ submitted ──▶ confirmed, or refused
             ▲          │
             │          ▼  the way ends, or there was a gap
             └─ again ◀─┘  what was submitted comes first, and in its order

What was never submitted fails after a while, so that its publisher hears of it. What was submitted
may be in a log. It stays open until a leader has decided, because what is in a log is never said to
be refused (R23). A run may get to the leader in parts, and each of them may be refused from some
message on: what is behind such a part is a run of its own from then on.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import Final

from cluster.fronts.errors import FrontError
from cluster.fronts.limits import FrontNode
from persistence.record import Run, memory_bytes


class FrontGroup:
    """A ``queues.commits.CommitGroup``: the numbers of a front half, as far as they are decided.

    A number is decided when it is safe, or refused; the open runs say which. What is published
    while no way is there has a group of its own, so that it may fail before what is still open.
    """

    is_one_log: Final = False

    def __init__(self, committed_lsn: int) -> None:
        """Begin behind a number."""
        self.committed_lsn = committed_lsn
        self.has_failed = False
        self._waiters: deque[tuple[int, Callable[[], None]]] = deque()

    def wait(self, lsn: int, call: Callable[[], None]) -> None:
        """Call when it is decided; see the port. Mostly it is above all that is waited for."""
        if lsn <= self.committed_lsn or self.has_failed:
            call()
            return
        waiters = self._waiters
        at = len(waiters)
        while at and waiters[at - 1][0] > lsn:
            at -= 1
        waiters.insert(at, (lsn, call))

    def advance(self, lsn: int) -> None:
        """Everything up to this number is decided."""
        self.committed_lsn = max(self.committed_lsn, lsn)
        waiters = self._waiters
        while waiters and waiters[0][0] <= self.committed_lsn:
            waiters.popleft()[1]()

    def fail(self) -> None:
        """The queue is gone: nobody decides any more."""
        self.has_failed = True
        waiters, self._waiters = self._waiters, deque()
        for _, call in waiters:
            call()


class Submitted:
    """A run of a front half; a ``queues.outcomes.OpenRun``.

    Attributes:
        group: in which it waits.
        first, last: the numbers of its messages.
        last_open: the number of the last one that was not refused; below ``first`` there is none.
        added_at_ms: when it came (instant).
        refused, was_kept_out: see the port.
        below: the highest open number below it when it was submitted last; 0 where there is none.
        attempt: how many gaps were heard of when it was submitted last.
    """

    __slots__ = (
        "_root",
        "_run",
        "added_at_ms",
        "attempt",
        "below",
        "first",
        "group",
        "last",
        "last_open",
        "refused",
        "size_bytes",
        "was_kept_out",
    )

    def __init__(self, group: FrontGroup, first: int, run: Run, now_ms: int) -> None:
        self.group = group
        self.first = first
        self.last = self.last_open = first + len(run) - 1
        self._root = self
        self._run = run
        self.size_bytes = memory_bytes(run)
        self.added_at_ms = now_ms
        self.refused: Sequence[range] = ()
        self.was_kept_out = False
        self.below = self.attempt = 0

    @property
    def run(self) -> Run:
        """The messages that are open, from the first on."""
        count = self.last_open - self.first + 1
        return self._run if self.last_open == self.last else self._run[:count]

    @property
    def is_open(self) -> bool:
        """Whether not all of it was refused."""
        return self.last_open >= self.first

    def refuse_from(self, number: int) -> None:
        """These messages and all behind them are refused."""
        root = self._root
        root.refused = (*root.refused, range(number - root.first, self.last_open - root.first + 1))
        self.last_open = number - 1

    def cut_behind(self, number: int) -> "Submitted":
        """Return the messages behind this one as a run of their own; what is refused is told here.

        A message is refused once, so the stretches need no order.
        """
        rest = Submitted(
            self.group, number + 1, self.run[number + 1 - self.first :], self.added_at_ms
        )
        rest._root = self._root
        rest.below, rest.attempt, rest.last = number, self.attempt, self.last
        self._run = self.run[: number + 1 - self.first]
        self.last = self.last_open = number
        self.size_bytes -= rest.size_bytes
        return rest


class Submissions:
    """The open runs of one front half, by their numbers.

    Invariant: the numbers of ``_sent`` are below those of ``_again``, and these below ``_held``.
    """

    __slots__ = (
        "_again",
        "_attempt",
        "_confirmed",
        "_held",
        "_node",
        "_open_below",
        "_queue",
        "_sent",
        "_waiting",
        "group",
        "open_bytes",
    )

    def __init__(self, queue: str, node: FrontNode) -> None:
        """Begin without any.

        Args:
            queue: the id; numbers go on from the last that this process gave to a message of it.
            node: where the bounds are, and all open octets.
        """
        self._queue = queue
        self._node = node
        self.group = FrontGroup(node.last_numbers.get(queue, 0))
        self.open_bytes = 0
        self._sent: deque[Submitted] = deque()
        self._again: deque[Submitted] = deque()
        self._held: deque[Submitted] = deque()
        self._open_below = self._attempt = self._confirmed = 0
        self._waiting: list[Callable[[], None]] = []

    def __len__(self) -> int:
        return len(self._sent) + len(self._again) + len(self._held)

    @property
    def last_number(self) -> int:
        """The last number that was given to a message."""
        return self._node.last_numbers.get(self._queue, 0)

    @property
    def has_unsent(self) -> bool:
        """Whether some wait to be submitted."""
        return bool(self._again or self._held)

    def add(self, run: Run, now_ms: int) -> Submitted | None:
        """Number a run; None where too much is open, so that it is refused."""
        node = self._node
        if (
            self.open_bytes >= node.limits.open_bytes_max
            or node.open_bytes >= node.limits.node_open_bytes_max
        ):
            return None
        first = self.last_number + 1
        submitted = Submitted(self.group, first, run, now_ms)
        node.last_numbers[self._queue] = submitted.last
        self.open_bytes += submitted.size_bytes
        node.open_bytes += submitted.size_bytes
        self._held.append(submitted)
        if self.is_full:
            node.on_full(self._waiting.append)
        return submitted

    @property
    def is_full(self) -> bool:
        """Whether who publishes should wait, so that nothing has to be refused."""
        node, limits = self._node, self._node.limits
        return (
            self.open_bytes * limits.full_part > limits.open_bytes_max
            or node.open_bytes * limits.full_part > limits.node_open_bytes_max
        )

    def next(self) -> Submitted | None:
        """Return the run that is to be submitted next, which counts as submitted from now on."""
        while waiting := self._again or self._held:
            submitted = waiting.popleft()
            submitted.below, submitted.attempt = self._open_below, self._attempt
            self._sent.append(submitted)
            if submitted.is_open:
                self._open_below = submitted.last_open
                return submitted
            self._decide()
        return None

    # -- what a leader says ---------------------------------------------------------------------

    def confirm(self, number: int) -> None:
        """All up to a number that were not refused are safe.

        Raises:
            FrontError: no message has this number.
        """
        if number > self.last_number or (self._held and number >= self._held[0].first):
            raise FrontError(f"confirms {number}, which was not submitted")
        self._confirmed = max(self._confirmed, number)
        self._decide()

    def refuse(self, first: int, last: int) -> None:
        """These are refused, and in no log.

        Raises:
            FrontError: they are not in one run that was submitted.
        """
        sent = self._sent
        for at in range(len(sent) - 1, -1, -1):
            submitted = sent[at]
            if submitted.first <= first <= last <= submitted.last_open:
                if last < submitted.last_open:
                    sent.insert(at + 1, submitted.cut_behind(last))
                submitted.refuse_from(first)
                break
            if submitted.last < first:
                raise FrontError(f"refuses {first} to {last}, which are open in no run")
        else:
            raise FrontError(f"refuses {first} to {last}, which are open in no run")
        self._look_below()
        self._decide()

    def gap(self, number: int) -> None:
        """What is open above a number is to be submitted again."""
        self._attempt += 1
        sent = self._sent
        while sent and (sent[-1].last_open > number or not sent[-1].is_open):
            self._again.appendleft(sent.pop())
        self._look_below()

    def way_ended(self) -> None:
        """All that is open is to be submitted again; what comes from now on may fail before."""
        if self._sent or self._again or self._held:
            last = self.last_number
            if self.group.committed_lsn < last:
                self.group = FrontGroup(last)
        self._again.extendleft(reversed(self._sent))
        self._sent.clear()
        self._open_below = self._attempt = 0

    # -- time -----------------------------------------------------------------------------------

    def deadline_ms(self) -> int | None:
        """Return when the first that was never submitted fails."""
        return self._held[0].added_at_ms + self._node.limits.hold_ms if self._held else None

    def expire(self, now_ms: int) -> None:
        """Refuse what was never submitted, and waited too long."""
        held, hold_ms = self._held, self._node.limits.hold_ms
        blocked = next((each.group for each in self._submitted() if each.is_open), None)
        while held and held[0].added_at_ms + hold_ms <= now_ms:
            failed = held.popleft()
            failed.refuse_from(failed.first)
            failed.was_kept_out = True
            if failed.group is blocked:
                # It is told in its turn.
                self._again.append(failed)
            else:
                self._forget(failed)
                failed.group.advance(failed.last)

    def end(self) -> None:
        """The queue is gone: what is open has failed."""
        groups = {each.group: None for each in chain(self._sent, self._again, self._held)}
        for each in chain(self._sent, self._again, self._held):
            self._forget(each)
        for line in (self._sent, self._again, self._held):
            line.clear()
        for group in groups:
            group.fail()

    # -- inside ---------------------------------------------------------------------------------

    def _submitted(self) -> Iterator[Submitted]:
        """Return what was ever submitted, the last first."""
        return chain(reversed(self._again), reversed(self._sent))

    def _decide(self) -> None:
        """Let go of what is decided, from the first on."""
        last: dict[FrontGroup, int] = {}
        for line in (self._sent, self._again):
            while line and (line[0].last_open <= self._confirmed or not line[0].is_open):
                decided = line.popleft()
                self._forget(decided)
                last[decided.group] = decided.last
            if line:
                break
        if not self._sent:
            self._open_below = 0
        for group, lsn in last.items():
            group.advance(lsn)

    def _forget(self, submitted: Submitted) -> None:
        self.open_bytes -= submitted.size_bytes
        self._node.open_bytes -= submitted.size_bytes
        if self._waiting and (not self.open_bytes or not self.is_full):
            waiting, self._waiting = self._waiting, []
            for go_on in waiting:
                go_on()

    def _look_below(self) -> None:
        """Find the highest open number of what is submitted."""
        if not self._sent:
            self._open_below = 0
        else:
            last = self._sent[-1]
            self._open_below = last.last_open if last.is_open else last.below
