"""Work of channels that takes several turns: the jobs that they queue in the turn."""

from typing import Protocol

from amqp_server.broker.budget import Job
from amqp_server.broker.steps import Steps
from amqp_server.protocol.channel import Channel
from amqp_server.wire.events import Event


class Channels(Protocol):
    """The channels of a connection; ``protocol.channel_table`` implements it."""

    def waits_for_congestion(self, job: Job) -> bool:
        """Continue a job when congestion is over; return False if there is none."""

    def carry_on(self, channel: Channel, event: Event, steps: Steps[object], now_ms: int) -> bool:
        """Continue an event within the budget; return whether all of it is done."""

    def answer_lost(self, channel: Channel, error: Exception, index: int, now_ms: int) -> None:
        """Answer an error in place of the reply that is held."""


class LongEvent:
    """An event that takes several turns: a ``broker.budget.Job``."""

    __slots__ = ("_channel", "_channels", "_event", "_steps")

    def __init__(
        self, channels: Channels, channel: Channel, event: Event, steps: Steps[object]
    ) -> None:
        self._channels = channels
        self._channel = channel
        self._event = event
        self._steps = steps

    def step(self, now_ms: int) -> bool:
        """Do a piece, and more within the budget; nothing while there is congestion."""
        if self._channels.waits_for_congestion(self):
            return True
        is_done = self._channels.carry_on(self._channel, self._event, self._steps, now_ms)
        return is_done or self._channels.waits_for_congestion(self)


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
