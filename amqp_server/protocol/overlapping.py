"""Channels of one connection that wait for something outside, while the others go on.

    channel 1: queue.declare ── waits for the metadata store …………………… answer
    channel 2:      publish, ack, queue.declare ── waits ……… answer
    channel 1:                                    │ its next event: gathered, or the input waits

In RabbitMQ each channel is a process of its own, so that one that waits keeps no other one waiting.
Here the events of a connection come in one line. They are carried out in its order until one comes
whose channel waits, or that is about the connection as a whole. This event and the input behind it
wait. So memory holds one such event, whatever a client sends, and for each channel that waits a
bounded number of methods that may be asked for together (``methods.decided_runs``).
"""

from collections import deque
from typing import Final, Protocol

from pamqp import commands

from amqp_server.protocol.channel import Channel
from amqp_server.protocol.methods.decided_runs import FOLLOWING, RUN_MAX
from amqp_server.wire.constants import FRAME_METHOD
from amqp_server.wire.events import Event, FrameEvent
from amqp_server.wire.methods import method_index

WAITING_MAX: Final = 32
"""Channels of a connection that wait at a time: others have a turn at the metadata store, too."""

OVERLAPPING: Final = frozenset(
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
        commands.Basic.Consume,
        commands.Basic.Cancel,
    )
)
"""Methods that wait for their channel alone. The rest hold the input as a whole: publishes come in
runs, and what is answered once a disk has it holds all output."""


GATHERED_MAX: Final = RUN_MAX
GATHERED_BYTES_MAX: Final = 64 * 1024
"""Of one channel; of all channels of a connection that wait it is 2 MiB at most."""


class Input(Protocol):
    """The input of the connection; ``connections.intake`` implements it."""

    def hold(self) -> None:
        """Carry out nothing more, until ``release``."""

    def release(self) -> None:
        """Go on."""

    def take_again(self, event: Event) -> None:
        """Have an event come once more, before all that waits."""


class WaitingEvent(Protocol):
    """An event that waits for something outside; ``protocol.long_events`` implements it."""

    @property
    def channel(self) -> Channel:
        """Where it came."""

    def let_go(self) -> None:
        """End it where it is."""


class Gathered:
    """Methods of one channel that wait for the one before them, in order."""

    __slots__ = ("_size_bytes", "events")

    def __init__(self) -> None:
        self.events: deque[FrameEvent] = deque()
        self._size_bytes = 0

    def add(self, event: Event) -> bool:
        """Add a method behind the others; return False if this one has to wait otherwise."""
        if (
            not isinstance(event, FrameEvent)
            or event.kind != FRAME_METHOD
            or method_index(event.payload) not in FOLLOWING
            or len(self.events) >= GATHERED_MAX
            or self._size_bytes + len(event.payload) > GATHERED_BYTES_MAX
        ):
            return False
        self.events.append(event)
        self._size_bytes += len(event.payload)
        return True

    def take(self) -> FrameEvent:
        """Take the first off."""
        event = self.events.popleft()
        self._size_bytes -= len(event.payload)
        return event


class Overlapping:
    """The channels of one connection that wait.

    Args:
        intake: of the connection.

    Attributes:
        waiting: what each of them waits with.
        gathered: what follows on some of them.
    """

    __slots__ = ("_held_back", "_input", "gathered", "waiting")

    def __init__(self, intake: Input) -> None:
        self._input = intake
        self._held_back: Event | None = None
        self.waiting: dict[Channel, WaitingEvent] = {}
        self.gathered: dict[Channel, Gathered] = {}

    def holds_back(self, channel: Channel | None, event: Event) -> bool:
        """Keep an event if it may not be carried out yet, and mostly the input behind it, too.

        Args:
            channel: whose event it is; None: it opens one, or is about the connection.
            event: the next one.
        """
        waiting = self.waiting
        is_free = event[0] and channel not in waiting and len(waiting) < WAITING_MAX
        if is_free or not waiting:
            return False
        if channel is not None and channel in waiting and self._gather(channel, event):
            return True
        self._held_back = event
        self._input.hold()
        return True

    def _gather(self, channel: Channel, event: Event) -> bool:
        if channel.session.broker.decisions is None:
            return False
        gathered = self.gathered.get(channel)
        if gathered is None:
            gathered = self.gathered[channel] = Gathered()
        return gathered.add(event)

    def forget(self, channel: Channel) -> None:
        """Let go of what follows on a channel that ends."""
        self.gathered.pop(channel, None)

    def over(self, channel: Channel) -> None:
        """Note that a channel waits no more; what was held back comes again, in a turn to come."""
        self.waiting.pop(channel, None)
        self.gathered.pop(channel, None)
        if self._held_back is None:
            self._input.hold()  # a client that has sent all may have waited for this alone
            self._input.release()
        else:
            self.let_in()

    def let_in(self) -> None:
        """Have what was held back come again: it may be gathered now."""
        held_back, self._held_back = self._held_back, None
        if held_back is not None:
            self._input.take_again(held_back)
            self._input.release()


def may_overlap(event: Event) -> bool:
    """Return whether other channels may go on while this event waits."""
    if not isinstance(event, FrameEvent) or event.kind != FRAME_METHOD:
        return False
    return method_index(event.payload) in OVERLAPPING
