"""Which danger a mirrored queue is in, and how many are in which."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

from amqp_server.broker.views import MirroredView

SHOWN_MAX: Final = 500
"""Queues in danger that a list has: who mends these sees the next ones."""

RUNNING: Final = "running"
DOWN: Final = "down"
MINORITY: Final = "minority"

_DANGERS: Final[Sequence[tuple[str, Callable[[MirroredView], bool]]]] = (
    ("offline", lambda view: view.is_offline),
    ("held", lambda view: view.is_held),
    ("at_min_isr", lambda view: view.is_at_min_isr),
    ("under_replicated", lambda view: view.is_under_replicated),
)
"""What a queue can be in, the worst first."""

DANGERS: Final = tuple(name for name, _ in _DANGERS)
WELL: Final = "well"


def danger_of(view: MirroredView) -> str:
    """Return the worst that a queue is in: one of ``DANGERS``, or ``well``."""
    for name, is_in in _DANGERS:
        if is_in(view):
            return name
    return WELL


def state_of(view: MirroredView) -> str:
    """Return RabbitMQ's word for how a queue is: ``running``, ``down`` or ``minority``."""
    if view.is_offline:
        return DOWN
    return MINORITY if view.is_held else RUNNING


def leader_of(view: MirroredView) -> str:
    """Return who leads a queue now; empty is nobody, as in RabbitMQ."""
    return "" if view.is_offline else view.leader


class Census:
    """How many mirrored queues are in which danger, and the worst of them.

    Attributes:
        mirrored: how many there are.
        counts: by danger; a queue counts in each that it is in.
        leaders: queues by the node that leads them.
    """

    def __init__(self) -> None:
        self.mirrored = 0
        self.counts: Counter[str] = Counter()
        self.leaders: Counter[str] = Counter()
        self._found: dict[str, list[MirroredView]] = {name: [] for name in DANGERS}

    def add(self, view: MirroredView) -> None:
        """Count a queue."""
        self.mirrored += 1
        if not view.is_offline:
            self.leaders[view.leader] += 1
        self.counts.update(name for name, is_in in _DANGERS if is_in(view))
        found = self._found.get(danger_of(view))
        if found is not None and len(found) < SHOWN_MAX:
            found.append(view)

    def worst(self) -> list[MirroredView]:
        """Return the queues that are in danger, the worst first: at most ``SHOWN_MAX``."""
        return [view for found in self._found.values() for view in found][:SHOWN_MAX]

    def body(self) -> dict[str, int]:
        """Return the counts as JSON."""
        return {"mirrored": self.mirrored} | {name: self.counts[name] for name in DANGERS}
