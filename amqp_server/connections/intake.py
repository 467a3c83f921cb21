"""The input of one client: it is carried out in order and in slices, and it may have to wait.

    bytes → scan → events → carried out, one after another
                             ├ the turn's time is over      the rest goes on in a turn to come
                             ├ answers wait for room        it goes on once they have left
                             └ somebody holds the intake    it goes on when released

While anything waits, no later input is carried out, and the socket is not read. Input that is read
all the same is kept behind it. The protocol hands in ``scan``, which finds the events.
"""

from collections.abc import Callable
from typing import Final, Generic, Protocol, TypeAlias, TypeVar

from amqp_server.broker.turn import Turn
from amqp_server.connections.outbox import Outbox

EventT = TypeVar("EventT")
FaultT = TypeVar("FaultT", bound=Exception)
EventT_contra = TypeVar("EventT_contra", contravariant=True)
FaultT_contra = TypeVar("FaultT_contra", contravariant=True, bound=Exception)

Scan: TypeAlias = Callable[[bytes | memoryview, int], tuple[list[EventT], int, FaultT | None]]
"""Takes complete events off the front of a buffer; the number is the largest size in bytes.

Returns the events, their size in bytes, and the reason if it stopped before the buffer's end. It
may stop without a reason after ``EVENTS_MAX``, where events cost much. Events keep no reference to
the buffer."""

EVENTS_MAX: Final = 512
"""After so many events a scan may stop: 20,000 small frames of one read take longer than a turn."""


class Life(Protocol):
    """The state of the connection; ``connections.life`` implements it."""

    @property
    def is_over(self) -> bool:
        """Whether the connection is over and carries out nothing more."""


class Client(Protocol[EventT_contra, FaultT_contra]):
    """The connection, as its intake sees it.

    Attributes:
        payload_max_bytes: of a frame; the handshake may change it.
    """

    payload_max_bytes: int

    def handle(self, event: EventT_contra, now_ms: int) -> None:
        """Carry one event out; never raises."""

    def fail(self, error: FaultT_contra, now_ms: int) -> None:
        """Answer bytes that are no frames."""

    def slice_ended(self, now_ms: int) -> None:
        """Send the output that is due after several events, and start or stop reading."""

    def wake(self) -> None:
        """Ask for a turn, because nothing else asks for one."""


class _Nobody:
    """Replaces the connection once it is over, so that neither keeps the other in memory."""

    payload_max_bytes = 0

    def handle(self, event: object, now_ms: int) -> None:
        """Nothing is carried out."""

    def fail(self, error: Exception, now_ms: int) -> None:
        """Nobody is answered."""

    def slice_ended(self, now_ms: int) -> None:
        """Nothing is sent."""

    def wake(self) -> None:
        """Nothing is done."""


_NOBODY: Final = _Nobody()


class Intake(Generic[EventT, FaultT]):
    """The input of one connection; a ``Job`` while the rest of it waits for another turn.

    Attributes:
        rest: the frame cut by the end of the last read; while stalled, all input not scanned yet.
        is_stalled: input waits.
    """

    __slots__ = (
        "_client",
        "_holds_count",
        "_is_queued",
        "_life",
        "_outbox",
        "_postponed",
        "_scan",
        "_turn",
        "_waits_for_room",
        "is_stalled",
        "rest",
    )

    def __init__(
        self,
        client: Client[EventT, FaultT],
        life: Life,
        turn: Turn,
        outbox: Outbox,
        scan: Scan[EventT, FaultT],
    ) -> None:
        self._client = client
        self._life = life
        self._turn = turn
        self._outbox = outbox
        self._scan = scan
        self._postponed: list[EventT] = []
        self._holds_count = 0
        self._waits_for_room = False
        self._is_queued = False
        self.is_stalled = False
        self.rest = b""

    def take_rest(self, max_bytes: int) -> bytes:
        """Return, and forget, the frame cut by the end of the last read; empty if it is larger."""
        if len(self.rest) > max_bytes:
            return b""
        rest, self.rest = self.rest, b""
        return rest

    def receive(self, data: bytes | memoryview, now_ms: int) -> None:
        """Carry out the input, or keep it; the memory is only used during the call."""
        if self.rest:
            data = self.rest + data
            self.rest = b""
        if self.is_stalled:
            self.rest = bytes(data)
        else:
            self._take(data, now_ms)

    # ── reasons to wait ──

    def hold(self) -> None:
        """Carry out nothing after the present event until ``release``; holds add up.

        This is for work of an event that takes longer than this turn. The work must be done before
        the client's next event.
        """
        self._holds_count += 1
        self.is_stalled = True

    def release(self) -> None:
        """End one hold; after the last one the rest continues in a later turn."""
        assert self._holds_count > 0, "every release follows a hold"
        self._holds_count -= 1
        if not self._holds_count:
            self._go_on_later()
            self._client.wake()

    def take_again(self, *events: EventT) -> None:
        """Have events come once more, before all that waits; who held for them releases then."""
        self._postponed[:0] = events

    @property
    def may_go_on(self) -> bool:
        """Whether nobody holds it, and the output has room: one event more may be carried out."""
        return not self._holds_count and not self._lacks_room()

    def carry_out(self, event: EventT, now_ms: int) -> None:
        """Carry out an event that came before, and that waited elsewhere."""
        self._client.handle(event, now_ms)

    def wake(self) -> None:
        """Ask for a turn, for a holder that has work to do."""
        self._client.wake()

    def look(self, now_ms: int) -> None:
        """Have the connection look whether it goes on, for a holder that waits long."""
        self._client.slice_ended(now_ms)

    def room_came(self, now_ms: int) -> None:
        """Continue at once, if it waited for room in the output."""
        if self._waits_for_room:
            self._waits_for_room = False
            self._go_on_unless_held(now_ms)

    def drop(self) -> None:
        """Drop all input and the connection, which is over."""
        self._client = _NOBODY
        self._postponed = []
        self.rest = b""

    def step(self, now_ms: int) -> bool:
        """Carry out another slice; see ``Job``. The rest queues up again."""
        self._is_queued = False
        self._go_on_unless_held(now_ms)
        return True

    # ── inside ──

    def _go_on_unless_held(self, now_ms: int) -> None:
        if self._holds_count or self._is_queued:
            return
        if self._lacks_room():
            self._waits_for_room = True
            return
        self._go_on(now_ms)

    def _lacks_room(self) -> bool:
        return self._outbox.answers_bytes >= self._outbox.overfull_bytes

    def _go_on(self, now_ms: int) -> None:
        self.is_stalled = self._waits_for_room = False
        client = self._client
        events, self._postponed = self._postponed, []
        buffer, self.rest = self.rest, b""
        if self._handle_slice(events, now_ms):
            self._take(buffer, now_ms)
        elif self.is_stalled:
            self.rest = buffer
        client.slice_ended(now_ms)

    def _take(self, buffer: bytes | memoryview, now_ms: int) -> None:
        """Carry out every event; scan again if there may be more, or the largest frame changed."""
        client, life, scan = self._client, self._life, self._scan
        while not life.is_over:
            payload_max_bytes = client.payload_max_bytes
            events, consumed_bytes, error = scan(buffer, payload_max_bytes)
            is_through = self._handle_slice(events, now_ms)
            if error is None and consumed_bytes == len(buffer):
                return
            may_be_more = error is None and len(events) >= EVENTS_MAX
            if is_through and may_be_more and self._turn.budget.is_spent():
                self._go_on_later()
                is_through = False
            if self.is_stalled if not is_through else error is None and not may_be_more:
                self.rest = bytes(buffer[consumed_bytes:])
            if not is_through or not (error or may_be_more):
                return
            if error is not None and payload_max_bytes == client.payload_max_bytes:
                client.fail(error, now_ms)
                return
            buffer = memoryview(buffer)[consumed_bytes:]

    def _handle_slice(self, events: list[EventT], now_ms: int) -> bool:
        """Carry events out; return False if the connection ended or the rest waits.

        The answer to a request of 20 octets may be a message of many MiB. So this also stops when
        too much output waits.
        """
        life, outbox = self._life, self._outbox
        handle, is_spent = self._client.handle, self._turn.budget.is_spent
        last = len(events)
        for count, event in enumerate(events, start=1):
            handle(event, now_ms)
            if life.is_over:
                return False
            if self._holds_count or outbox.answers_bytes >= outbox.overfull_bytes:
                self._postponed = events[count:]
                self._waits_for_room = self._lacks_room()
                self.is_stalled = True
                return False
            if count < last and is_spent():
                self._postponed = events[count:]
                self._go_on_later()
                return False
        return True

    def _go_on_later(self) -> None:
        """Queue up behind the other jobs that need more than one turn."""
        self.is_stalled = True
        if not self._is_queued:
            self._is_queued = True
            self._turn.later(self)
