"""The groups of a cluster, as one node has its part in them.

    member here ─▶ seat ─┬─ this node leads the stream ─▶ Groups
                         └─ another one does ─▶ Visits ┄▶ its Guests ─▶ its Groups
    members elsewhere ┄▶ Guests ─▶ Groups

Who is active is decided by the node that leads the stream, in the epoch that this node knows. What
another node says of another epoch is not obeyed. When the leader is another one, seats join their
groups again there. A seat that reads goes on meanwhile, as long as what the last leader has said
holds. The next leader lets nobody else begin for that time.

A stream that is made anew is another one, though it has the name: who reads the one before it, and
has not heard that this is gone, is in no group.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from amqp_server.broker.groups.forms import Joining, What, Word
from amqp_server.broker.groups.guests import Guests, Led
from amqp_server.broker.groups.single_active import GroupKey, Groups, Member, Stream
from amqp_server.broker.groups.visits import Visits
from amqp_server.broker.steps import Steps

SEATS_MAX: Final = 20_000
"""Members of this node; as many as another node takes of it."""

AGAIN_MS: Final = 250
"""Before a node that did not serve the stream yet is asked once more."""

FULL_AGAIN_MS: Final = 30_000
"""The same of one that had no room."""

STEP_COUNT: Final = 64


class Place(NamedTuple):
    """Where a group is decided.

    Attributes:
        node: the leader's.
        epoch: in which it leads the stream.
        stored_id: of the stream.
    """

    node: str
    epoch: int
    stored_id: str = ""


class Leaders(Protocol):
    """What a node knows of who leads streams."""

    def leader_of(self, stream: Stream) -> Place | None:
        """Return the leader by this node's copy of the store.

        None is nobody, also where another stream has the name now.
        """

    def is_served(self, stream: Stream) -> bool:
        """Return whether this node has the engine of a stream, as its leader."""

    def is_new(self, stream: Stream) -> bool:
        """Return whether somebody may still obey the leader before this one, or one after it."""


class _Seat:
    """A member of this node; a ``single_active.Member`` and a ``visits.Seat``.

    Attributes:
        place: where its group is decided; None is nowhere now.
        is_active: it reads, or its client was told to.
        was_told: what its client was told last; None is nothing yet.
        until_ms: an earlier leader has said that it is active, which holds until then; None is
            that the present one has, or that it is not active.
        again_ms: when it joins once more; None where it has joined.
        is_counted: the node where its group is decided counts it as active, and may ask it to stop.
    """

    __slots__ = (
        "again_ms",
        "is_active",
        "is_counted",
        "key",
        "member",
        "number",
        "partition_index",
        "place",
        "shared",
        "since_ms",
        "until_ms",
        "was_told",
    )

    def __init__(
        self,
        shared: "SharedGroups",
        number: int,
        key: GroupKey,
        member: Member,
        partition_index: int,
        since_ms: int,
    ) -> None:
        self.shared = shared
        self.number = number
        self.key = key
        self.member = member
        self.partition_index = partition_index
        self.since_ms = since_ms
        self.place: Place | None = None
        self.is_active = self.is_counted = False
        self.was_told: bool | None = None
        self.until_ms: int | None = None
        self.again_ms: int | None = None

    @property
    def decided(self) -> GroupKey:
        """The key of its group where that is decided."""
        assert self.place is not None, "it has a place"
        _, epoch, stored_id = self.place
        return self.key._replace(epoch=epoch, stored_id=stored_id)

    def joining(self, now_ms: int) -> Joining:
        is_active = self.is_active and self.until_ms is not None and now_ms < self.until_ms
        self.is_counted = is_active
        return Joining(self.number, self.decided, self.partition_index, self.since_ms, is_active)

    def hear(self, word: Word, now_ms: int) -> None:
        if self.place is None or word.epoch != self.place.epoch:
            return
        if word.what in {What.ACTIVE, What.INACTIVE}:
            self.tell(is_active=word.what is What.ACTIVE)
            return
        is_full = word.what is What.FULL
        self.again_ms = now_ms + (FULL_AGAIN_MS if is_full else AGAIN_MS)
        self.shared.waits(self)
        if is_full and self.was_told is None:
            self.tell(is_active=False)
        else:
            # The next leader may say that it goes on, while the word of this one holds.
            self.lose(self.shared.holds_until_ms(self.place, now_ms), now_ms)

    def tell(self, *, is_active: bool) -> None:
        self.until_ms = None
        self.is_counted = self.is_counted or is_active
        if is_active == self.is_active and is_active == self.was_told:
            if not is_active:
                # Its client has stopped before, and is not told twice.
                self.shared.answered(self.key, self.member)
            return
        self.is_active = self.was_told = is_active
        self.member.tell(is_active=is_active)

    def lose(self, until_ms: int, now_ms: int) -> None:
        if self.is_active and self.until_ms is None:
            self.until_ms = until_ms
        self.look(now_ms)
        if self.is_active:
            self.shared.waits(self)

    def look(self, now_ms: int) -> None:
        """Have it stop, if nobody's word holds any more."""
        if self.until_ms is not None and now_ms >= self.until_ms:
            self.stop()

    def stop(self) -> None:
        """Have its client stop, as nobody says any more that it is active."""
        self.until_ms = None
        if self.is_active:
            self.is_active = self.was_told = False
            self.member.tell(is_active=False)


class SharedGroups:
    """The ``ConsumerGroups`` of a node of a cluster.

    Attributes:
        groups: those of streams that this node leads.
        guests: members elsewhere of these.
        visits: what this node says to other leaders.
        on_used: called when there is something to look at from now on.
    """

    def __init__(
        self, node: str, leaders: Leaders, incarnation: Callable[[], int], now_ms: Callable[[], int]
    ) -> None:
        """Begin without a member.

        Args:
            node: this one.
            leaders: who leads streams.
            incarnation: of this node.
            now_ms: returns the time of the turn, and of ``looking``.
        """
        self._node = node
        self._leaders = leaders
        self._now_ms = now_ms
        self.on_used: Callable[[], None] = _tell_nobody
        self.wall_offset_ms: Callable[[], int] = _no_offset
        self.groups = Groups(self._may_decide)
        self.guests = Guests(self.groups, self._find_led)
        self.visits = Visits(incarnation)
        self._seats: dict[Member, _Seat] = {}
        self._streams: dict[Stream, dict[_Seat, None]] = {}
        self._places: dict[Stream, Place | None] = {}
        self._waiting: dict[_Seat, None] = {}
        self._count = 0

    @property
    def is_used(self) -> bool:
        """Whether there is anything to look at."""
        return bool(self._seats) or not (self.visits.are_none and self.guests.are_none)

    # -- members of this node: see ``single_active.ConsumerGroups`` ---------------------------

    def has_room(self, key: GroupKey) -> bool:
        """Return whether a group takes one more member, as far as is known here."""
        return len(self._seats) < SEATS_MAX and self._has_room_here(key)

    def join(self, key: GroupKey, member: Member, partition_index: int) -> None:
        """Add a member; it is told whether it is active, now or later."""
        now_ms = self._now_ms()
        since_ms = max(0, now_ms + self.wall_offset_ms())
        self._count += 1
        seat = _Seat(self, self._count, key, member, partition_index, since_ms)
        self._seats[member] = seat
        stream = key.read
        self._streams.setdefault(stream, {})[seat] = None
        if stream not in self._places:
            self._places[stream] = self._place_of(stream)
        self._place(seat, self._places[stream], now_ms)
        self.on_used()

    def leave(self, key: GroupKey, member: Member) -> None:
        """Remove a member, if it is there."""
        seat = self._seats.pop(member, None)
        if seat is None:
            return
        stream = key.read
        seats = self._streams[stream]
        del seats[seat]
        if not seats:
            del self._streams[stream], self._places[stream]
        self._waiting.pop(seat, None)
        self._unplace(seat)

    def answered(self, key: GroupKey, member: Member) -> None:  # noqa: ARG002 -- the port's
        """Note that a member which was told to stop has answered."""
        seat = self._seats.get(member)
        if seat is None or seat.place is None or seat.is_active or not seat.is_counted:
            # Nobody waits for it. It might arrive when it has begun to read, and has to stop again.
            return
        seat.is_counted = False
        if seat.place.node == self._node:
            self.groups.answered(seat.decided, seat)
        else:
            self.visits.answered(seat.place.node, seat.number)

    def is_active(self, key: GroupKey, member: Member) -> bool:  # noqa: ARG002 -- the port's
        """Whether a member reads, or was told to."""
        seat = self._seats.get(member)
        return seat is not None and seat.is_active

    # -- the time -----------------------------------------------------------------------------

    def looking(self, now_ms: int) -> Steps[None]:
        """Do what is due, in steps: seats go where their streams are led, and silence counts."""
        for count, stream in enumerate(list(self._streams), 1):
            if (
                stream in self._streams
                and (place := self._place_of(stream)) != self._places[stream]
            ):
                self._places[stream] = place
                yield from self._moving(stream, place, now_ms)
            if not count % STEP_COUNT:
                yield
        for count, seat in enumerate(list(self._waiting), 1):
            if seat in self._waiting:
                self._look_at(seat, now_ms)
            if not count % STEP_COUNT:
                yield
        yield from self.visits.looking(now_ms)
        yield from self.guests.looking(now_ms)
        self.groups.settle_held()

    def waits(self, seat: _Seat) -> None:
        """Look at a seat until it has joined, and a leader's word holds for it."""
        self._waiting[seat] = None

    def holds_until_ms(self, place: Place, now_ms: int) -> int:
        """Return until when what was said at a place holds; that of this node does not outlast."""
        until_ms = None if place.node == self._node else self.visits.holds_until_ms(place.node)
        return now_ms if until_ms is None else until_ms

    # -- inside -------------------------------------------------------------------------------

    def _moving(self, stream: Stream, place: Place | None, now_ms: int) -> Steps[None]:
        """Have the seats of a stream join their groups where they are decided now."""
        for count, seat in enumerate(list(self._streams[stream]), 1):
            if self._places.get(stream) != place:
                return
            if seat.member in self._seats and seat.place != place:
                self._place(seat, place, now_ms)
            if not count % STEP_COUNT:
                yield

    def _place(self, seat: _Seat, place: Place | None, now_ms: int) -> None:
        """Have a seat join its group at a place, and leave it where it was."""
        before = seat.place
        if before is not None:
            seat.lose(self.holds_until_ms(before, now_ms), now_ms)
        self._unplace(seat)
        seat.place, seat.again_ms = place, None
        if seat.until_ms is not None:
            self.waits(seat)
        if place is None:
            return
        if place.node != self._node:
            self.visits.join(place.node, seat.number, seat, now_ms)
            return
        is_active, key = seat.joining(now_ms).is_active, seat.decided
        if not self._has_room_here(seat.key):
            seat.hear(Word(seat.number, place.epoch, What.FULL), now_ms)
            return
        rank = seat.since_ms, self._node, seat.number
        self.groups.join(key, seat, seat.partition_index, rank, is_active=is_active)
        if self.groups.is_active(key, seat):
            seat.until_ms = None

    def _unplace(self, seat: _Seat) -> None:
        place = seat.place
        if place is None:
            return
        if place.node == self._node:
            self.groups.leave(seat.decided, seat)
        else:
            self.visits.leave(place.node, seat.number)
        seat.place = None

    def _look_at(self, seat: _Seat, now_ms: int) -> None:
        seat.look(now_ms)
        if seat.again_ms is not None and now_ms >= seat.again_ms:
            place = self._places[seat.key.read]
            self._place(seat, place, now_ms)
        if seat.again_ms is None and seat.until_ms is None:
            self._waiting.pop(seat, None)

    def _place_of(self, stream: Stream) -> Place | None:
        place = self._leaders.leader_of(stream)
        if place is not None and place.node == self._node and not self._leaders.is_served(stream):
            return None
        return place

    def _find_led(self, stream: Stream) -> Led | None:
        place = self._place_of(stream)
        if place is None or place.node != self._node:
            return None
        return Led(place.stored_id, place.epoch)

    def _has_room_here(self, key: GroupKey) -> bool:
        led = self._find_led(key.read)
        if led is None:
            return True
        return self.groups.has_room(key._replace(epoch=led.epoch, stored_id=led.stored_id))

    def _may_decide(self, key: GroupKey) -> bool:
        """A leadership that is over decides nothing, and a new one waits for who may still read."""
        is_led = self._find_led(key.read) == (key.stored_id, key.epoch)
        return is_led and not self._leaders.is_new(key.read)


def _tell_nobody() -> None:
    """Until somebody listens."""


def _no_offset() -> int:
    return 0
