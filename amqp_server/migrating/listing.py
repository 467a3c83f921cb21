"""Which queues are moved, which are left, and why: from what two HTTP APIs say. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

STREAM: Final = "stream"
UNKNOWN: Final = -1
"""Messages of a queue whose node does not say how many there are: perhaps there are some."""
Queue: TypeAlias = Mapping[str, Any]
"""An item of ``/api/queues``."""


class Name(NamedTuple):
    """A queue in its vhost."""

    vhost: str
    queue: str

    def text(self) -> str:
        """Say it."""
        return self.queue if self.vhost == "/" else f"{self.queue} in {self.vhost}"


class Choice(NamedTuple):
    """What is to be done with the queues of a source.

    Attributes:
        moved: those that are moved, in order.
        left: the others, each with the reason.
        full: those of ``left`` that hold messages, or may.
    """

    moved: tuple[Name, ...]
    left: Mapping[Name, str]
    full: frozenset[Name]


def choice_of(source: Sequence[Queue], target: Sequence[Queue]) -> Choice:
    """Return what is to be done.

    Args:
        source: the queues of the source.
        target: the queues of the target.
    """
    there = {name_of(queue): queue for queue in target}
    moved, left, full = [], {}, set()
    for queue in sorted(source, key=name_of):
        name = name_of(queue)
        reason = _reason_to_leave(queue, there.get(name))
        if not reason:
            moved.append(name)
            continue
        left[name] = reason
        if queue.get("messages", UNKNOWN) or kind_of(queue) == STREAM:
            full.add(name)
    return Choice(tuple(moved), left, frozenset(full))


def name_of(queue: Queue) -> Name:
    """Return where a queue is."""
    return Name(queue["vhost"], queue["name"])


def kind_of(queue: Queue) -> str:
    """Return its type; one that says none is classic."""
    arguments = queue.get("arguments") or {}
    return str(queue.get("type") or arguments.get("x-queue-type") or "classic")


def _reason_to_leave(queue: Queue, other: Queue | None) -> str:
    if kind_of(queue) == STREAM:
        return "a stream is not moved: its messages have offsets that others would not have"
    if queue.get("exclusive"):
        return "it is exclusive, and ends with its connection"
    if not queue.get("durable"):
        return "it is not durable, and ends with its node"
    if queue.get("auto_delete"):
        # The move is its last consumer: were it to end in the middle, so would the queue.
        return "it is auto-delete, and would end with the move, whatever is in it"
    if other is None:
        return "the target has no queue of this name; --with-definitions copies them"
    if kind_of(other) == STREAM:
        return "the target has a stream of this name"
    if not other.get("durable"):
        return "the target has a queue of this name that is not durable"
    return ""
