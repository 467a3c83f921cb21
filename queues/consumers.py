"""Whose turn it is: round robin, consumer priorities, single active consumer.

Among consumers with credit those of the highest priority are served, message by message in turn;
who was served last goes to the back (RabbitMQ, consumer-priority). With a single active consumer
only one is served: the first to come, and when it goes the one with the highest priority, the
eldest of them. A quorum queue's hands over to a newcomer with a higher priority, as soon as all
it was given is settled.
"""

from collections.abc import Iterator, Sequence

from queues.errors import ExclusiveUseError
from queues.options import QueueKind, QueueOptions
from queues.ports import ConsumerHandle


class Consumers:
    """The consumers of one queue.

    Attributes:
        count: how many there are, waiting ones included.
        sole: the only consumer, where nothing but its credit decides; else None.
        may_hand_over: once all is settled, another one may become the active consumer.

    Invariant: with a single active consumer, one is active whenever there is any.
    """

    __slots__ = (
        "_active",
        "_handles",
        "_is_quorum",
        "_levels",
        "_single_active",
        "count",
        "may_hand_over",
        "sole",
    )

    def __init__(self, options: QueueOptions) -> None:
        self._single_active = options.single_active_consumer
        self._is_quorum = options.kind is QueueKind.QUORUM
        self._handles: list[ConsumerHandle] = []  # in the order in which they came
        # One list per priority, highest first; in each, the least lately served first.
        self._levels: list[list[ConsumerHandle]] = []
        self._active: ConsumerHandle | None = None
        self.count = 0
        self.sole: ConsumerHandle | None = None
        self.may_hand_over = self._single_active and self._is_quorum

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[ConsumerHandle]:
        return iter(self._handles)

    @property
    def active(self) -> ConsumerHandle | None:
        """The single active consumer; None when there is none, or the queue has no such rule."""
        return self._active

    def add(self, handle: ConsumerHandle) -> None:
        """Let a consumer take part.

        Raises:
            ExclusiveUseError: somebody consumes exclusively; or it wants to, and is not alone
                or the queue has a single active consumer. Quorum queues ignore ``exclusive``.
        """
        if not self._is_quorum:
            self._check_exclusive_use(handle)
        self._handles.append(handle)
        self._recount()
        self._sort_into_levels()
        if self._single_active and self._active is None:
            self._active = handle

    def remove(self, handle: ConsumerHandle) -> bool:
        """Take a consumer out; False if it is not one."""
        if handle not in self._handles:
            return False
        self._handles.remove(handle)
        self._recount()
        for level in self._levels:
            if handle in level:
                level.remove(handle)
        self._levels = [level for level in self._levels if level]
        if self._active is handle:
            self._active = self._levels[0][0] if self._levels else None
        return True

    def all_settled(self) -> None:
        """Nothing is unacked: a waiting consumer of higher priority may become the active one."""
        if self._is_stepping_down():
            self._active = self._levels[0][0]

    def next_round(self, message_count: int) -> tuple[Sequence[ConsumerHandle], int]:
        """Return who gets the next messages, in turn, and how many each may get.

        Args:
            message_count: how many messages there are to give, > 0.

        Returns:
            Nobody and 0 while no consumer that may be served has credit.
        """
        if self._single_active:
            if self._active is None or self._is_stepping_down():
                return (), 0
            credit = self._active.credit()
            return ((self._active,), credit) if credit > 0 else ((), 0)
        for level in self._levels:
            handles, credit = _round_of(level, message_count)
            if handles:
                return handles, credit
        return (), 0

    def served(self, handles: Sequence[ConsumerHandle], message_count: int) -> None:
        """Note that a round's consumers got this many messages, in turn: they go to the back."""
        if len(self._handles) == 1 or self._single_active:
            return
        turn = message_count % len(handles)
        if message_count < len(handles):
            latest = list(handles[:turn])
        else:
            latest = [*handles[turn:], *handles[:turn]]
        identities = set(map(id, latest))
        for index, level in enumerate(self._levels):
            if level[0].priority == handles[0].priority:
                waiting = [handle for handle in level if id(handle) not in identities]
                self._levels[index] = waiting + latest

    def _recount(self) -> None:
        self.count = len(self._handles)
        is_alone = self.count == 1 and not self._single_active
        self.sole = self._handles[0] if is_alone else None

    def _check_exclusive_use(self, handle: ConsumerHandle) -> None:
        if handle.exclusive and (self._handles or self._single_active):
            raise ExclusiveUseError
        if any(other.exclusive for other in self._handles):
            raise ExclusiveUseError

    def _sort_into_levels(self) -> None:
        """Put the newcomer last among its equals."""
        newcomer = self._handles[-1]
        for index, level in enumerate(self._levels):
            if level[0].priority == newcomer.priority:
                level.append(newcomer)
                return
            if level[0].priority < newcomer.priority:
                self._levels.insert(index, [newcomer])
                return
        self._levels.append([newcomer])

    def _is_stepping_down(self) -> bool:
        if self._active is None or not self._is_quorum:
            return False
        return self._levels[0][0].priority > self._active.priority


def _round_of(
    level: list[ConsumerHandle], message_count: int
) -> tuple[Sequence[ConsumerHandle], int]:
    """Return who of one priority has credit, and the least that each of them has."""
    if len(level) == 1:
        credit = level[0].credit()
        return (level, credit) if credit > 0 else ((), 0)
    handles: list[ConsumerHandle] = []
    least_credit = message_count
    for handle in level:
        credit = handle.credit()
        if credit <= 0:
            continue
        handles.append(handle)
        least_credit = min(least_credit, credit)
        if len(handles) == message_count:
            break
    if len(handles) > 1 and any(handle.shares_credit for handle in handles):
        # What the first is given may be what the second counted on.
        return handles[:1], 1
    return handles, least_credit
