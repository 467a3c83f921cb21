"""Decides which consumer is served next: round robin, priorities, single active consumer.

Of the consumers with credit, those of the highest priority are served, message by message in turn.
A consumer that was served goes to the back, and so does one that gets credit back (RabbitMQ,
consumer-priority and rabbit_queue_consumers). With a single active consumer only one consumer is
served. This is the first that came. When it goes, the eldest of the highest priority follows. In a
quorum queue it hands over to a newcomer with a higher priority as soon as all its deliveries are
settled.

    priority 5   ring: c1 | c2 | c7 c8 c9 | c3      c7 to c9 came back together
    priority 0   ring: c4
    blocked      c5: its own window is full         c6 c10: their lane is shut

Blocked consumers are not looked at. So the cost of a step depends on the deliveries in it, and not
on the number of consumers.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, TypeAlias

from queues.classic.blocked import Cohort
from queues.classic.rules import CLASSIC_RULES, SharingRules
from queues.consumer_port import ConsumerHandle, Lane
from queues.errors import ExclusiveUseError
from queues.options import QueueOptions
from queues.ports import QueueState

NOBODY: Final = QueueState()

Ring: TypeAlias = "OrderedDict[ConsumerHandle | Cohort, None]"


class Consumers:
    """The consumers of one queue.

    Attributes:
        count: how many there are, waiting ones included.
        sole: the only consumer, where only its credit decides; else None.
        sole_is_refused: when the sole consumer was last asked, it had no credit for a message. It
            is then blocked, which is entered in the rings only when another consumer comes.
        may_hand_over: when everything is settled, another consumer may become the active one.
        share_lanes: some of them are on the same lane.

    Invariant: with a single active consumer, one is active whenever there is any.
    Invariant: a consumer is in one ring, alone or in a cohort; or in a cohort that waits for its
        lane; or ``is_blocked``.
    Invariant: no ring is empty, and ``_priorities`` are those of the rings, ascending.
    """

    __slots__ = (
        "_active",
        "_exclusive_count",
        "_knows_exclusive",
        "_lane_counts",
        "_next_number",
        "_places",
        "_priorities",
        "_rings",
        "_single_active",
        "_suspended",
        "count",
        "may_hand_over",
        "share_lanes",
        "sole",
        "sole_is_refused",
    )

    def __init__(self, options: QueueOptions, rules: SharingRules = CLASSIC_RULES) -> None:
        self._single_active = options.single_active_consumer
        self._knows_exclusive = rules.knows_exclusive_consumers
        # In the order in which they came. Each has its place: in a ring; in a cohort, with the #
        # place there; or blocked, with its number.
        self._places: dict[ConsumerHandle, Ring | tuple[Cohort, int] | int] = {}
        self._rings: dict[int, Ring] = {}
        self._priorities: list[int] = []
        self._suspended: dict[Lane, dict[int, Cohort]] = {}
        self._next_number = 1
        self._lane_counts: dict[Lane, int] = {}
        self._exclusive_count = 0
        self._active: ConsumerHandle | None = None
        self.count = 0
        self.share_lanes = False
        self.sole: ConsumerHandle | None = None
        self.sole_is_refused = False
        self.may_hand_over = self._single_active and rules.hands_over

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[ConsumerHandle]:
        return iter(self._places)

    @property
    def active(self) -> ConsumerHandle | None:
        """The single active consumer; None when there is none, or the queue has no such rule."""
        return self._active

    def state(self) -> QueueState:
        """Return how they are; none of them is asked for credit."""
        if not self.count:
            return NOBODY
        is_refused = self.all_are_blocked or (self.sole is not None and self.sole_is_refused)
        return QueueState(
            self._active,
            next(iter(self._places)) if self._exclusive_count else None,
            may_deliver=not is_refused,
        )

    @property
    def all_are_blocked(self) -> bool:
        """Whether no consumer can be served until credit comes back, as far as is known."""
        return not self._priorities and self.sole is None

    def serves(self, lane: Lane) -> bool:
        """Whether any of them is on this lane."""
        return lane in self._lane_counts

    def add(self, handle: ConsumerHandle) -> None:
        """Add a consumer.

        Raises:
            ExclusiveUseError: another consumer is exclusive; or this one wants to be, and is not
                alone, or the queue has a single active consumer. It is not raised in kinds that
                ignore ``exclusive``.
        """
        if self._knows_exclusive:
            self._check_exclusive_use(handle)
        if self.sole is not None and self.sole_is_refused:
            self._hold_back_sole(self.sole)
        handle.is_blocked = False
        self._join(handle)
        self._exclusive_count += handle.exclusive
        count = self._lane_counts[handle.lane] = self._lane_counts.get(handle.lane, 0) + 1
        self.share_lanes |= count > 1
        self._recount()
        if self._single_active and self._active is None:
            self._active = handle

    def remove(self, handle: ConsumerHandle) -> bool:
        """Remove a consumer; return False if it is unknown."""
        place = self._places.pop(handle, None)
        if place is None:
            return False
        if isinstance(place, tuple):
            cohort, at = place
            cohort.drop(at)
        elif isinstance(place, OrderedDict):
            del place[handle]
            if not place:
                self._drop_ring(handle.priority)
        self._exclusive_count -= handle.exclusive
        self._leave_lane(handle.lane)
        self._recount()
        if self._active is handle:
            self._active = self._first_waiting()
        return True

    def all_settled(self) -> None:
        """Everything is settled, so a consumer of higher priority may become the active one."""
        if self._is_stepping_down():
            self._active = self._first_waiting()

    def credit_regained(self, handle: ConsumerHandle) -> None:
        """A consumer that was blocked has credit of its own again."""
        number = self._places.get(handle)
        if not isinstance(number, int):
            return
        handle.is_blocked = False
        # If others wait for its lane, it waits with them, in its place. They leave together.
        if handle.lane in self._suspended or (handle.credit() <= 0 and handle.lane.is_shut):
            self._suspend(handle, number)
        else:
            self._join(handle)

    def lane_opened(self, lane: Lane) -> None:
        """The consumers that waited for a lane may be served again."""
        for priority, cohort in self._suspended.pop(lane, {}).items():
            if cohort.members:
                self._ring(priority)[cohort] = None

    def next_round(self, message_count: int) -> tuple[Sequence[ConsumerHandle], int]:
        """Return the consumers of the next messages, in turn, and how many each may get.

        A consumer that is asked and has no credit is blocked from here on.

        Args:
            message_count: how many messages there are to give, > 0.

        Returns:
            No consumer and 0 while none that may be served has credit.
        """
        if self._single_active:
            if self._active is None or self._is_stepping_down():
                return (), 0
            credit = self._active.credit()
            return ((self._active,), credit) if credit > 0 else ((), 0)
        while self._priorities:
            priority = self._priorities[-1]
            ring = self._rings[priority]
            handles, credit, refused = _round_of(ring, self._suspended, message_count)
            for each in refused:
                if isinstance(each, Cohort):
                    del ring[each]
                    self._suspend_all(each, priority)
                else:
                    self._leave_ring(each, ring)
                    self._block(each)
            if not ring:
                self._drop_ring(priority)
            if handles:
                return handles, credit
        return (), 0

    def served(self, handles: Sequence[ConsumerHandle], message_count: int) -> None:
        """Note that a round's consumers got this many messages, in turn: they go to the back."""
        if self.count == 1 or self._single_active:
            return
        turn = message_count % len(handles)
        if message_count < len(handles):
            latest: Sequence[ConsumerHandle] = handles[:turn]
        elif turn:
            latest = [*handles[turn:], *handles[:turn]]
        else:
            latest = handles
        ring = self._rings[handles[0].priority]
        for handle in latest:
            if self._places[handle] is ring:
                ring.move_to_end(handle)
            else:
                self._leave_ring(handle, ring)
                ring[handle] = None
                self._places[handle] = ring

    # -- who is where -----------------------------------------------------------------------

    def _join(self, handle: ConsumerHandle) -> None:
        """Put a consumer behind the others with credit."""
        ring = self._ring(handle.priority)
        ring[handle] = None
        self._places[handle] = ring

    def _ring(self, priority: int) -> Ring:
        """Return the ring that a consumer is about to enter."""
        ring = self._rings.get(priority)
        if ring is None:
            ring = self._rings[priority] = OrderedDict()
            insort(self._priorities, priority)
        return ring

    def _drop_ring(self, priority: int) -> None:
        del self._rings[priority]
        del self._priorities[bisect_left(self._priorities, priority)]

    def _leave_ring(self, handle: ConsumerHandle, ring: Ring) -> None:
        """Remove a consumer from its ring, where it is alone or in a cohort."""
        place = self._places[handle]
        if isinstance(place, tuple):
            cohort, at = place
            cohort.drop(at)
            if not cohort.members:
                del ring[cohort]
        else:
            del ring[handle]

    def _block(self, handle: ConsumerHandle) -> None:
        """Let a refused consumer wait for its own credit or for its lane."""
        number = self._next_number
        self._next_number += 1
        is_shut = handle.lane in self._suspended or handle.lane.is_shut
        if is_shut and handle.has_own_room():
            self._suspend(handle, number)
        else:
            self._places[handle] = number
            handle.is_blocked = True

    def _hold_back_sole(self, handle: ConsumerHandle) -> None:
        """Block the consumer that was alone, if it was refused and still has no credit."""
        place = self._places[handle]
        if isinstance(place, OrderedDict) and handle.credit() <= 0:
            self._leave_ring(handle, place)
            if not place:
                self._drop_ring(handle.priority)
            self._block(handle)

    def _suspend(self, handle: ConsumerHandle, number: int) -> None:
        cohorts = self._suspended.setdefault(handle.lane, {})
        cohort = cohorts.get(handle.priority)
        if cohort is None:
            cohort = cohorts[handle.priority] = Cohort(handle.lane)
        self._places[handle] = cohort, cohort.put(number, handle)

    def _suspend_all(self, cohort: Cohort, priority: int) -> None:
        if not cohort.members:
            return
        cohorts = self._suspended.setdefault(cohort.lane, {})
        if priority not in cohorts:
            self._next_number = cohort.renumber(self._next_number)
            cohorts[priority] = cohort
            return
        for _, handle in cohort.members:
            self._suspend(handle, self._next_number)
            self._next_number += 1

    # -- how many there are -----------------------------------------------------------------

    def _recount(self) -> None:
        self.count = len(self._places)
        is_alone = self.count == 1 and not self._single_active
        self.sole = next(iter(self._places)) if is_alone else None
        self.sole_is_refused = False

    def _leave_lane(self, lane: Lane) -> None:
        count = self._lane_counts[lane] - 1
        if count:
            self._lane_counts[lane] = count
        else:
            del self._lane_counts[lane]
            self._suspended.pop(lane, None)
        if self.share_lanes:
            self.share_lanes = len(self._lane_counts) < len(self._places)

    def _check_exclusive_use(self, handle: ConsumerHandle) -> None:
        if handle.exclusive and (self._places or self._single_active):
            raise ExclusiveUseError
        if self._exclusive_count:
            raise ExclusiveUseError

    def _first_waiting(self) -> ConsumerHandle | None:
        """Return the eldest of the highest priority, where one is active and none is blocked."""
        if not self._priorities:
            return None
        first = next(iter(self._rings[self._priorities[-1]]))
        assert not isinstance(first, Cohort), "where one is active nobody is blocked"
        return first

    def _is_stepping_down(self) -> bool:
        if self._active is None or not self.may_hand_over:
            return False
        return self._priorities[-1] > self._active.priority


def _walk(
    ring: Ring, suspended: Mapping[Lane, object], refused: list[ConsumerHandle | Cohort]
) -> Iterator[ConsumerHandle]:
    """Return all of a ring in turn; a cohort whose lane is shut is refused as one.

    Its first consumer is asked for credit too, so that the lane knows which queue waits for it.
    When a lane has refused one consumer, all consumers on it are refused, until ``lane_opened``.
    """
    for each in ring:
        if suspended and each.lane in suspended:
            refused.append(each)
        elif not isinstance(each, Cohort):
            yield each
        elif each.members and (each.members[0][1].credit() > 0 or not each.lane.is_shut):
            for _, handle in each.members:
                yield handle
        else:
            refused.append(each)


def _round_of(
    ring: Ring, suspended: Mapping[Lane, object], message_count: int
) -> tuple[Sequence[ConsumerHandle], int, list[ConsumerHandle | Cohort]]:
    """Return the consumers of a priority with credit, their least credit, and those without."""
    handles: list[ConsumerHandle] = []
    refused: list[ConsumerHandle | Cohort] = []
    rooms: dict[Lane, int] = {}
    least_credit = message_count
    for handle in _walk(ring, suspended, refused):
        credit = handle.credit()
        if credit <= 0:
            refused.append(handle)
            continue
        if handle.shares_credit:
            lane = handle.lane
            room = rooms.get(lane, -1)
            if room == 0:
                # When the others have got their messages, the lane will be shut to this one.
                break
            rooms[lane] = (lane.shared_room if room < 0 else room) - (not handle.no_ack)
        handles.append(handle)
        least_credit = min(least_credit, credit)
        if len(handles) == message_count:
            break
    if rooms and len(handles) > 1:
        least_credit = 1
    return handles, least_credit, refused
