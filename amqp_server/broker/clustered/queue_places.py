"""Declares of new queues that are under way, where a vhost or the node may have only so many.

    limit 10, there are 8:   declare a, b ── under way
                             declare c    ── waits: is one of them refused?
                             a, b are there ── c is refused

Each asks before the store has decided the others. So those of this node that are not decided count
as queues. A declare that only they leave no room for waits for one of them. Where the store is away
each of them takes as long as it may. So a declare that has waited long asks no more, and ends.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias, TypeVar

from amqp_server.broker.awaited import Awaited
from amqp_server.broker.errors import PreconditionFailedError, UndecidedError
from amqp_server.broker.limits import VhostLimits, check_node_queue
from amqp_server.broker.steps import WaitingSteps

T = TypeVar("T")

Patience: TypeAlias = Callable[[], Callable[[], bool]]
"""Returns, when a wait begins, what says whether it has been long; ``Deciding.patience``."""


class Queues(Protocol):
    """The queues of a vhost; ``broker.queue_table`` implements it."""

    def __len__(self) -> int:
        """Return how many there are."""

    def find(self, name: str) -> object | None:
        """Return one; None if there is none of this name."""


class LimitedVhost(Protocol):
    """A vhost; ``broker.vhost`` implements it.

    Attributes:
        name: of the vhost.
        limits: max-queues among them.
        queues: that it has.
    """

    @property
    def name(self) -> str:
        """See above."""

    @property
    def limits(self) -> VhostLimits:
        """See above."""

    @property
    def queues(self) -> Queues:
        """See above."""


class Limits(Protocol):
    """The limits of the node; ``broker.settings`` has them.

    Attributes:
        queues_max: over all vhosts; 0 is no limit.
    """

    @property
    def queues_max(self) -> int:
        """See above."""


class Room(Protocol):
    """Counts queues; ``broker.broker`` implements it."""

    @property
    def settings(self) -> Limits:
        """The limits of the node."""

    def count_queues(self) -> int:
        """Return how many queues there are in all vhosts."""


class QueuePlaces:
    """The declares of this node that are under way and count, and those that wait for them.

    Args:
        patience: of a declare that waits.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._open: dict[tuple[str, str], int] = {}
        self._of_vhost: dict[str, int] = {}
        self._waiting: deque[Awaited[None]] = deque()

    def placing(
        self, room: Room, vhost: LimitedVhost, name: str, declaring: WaitingSteps[T]
    ) -> WaitingSteps[T]:
        """Carry out a declare once it is sure that there is room for its queue.

        Args:
            room: counts queues.
            vhost: of the queue.
            name: of the queue.
            declaring: asks the store; at its end the tables have the queue.

        Raises:
            PreconditionFailedError: a limit is reached (406).
            UndecidedError: others were asked for long, and it may be so; and what ``declaring``
                raises.
        """
        if not (vhost.limits or room.settings.queues_max):
            return (yield from declaring)
        yield from self._waiting_for_room(room, vhost, name)
        key = (vhost.name, name)
        self._count(key, 1)
        try:
            return (yield from declaring)
        finally:
            self._count(key, -1)
            self._wake_next()

    def _waiting_for_room(self, room: Room, vhost: LimitedVhost, name: str) -> WaitingSteps[None]:
        is_long: Callable[[], bool] | None = None
        while True:
            is_counted = (vhost.name, name) in self._open
            of_vhost = self._of_vhost.get(vhost.name, 0) - is_counted
            elsewhere = len(self._open) - is_counted - of_vhost
            try:
                _check(room, vhost, name, of_vhost, elsewhere)
            except PreconditionFailedError:
                if not of_vhost + elsewhere:
                    self._wake_next()  # it may be refused likewise, or be of another vhost
                    raise
                has_room = False
            else:
                has_room = True
            if is_long is not None and is_long():
                self._wake_next()  # it may have come later
                raise UndecidedError("the metadata store does not answer: declares before this one")
            if has_room:
                return
            is_first = is_long is not None
            is_long = is_long or self._patience()
            yield from self._next_end(is_first=is_first)

    def _next_end(self, *, is_first: bool) -> WaitingSteps[None]:
        over: Awaited[None] = Awaited()
        if is_first:
            self._waiting.appendleft(over)
        else:
            self._waiting.append(over)
        is_taken = False
        try:
            yield from over.value()
            is_taken = True
        finally:
            if not is_taken:
                if over.is_over:
                    self._wake_next()  # this one's turn has come, and it is gone
                else:
                    self._waiting.remove(over)

    def _count(self, key: tuple[str, str], change: int) -> None:
        before, after = self._open.get(key, 0), self._open.get(key, 0) + change
        self._open[key] = after
        if not after:
            del self._open[key]
        if bool(before) is not bool(after):
            of_vhost = self._of_vhost.get(key[0], 0) + (1 if after else -1)
            self._of_vhost[key[0]] = of_vhost
            if not of_vhost:
                del self._of_vhost[key[0]]

    def _wake_next(self) -> None:
        if self._waiting:
            self._waiting.popleft().set(None)


def _check(room: Room, vhost: LimitedVhost, name: str, of_vhost: int, elsewhere: int) -> None:
    """Check that there may be a queue more, beside those that are under way."""
    if vhost.queues.find(name) is None:
        vhost.limits.check_queue(vhost.name, name, len(vhost.queues) + of_vhost)
        check_node_queue(room.settings.queues_max, name, room.count_queues() + of_vhost + elsewhere)
