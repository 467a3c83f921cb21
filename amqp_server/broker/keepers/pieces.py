"""Messages of a delayed exchange that became due together, and what each queue gets of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from persistence.record import Run, body_bytes, detached
from queues.delayed.waiting import Due
from queues.delayed.waiting_engine import WaitingEngine


@dataclass(slots=True, eq=False)
class Piece:
    """Messages that became due together, on their way to their queues.

    Attributes:
        engine: of the leadership in which they became due.
        due: the messages.
        open_count: of the queues that do not have theirs yet.
        aside: parts that their queues do not take now; they have the others.
    """

    engine: WaitingEngine
    due: Due
    open_count: int = 1
    aside: "list[Part]" = field(default_factory=list)
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.size_bytes = body_bytes(self.due.records)


class Part(NamedTuple):
    """Messages of a piece for one queue, or keeper; ``positions`` are where they wait."""

    piece: Piece
    name: str
    run: Run
    positions: Sequence[int]

    @property
    def size_bytes(self) -> int:
        """The sum of the bodies."""
        return body_bytes(self.run)

    def rest(self, left: Sequence[int]) -> "Part":
        """Return a part with only these of the messages, by their indices."""
        return self._replace(
            run=detached([self.run[index] for index in left]),
            positions=[self.positions[index] for index in left],
        )
