"""How the channels of one connection end: by their client, by an error, or with the connection.

A channel that ends gives back all that it holds, in steps. Its last word waits for that, and in a
cluster for the auto-delete queues that it has left (``broker.unused``). Where the connection ends
that waits only if a client was there to hear of it, and behind all that is given back.

Source: AMQP 0-9-1 §1.5, §2.2.5; RabbitMQ, rabbit_reader and rabbit_channel, for texts and order.
"""

import logging
from collections.abc import Callable
from typing import Protocol, TypeAlias

from pamqp import commands

from amqp_server.broker.events import EventKind
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import StepsJob, Suspended, WaitingSteps, advance, resume_after
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.errors import DeliveryTimeoutError
from amqp_server.protocol.faults import PUBLISH_INDEX, close_method
from amqp_server.protocol.overlapping import Overlapping
from amqp_server.protocol.publishing_channels import PublishingChannels
from amqp_server.protocol.replies import Reply, Scope, reply_for
from amqp_server.protocol.session import Session
from amqp_server.wire.events import Event
from amqp_server.wire.methods import Method, encode_method, method_name

log = logging.getLogger(__name__)


class Input(Protocol):
    """The input of the connection; ``connections.intake`` implements it."""

    def hold(self) -> None:
        """Carry out nothing more, until ``release``."""

    def release(self) -> None:
        """Go on."""

    def wake(self) -> None:
        """Ask for a turn soon."""

    def look(self, now_ms: int) -> None:
        """Have the connection look whether it goes on, as at the end of a slice."""

    def take_again(self, event: Event) -> None:
        """Have an event come once more, before all that waits."""


Fail: TypeAlias = Callable[[Exception, int, int], None]
"""Ends the connection; takes an error, the method at fault and the time."""


def _nobody_to_tell(_error: Exception, _index: int, _now_ms: int) -> None:
    """Stand in for a connection that is over."""


class ChannelEnds:
    """The ends of the channels of one connection.

    Attributes:
        fail_connection: ends the connection.
        overlapping: the channels that wait for something outside of the turns.
    """

    __slots__ = (
        "_channels",
        "_ending",
        "_input",
        "_left_count",
        "_outbox",
        "_publishing",
        "_session",
        "fail_connection",
        "overlapping",
    )

    def __init__(
        self,
        session: Session,
        channels: dict[int, Channel],
        publishing: PublishingChannels,
        outbox: Outbox,
        intake: Input,
        fail: Fail,
    ) -> None:
        """Begin with no channel that ends.

        Args:
            session: of the connection.
            channels: by number, those that end included; a channel is taken out at its end.
            publishing: forgets channels that end.
            outbox: where last words go.
            intake: held while a channel ends in steps.
            fail: ends the connection.
        """
        self._session = session
        self._channels = channels
        self._publishing = publishing
        self._outbox = outbox
        self._input = intake
        self.fail_connection = fail
        self.overlapping = Overlapping(intake)
        self._ending: dict[Channel, WaitingSteps[None]] = {}
        self._left_count = 0

    @property
    def waits_outside(self) -> bool:
        """Whether an event, or a channel that ends, waits for something outside of the turns."""
        return bool(self.overlapping.waiting) or self._left_count > 0

    # ── an error ──

    def refuse(self, number: int, error: Exception, now_ms: int) -> None:
        """Close a channel, if it is open, with an error that it did not cause."""
        channel = self._channels.get(number)
        if channel is not None and not channel.is_closing:
            self.fail(channel, error, PUBLISH_INDEX, now_ms)

    def check_timeouts(self, now_ms: int) -> None:
        """Close channels that hold a delivery unacked for longer than its consumer may."""
        for channel in tuple(self._channels.values()):
            timeout_ms = None if channel.is_closing else channel.oldest_overdue_ms(now_ms)
            if timeout_ms is not None:
                self.fail(channel, DeliveryTimeoutError(channel.number, timeout_ms), 0, now_ms)

    def fail(self, channel: Channel, error: Exception, index: int, now_ms: int) -> None:
        """Close the channel, or the connection, with an error: whichever ``replies`` says.

        Args:
            channel: where the error arose; nothing is done if it is closing and alone concerned.
            error: the error.
            index: class id << 16 | method id of the method at fault; 0 is none.
            now_ms: the time.
        """
        reply = reply_for(error)
        if reply.scope is Scope.CONNECTION:
            self.fail_connection(error, index, now_ms)
        elif not channel.is_closing:
            self._close(channel, reply, str(error), index, now_ms)

    def _close(
        self, channel: Channel, reply: Reply, explanation: str, index: int, now_ms: int
    ) -> None:
        text = reply.text(explanation)
        log.warning(
            "channel error %s channel=%d method=%s code=%d text=%r",
            self._session,
            channel.number,
            method_name(index),
            reply.code,
            text,
        )
        close = close_method(commands.Channel.Close, reply.code, text, index)
        self.end(channel, close, now_ms)

    # ── the end ──

    def end(self, channel: Channel, last_word: Method, now_ms: int) -> None:
        """End a channel, and say so once everything it holds is given back.

        Until then the client's input waits, so its next event finds this done.
        """
        self._stop(channel, now_ms)
        self._ending[channel] = steps = self._ending_one(channel, last_word)
        try:
            advance(steps, channel.turn.budget.is_spent)
        except Suspended as suspended:
            self._input.hold()
            job = StepsJob(self._before_input(steps), channel.turn)
            if suspended.wait is not None:
                resume_after(suspended.wait, job, channel.turn)
                return
            channel.turn.later(job)
            self._input.wake()

    def ending_all(self, now_ms: int, *, is_heard: bool) -> WaitingSteps[None]:
        """Release every channel; the connection ends.

        Args:
            now_ms: the time.
            is_heard: a client waits for the end of this.
        """
        self.fail_connection = _nobody_to_tell  # this leaves no reference cycle
        self._session.has_no_channels()
        ending = tuple(self._ending.values())
        channels = [channel for channel in self._channels.values() if not channel.is_closing]
        for channel in channels:
            self._stop(channel, now_ms)
        for steps in ending:
            for wait in steps:  # its own job may continue it in between
                if wait is not None:
                    steps.close()  # it has given everything back, and nobody hears its last word
                    break
                yield None
        self._ending.clear()
        for channel in channels:
            yield from channel.getting_due()
        for channel in channels:
            channel.shut()
        left: list[Queue] = []
        while channels:
            channel = channels.pop(0)
            left += yield from channel.giving_back()
            self._channels.pop(channel.number, None)
            yield None
        self._channels.clear()
        self._session.channels_open = 0
        if is_heard:
            yield from self._leaving(left, now_ms)

    def forget(self, channel: Channel) -> None:
        """Make a number free: its close was answered."""
        del self._channels[channel.number]
        self._session.channels_open = len(self._channels)

    def _stop(self, channel: Channel, now_ms: int) -> None:
        self.overlapping.forget(channel)
        waiting = self.overlapping.waiting.get(channel)
        if waiting is not None:
            waiting.let_go()
        self._publishing.forget(channel)
        channel.stop(now_ms)
        session = self._session
        events, about = session.broker.events, (session, channel.number)
        events.note(EventKind.CHANNEL_CLOSED, session.vhost_name, "", about)

    def _ending_one(self, channel: Channel, last_word: Method) -> WaitingSteps[None]:
        yield from channel.getting_due()
        channel.shut()
        left = yield from channel.giving_back()
        yield from self._leaving(left, channel.turn.now_ms)
        del self._ending[channel]
        if isinstance(last_word, commands.Channel.CloseOk):
            self.forget(channel)
        self._outbox.write(encode_method(channel.number, last_word))

    def _leaving(self, left: list[Queue], now_ms: int) -> WaitingSteps[None]:
        """Wait for auto-delete queues whose last consumer may have been here."""
        decisions = self._session.broker.decisions
        if not left or decisions is None:
            return
        self._left_count += 1
        try:
            yield from decisions.leaving_unused(left, now_ms)
        finally:
            self._left_count -= 1

    def _before_input(self, steps: WaitingSteps[None]) -> WaitingSteps[None]:
        try:
            yield from steps  # the end of the connection may continue it in between
        finally:
            self._input.release()
