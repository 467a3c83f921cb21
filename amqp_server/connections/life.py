"""Where a connection is in its life, and until when; each protocol has a course of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

StateT = TypeVar("StateT", bound=Enum)
StepT = TypeVar("StepT", bound=Enum)


@dataclass(frozen=True, slots=True)
class Course(Generic[StateT, StepT]):
    """The life of every connection of a protocol, as a table.

    Attributes:
        transitions: from a state by a step to a state; a pair that is absent must not happen.
        first: where it begins.
        open: where clients do what they came for.
        ended: where nothing is carried out any more.
        closed: the one of them whose socket must be closed.
    """

    transitions: Mapping[tuple[StateT, StepT], StateT]
    first: StateT
    open: StateT
    ended: frozenset[StateT]
    closed: StateT


class Life(Generic[StateT, StepT]):
    """The life of one connection.

    Attributes:
        state: where it is.
        is_open: that is where clients do what they came for; before, they may be anybody.
        is_over: nothing more is carried out.
        is_closed: the socket must be closed, once what is buffered was sent. Whoever ends the
            connection puts it off while last words are still to be written.
        ends_at_ms: when what it is in must be over (instant); None: it may last.
        due_ms: its connection's next deadline as it was reckoned last, or None for none; None too
            when it may have come nearer since.

    Invariant: ``state`` only moves along the course.
    """

    __slots__ = ("_course", "due_ms", "ends_at_ms", "is_closed", "is_open", "is_over", "state")

    def __init__(self, course: Course[StateT, StepT], ends_at_ms: int | None) -> None:
        self._course = course
        self.state = course.first
        self.is_open = self.is_over = self.is_closed = False
        self.ends_at_ms = ends_at_ms
        self.due_ms: int | None = None

    def step(self, step: StepT) -> None:
        """Go where the course leads."""
        course = self._course
        self.state = state = course.transitions[self.state, step]
        self.is_open = state is course.open
        self.is_over = state in course.ended
        self.is_closed = state is course.closed

    def limit(self, ends_at_ms: int | None) -> None:
        """Say by when it must be over; None: it may last."""
        self.ends_at_ms = ends_at_ms
        self.due_ms = None

    def is_late(self, now_ms: int) -> bool:
        """Whether that is now."""
        return self.ends_at_ms is not None and now_ms >= self.ends_at_ms
