"""Channels of one connection that wait for something outside, while the others go on.

    channel 1: basic.get ── waits for a leader ………………………………………………………… answer
    channel 2:      publish, ack, queue.declare ── waits for the store ……… answer
    channel 1:                                    │ its next events: gathered, in order

In RabbitMQ each channel is a process of its own, so that one that waits keeps no other one waiting.
Here the events of a connection come in one line. What comes on a channel that waits is gathered
until that is over, within bounds for the channel, the connection and the node. Where there is no
room, and where the client closes the connection, this event and the input behind it wait. So memory
is bounded, whatever clients send.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final, Protocol

from pamqp import commands

from amqp_server.broker.waiting_memory import WaitingMemory
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.methods.decided_runs import FOLLOWING
from amqp_server.wire.constants import FRAME_METHOD
from amqp_server.wire.events import AckRange, Event, FrameEvent
from amqp_server.wire.methods import method_index
from persistence.record import kept_bytes

ASKING_MAX: Final = 32
"""Channels of a connection that ask the store at a time: others have a turn there, too."""

ASKING: Final = frozenset(
    method.index
    for method in (
        commands.Exchange.Declare,
        commands.Exchange.Delete,
        commands.Exchange.Bind,
        commands.Exchange.Unbind,
        commands.Queue.Declare,
        commands.Queue.Delete,
        commands.Queue.Bind,
        commands.Queue.Unbind,
    )
)
"""Methods that ask the metadata store, in a cluster."""

GATHERED_MAX: Final = 256
GATHERED_BYTES_MAX: Final = 256 * 1024
"""Of one channel."""

ALL_GATHERED_BYTES_MAX: Final = 1024 * 1024
"""Of all channels of a connection."""

WAITING_BYTES_MAX: Final = 1024 * 1024
"""Of the events with which channels of a connection wait, such as publishes whose exchange is
looked up; one more may come to it, and small ones."""

SMALL_BYTES: Final = 4096
"""Memory of an event that is no more than what its channel takes by itself.

A connection may gather so much where the node has no room: one that sends little is not held."""

EVENT_BYTES: Final = 256
"""Memory of an event beside its octets."""


class Input(Protocol):
    """The input of the connection; ``connections.intake`` implements it."""

    def hold(self) -> None:
        """Carry out nothing more, until ``release``."""

    def release(self) -> None:
        """Go on."""

    def take_again(self, *events: Event) -> None:
        """Have events come once more, before all that waits."""


class WaitingEvent(Protocol):
    """An event that waits for something outside, or a channel that ends.

    ``protocol.long_events`` and ``protocol.channel_ends`` implement it.
    """

    @property
    def channel(self) -> Channel:
        """Where it came."""

    @property
    def asks_store(self) -> bool:
        """Whether it is one of ``ASKING``."""

    @property
    def held_bytes(self) -> int:
        """The memory of what came."""

    def let_go(self) -> None:
        """End it where it is."""

    def hears(self, event: Event) -> bool:
        """Take what comes on the channel; return False if that is to be gathered."""


class Gathered:
    """Events of one channel that wait for the one before them, in order.

    Attributes:
        events: the events, each with its memory.
        size_bytes: their memory.
    """

    __slots__ = ("events", "size_bytes")

    def __init__(self) -> None:
        self.events: deque[tuple[Event, int]] = deque()
        self.size_bytes = 0


class Overlapping:
    """The channels of one connection that wait.

    Args:
        intake: of the connection.
        memory: the node's count of what its connections keep so.

    Attributes:
        waiting: what each of them waits with; changed by ``wait``, ``go_on`` and ``end``.
        waiting_bytes: the memory of that.
        gathered: what follows on some of them.
        gathered_bytes: the memory of that.
    """

    __slots__ = (
        "_held_back",
        "_input",
        "_memory",
        "_sizes",
        "gathered",
        "gathered_bytes",
        "waiting",
        "waiting_bytes",
    )

    def __init__(self, intake: Input, memory: WaitingMemory) -> None:
        self._input = intake
        self._memory = memory
        self._sizes: dict[Channel, int] = {}
        self.waiting_bytes = 0
        self._held_back: Event | None = None
        self.waiting: dict[Channel, WaitingEvent] = {}
        self.gathered: dict[Channel, Gathered] = {}
        self.gathered_bytes = 0

    def wait(self, channel: Channel, event: WaitingEvent) -> None:
        """Note that a channel waits with this."""
        self.go_on(channel)
        self.waiting[channel] = event
        self._sizes[channel] = size_bytes = event.held_bytes
        self.waiting_bytes += size_bytes
        self._memory.count(size_bytes)

    def go_on(self, channel: Channel) -> bool:
        """Note that a channel goes on; return whether it waited."""
        if self.waiting.pop(channel, None) is None:
            return False
        size_bytes = self._sizes.pop(channel)
        self.waiting_bytes -= size_bytes
        self._memory.count(-size_bytes)
        return True

    def end(self) -> None:
        """Let go of all, because the connection ends."""
        for channel in tuple(self.waiting):
            self.go_on(channel)
        for channel in tuple(self.gathered):
            self.forget(channel)

    def holds_back(self, channel: Channel | None, event: Event) -> bool:
        """Keep an event if it may not be carried out yet; the input behind it, if there is no room.

        Args:
            channel: whose event it is; None: it opens one, or closes the connection.
            event: the next one.
        """
        waiting = None if channel is None else self.waiting.get(channel)
        if channel is not None and waiting is not None:
            if waiting.hears(event) or self._gather(channel, event):
                return True
        elif event[0] and not self._lacks_place(event):
            return False
        self._held_back = event
        self._input.hold()
        return True

    def _lacks_place(self, event: Event) -> bool:
        """Return whether an event may not begin to wait, too, as it perhaps would."""
        if asks_store(event):
            return self.many_ask()
        is_part = isinstance(event, FrameEvent) and event.kind != FRAME_METHOD
        if not is_part and memory_bytes(event) <= SMALL_BYTES:
            return False
        return self.waiting_bytes >= WAITING_BYTES_MAX or not self._memory.has_room(1)

    def many_ask(self) -> bool:
        """Return whether as many ask the store as may."""
        waiting = self.waiting
        if len(waiting) < ASKING_MAX:
            return False
        return sum(each.asks_store for each in waiting.values()) >= ASKING_MAX

    def _gather(self, channel: Channel, event: Event) -> bool:
        gathered = self.gathered.get(channel)
        if gathered is None:
            gathered = self.gathered[channel] = Gathered()
        more_bytes = memory_bytes(event)
        has_room = self._memory.has_room(more_bytes)
        if (
            len(gathered.events) >= GATHERED_MAX
            or gathered.size_bytes + more_bytes > GATHERED_BYTES_MAX
            or self.gathered_bytes + more_bytes
            > (ALL_GATHERED_BYTES_MAX if has_room else SMALL_BYTES)
        ):
            return False
        gathered.events.append((event, more_bytes))
        gathered.size_bytes += more_bytes
        self._count(more_bytes)
        return True

    def _count(self, more_bytes: int) -> None:
        self.gathered_bytes += more_bytes
        self._memory.count(more_bytes)

    def has_more(self, channel: Channel) -> bool:
        """Return whether something of a channel is gathered."""
        gathered = self.gathered.get(channel)
        return gathered is not None and bool(gathered.events)

    def following(self, channel: Channel) -> Iterator[bytes]:
        """Return the payloads of the first that may go together (``methods.decided_runs``)."""
        for event, _ in self.gathered[channel].events:
            if not isinstance(event, FrameEvent) or event.kind != FRAME_METHOD:
                return
            if method_index(event.payload) not in FOLLOWING:
                return
            yield event.payload

    def take(self, channel: Channel) -> Event:
        """Take the first of a channel off; there is one."""
        gathered = self.gathered[channel]
        event, taken_bytes = gathered.events.popleft()
        gathered.size_bytes -= taken_bytes
        self._count(-taken_bytes)
        return event

    def forget(self, channel: Channel) -> list[Event]:
        """Let go of what follows on a channel; return it."""
        gathered = self.gathered.pop(channel, None)
        if gathered is None:
            return []
        self._count(-gathered.size_bytes)
        return [event for event, _ in gathered.events]

    def over(self, channel: Channel) -> None:
        """Note that a channel waits no more; what was held back comes again, in a turn to come.

        What was gathered comes before it.
        """
        self.go_on(channel)
        self.let_in()
        self.put_back(channel)

    def put_back(self, channel: Channel) -> None:
        """Have what was gathered come again as input, which goes on.

        A client that has sent all may have waited for this alone.
        """
        self._input.take_again(*self.forget(channel))
        self._input.hold()
        self._input.release()

    def let_in(self) -> None:
        """Have what was held back come again: it may be gathered now."""
        held_back, self._held_back = self._held_back, None
        if held_back is not None:
            self._input.take_again(held_back)
            self._input.release()


def asks_store(event: Event) -> bool:
    """Return whether an event is a method of ``ASKING``."""
    if not isinstance(event, FrameEvent) or event.kind != FRAME_METHOD:
        return False
    return method_index(event.payload) in ASKING


def memory_bytes(event: Event) -> int:
    """Return the memory that an event takes as long as it is kept."""
    if isinstance(event, FrameEvent):
        return EVENT_BYTES + len(event.payload)
    if isinstance(event, AckRange):
        return EVENT_BYTES
    return EVENT_BYTES + kept_bytes(event.records)
