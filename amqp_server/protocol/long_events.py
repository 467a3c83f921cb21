"""Work of channels that takes several turns: the jobs that they queue in the turn."""

from typing import Protocol

from amqp_server.broker.budget import Job
from amqp_server.broker.steps import WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.overlapping import asks_store, memory_bytes
from amqp_server.wire.events import Event


class Channels(Protocol):
    """The channels of a connection; ``protocol.channel_table`` implements it."""

    def waits_for_congestion(self, job: Job) -> bool:
        """Continue a job when congestion is over; return False if there is none."""

    def carry_on(
        self,
        long_event: "LongEvent",
        channel: Channel,
        event: Event,
        steps: WaitingSteps[object],
        now_ms: int,
    ) -> bool:
        """Continue an event within the budget; return whether it is done, or waits."""

    def wait_over(self, long_event: "LongEvent") -> None:
        """Go on with the input: a long event ended with its channel."""

    def answer_lost(self, channel: Channel, error: Exception, index: int, now_ms: int) -> None:
        """Answer an error in place of the reply that is held."""


class LongEvent:
    """An event that takes several turns: a ``broker.budget.Job``.

    Attributes:
        channel: where it came.
        holds_input: nothing more of the connection is carried out meanwhile.
    """

    __slots__ = ("_channels", "_event", "_is_over", "_steps", "channel", "holds_input")

    def __init__(
        self, channels: Channels, channel: Channel, event: Event, steps: WaitingSteps[object]
    ) -> None:
        self._channels = channels
        self.channel = channel
        self._event = event
        self._steps = steps
        self._is_over = False
        self.holds_input = False

    @property
    def asks_store(self) -> bool:
        """Whether it asks the metadata store."""
        return asks_store(self._event)

    @property
    def held_bytes(self) -> int:
        """The memory of what came."""
        return memory_bytes(self._event)

    def hears(self, _event: Event) -> bool:
        """What follows on the channel is gathered."""
        return False

    def step(self, now_ms: int) -> bool:
        """Do a piece, and more within the budget; nothing while there is congestion."""
        channels = self._channels
        if self._is_over or channels.waits_for_congestion(self):
            return True
        is_done = channels.carry_on(self, self.channel, self._event, self._steps, now_ms)
        return is_done or channels.waits_for_congestion(self)

    def let_go(self) -> None:
        """End here: the channel ended while this waited for something outside.

        What it waits for may take long, and its client gets no answer any more.
        """
        self._is_over = True
        self._steps.close()
        self._channels.wait_over(self)


class LostReply:
    """An error that is answered in place of a reply: a ``broker.budget.Job``."""

    __slots__ = ("_channel", "_channels", "_error", "_index")

    def __init__(self, channels: Channels, channel: Channel, error: Exception, index: int) -> None:
        self._channels = channels
        self._channel = channel
        self._error = error
        self._index = index

    def step(self, now_ms: int) -> bool:
        """Answer it."""
        self._channels.answer_lost(self._channel, self._error, self._index, now_ms)
        return True
