"""What this node says to nodes that lead streams, of its members in their groups.

    seat at a leader's node ─▶ change ─▶ question ┄▶ answer ─▶ words ─▶ the seat is told

What a leader's node has said holds for ``LEASE_MS`` from when it was asked. Then its members here
stop by themselves, and join again, as by then it may have told others to read.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from amqp_server.broker.groups.forms import (
    ANSWERED,
    JOIN,
    LEAVE,
    Change,
    Joining,
    Question,
    Told,
    Visit,
    Word,
)
from amqp_server.broker.groups.guests import LEASE_MS
from amqp_server.broker.groups.saying import GapError, Saying, unheard
from amqp_server.broker.steps import Steps

log = logging.getLogger(__name__)

CHANGES_AT_ONCE: Final = 500
"""Changes in one question."""

CHANGES_MAX: Final = 50_000
"""Changes that a leader's node has not heard; with more of them a visit begins anew."""

STEP_COUNT: Final = 64


class Seat(Protocol):
    """A member here whose group another node decides."""

    def joining(self, now_ms: int) -> Joining:
        """Return how it joins now."""

    def hear(self, word: Word, now_ms: int) -> None:
        """Hear what the leader's node says."""

    def lose(self, until_ms: int, now_ms: int) -> None:
        """What the leader's node has said does not hold after an instant any more."""


class _Visit:
    """The visit at one node.

    Attributes:
        holds_until_ms: what was said holds up to then; None before the first answer.
    """

    __slots__ = ("changes", "heard", "holds_until_ms", "visit")

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self.changes: Saying[Change] = Saying()
        self.heard = 0
        self.holds_until_ms: int | None = None


class Visits:
    """The visits of one node at others.

    Attributes:
        on_change: called with the name of a node that is to be asked.
    """

    def __init__(self, incarnation: Callable[[], int]) -> None:
        """Begin without a visit.

        Args:
            incarnation: of this node; it only grows.
        """
        self.on_change: Callable[[str], None] = _tell_nobody
        self._incarnation = incarnation
        self._visits: dict[str, _Visit] = {}
        self._seats: dict[str, dict[int, Seat]] = {}
        self._count = 0

    @property
    def are_none(self) -> bool:
        """Whether no node is to be asked."""
        return not self._visits

    def is_at(self, node: str) -> bool:
        """Return whether there is something to ask a node."""
        return node in self._visits

    def holds_until_ms(self, node: str) -> int | None:
        """Return until when what a node has said holds; None is that it has said nothing."""
        visit = self._visits.get(node)
        return None if visit is None else visit.holds_until_ms

    def has_changes(self, node: str) -> bool:
        """Return whether a node is to be told something."""
        visit = self._visits.get(node)
        return visit is not None and bool(visit.changes)

    def tells_of_stops(self, node: str) -> bool:
        """Return whether a node is to be told of members that have stopped to read."""
        visit = self._visits.get(node)
        changes = () if visit is None else visit.changes.next(CHANGES_AT_ONCE)
        return any(each.kind != JOIN for each in changes)

    # -- seats --------------------------------------------------------------------------------

    def join(self, node: str, number: int, seat: Seat, now_ms: int) -> None:
        """Have a seat join its group at a node."""
        if node not in self._visits:
            self._visits[node] = self._begun()
        self._seats.setdefault(node, {})[number] = seat
        self._add(node, Change(JOIN, number, seat.joining(now_ms)))

    def answered(self, node: str, number: int) -> None:
        """The client of a seat has stopped to read."""
        self._add(node, Change(ANSWERED, number))

    def leave(self, node: str, number: int) -> None:
        """A seat leaves its group at a node."""
        seats = self._seats.get(node, {})
        if seats.pop(number, None) is None:
            return
        self._add(node, Change(LEAVE, number))
        if not seats and self._visits[node].holds_until_ms is None:
            # It has never answered: silence says the same.
            self._end(node)

    def _add(self, node: str, change: Change) -> None:
        visit = self._visits.get(node)
        if visit is not None:
            visit.changes.add(change)
            self.on_change(node)

    # -- questions ----------------------------------------------------------------------------

    def question(self, node: str, *, tells: bool) -> Question | None:
        """Return what a node is asked now; None is nothing.

        Args:
            node: that is asked.
            tells: with what it is to be told.
        """
        visit = self._visits.get(node)
        if visit is None:
            return None
        changes = tuple(visit.changes.next(CHANGES_AT_ONCE)) if tells else ()
        return Question(visit.visit, visit.heard, visit.changes.first, changes)

    def told(self, node: str, asked: Visit, asked_ms: int, told: Told, now_ms: int) -> Steps[None]:
        """Take the answer of a node, in steps.

        Args:
            node: that has answered.
            asked: the visit of the question.
            asked_ms: when the question left.
            told: the answer.
            now_ms: the time.
        """
        visit = self._visits.get(node)
        if visit is None or visit.visit != asked:
            return
        if asked_ms + LEASE_MS <= now_ms:
            # It is late, and nothing of it holds: others may read by now.
            yield from self.begin_anew(node, asked, now_ms)
            return
        visit.changes.heard(told.heard)
        visit.holds_until_ms = max(visit.holds_until_ms or 0, asked_ms + LEASE_MS)
        try:
            words = unheard(visit.heard, told.first, told.words)
        except GapError:
            yield from self.begin_anew(node, asked, now_ms)
            return
        seats = self._seats.get(node, {})
        first = visit.heard + 1
        for number, word in enumerate(words, first):
            if self._visits.get(node) is not visit:
                return
            if number <= visit.heard:
                continue
            visit.heard = number
            seat = seats.get(word.member)
            if seat is not None:
                seat.hear(word, now_ms)
            if not number % STEP_COUNT:
                yield
        if not seats and not visit.changes:
            self._end(node)

    def begin_anew(self, node: str, asked: Visit, now_ms: int) -> Steps[None]:
        """Begin a visit anew: the node has refused it. Its members join again, in steps.

        Args:
            node: that was asked.
            asked: the visit of the question.
            now_ms: the time.
        """
        before = self._visits.get(node)
        if before is None or before.visit != asked:
            return
        seats: dict[int, Seat] = self._seats.setdefault(node, {})
        if not seats:
            self._end(node)
            return
        self._visits[node] = visit = self._begun()
        numbers: Sequence[int] = sorted(seats)
        for count, number in enumerate(numbers, 1):
            if self._visits.get(node) is not visit:
                return
            seat = seats.get(number)
            if seat is not None:
                # The node ends the visit before, and may have others read at once.
                seat.lose(now_ms, now_ms)
                visit.changes.add(Change(JOIN, number, seat.joining(now_ms)))
            if not count % STEP_COUNT:
                yield
        self.on_change(node)

    def looking(self, now_ms: int) -> Steps[None]:
        """Begin visits anew at nodes that are silent, or hear nothing."""
        for node, visit in list(self._visits.items()):
            until_ms = visit.holds_until_ms
            is_late = until_ms is not None and now_ms >= until_ms
            if is_late or len(visit.changes) > CHANGES_MAX:
                count = len(self._seats.get(node, ()))
                log.info("node=%s is silent: %d members of its groups stop", node, count)
                yield from self.begin_anew(node, visit.visit, now_ms)

    def _end(self, node: str) -> None:
        del self._visits[node], self._seats[node]

    def _begun(self) -> _Visit:
        self._count += 1
        return _Visit((self._incarnation(), self._count))


def _tell_nobody(_node: str) -> None:
    """Until somebody listens."""
