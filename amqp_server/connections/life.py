"""The state of a connection and its time limit; each protocol has its own table of states."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

StateT = TypeVar("StateT", bound=Enum)
StepT = TypeVar("StepT", bound=Enum)


@dataclass(frozen=True, slots=True)
class Course(Generic[StateT, StepT]):
    """The states of every connection of a protocol, as a table.

    Attributes:
        transitions: the next state for a state and a step; an absent pair must not happen.
        first: the state at the begin.
        open: the state in which clients do their work.
        ended: the states in which nothing is carried out any more.
        closed: the ended state in which the socket must be closed.
    """

    transitions: Mapping[tuple[StateT, StepT], StateT]
    first: StateT
    open: StateT
    ended: frozenset[StateT]
    closed: StateT


class Life(Generic[StateT, StepT]):
    """The life of one connection.

    Attributes:
        state: the present state.
        is_open: clients can do their work; before this their identity is not known.
        is_over: nothing more is carried out.
        is_closed: the socket must be closed, after buffered output was sent. The code that ends
            the connection delays this while last words must still be written.
        ends_at_ms: when the present state must be over (instant); None is without limit.
        due_ms: the connection's next deadline as it was computed last, or None for none. It is
            also None when the deadline may have come nearer since.

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
        """Move to the next state of the course."""
        course = self._course
        self.state = state = course.transitions[self.state, step]
        self.is_open = state is course.open
        self.is_over = state in course.ended
        self.is_closed = state is course.closed

    def limit(self, ends_at_ms: int | None) -> None:
        """Set the time at which the state must be over; None is without limit."""
        self.ends_at_ms = ends_at_ms
        self.due_ms = None

    def is_late(self, now_ms: int) -> bool:
        """Whether that time has come."""
        return self.ends_at_ms is not None and now_ms >= self.ends_at_ms
