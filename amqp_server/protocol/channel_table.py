"""The channels of one connection by number: events in, to the right lane; errors to their scope.

Source: AMQP 0-9-1 §1.5, §2.2.5; RabbitMQ, rabbit_reader and rabbit_channel, for texts and order.
"""

import logging
from collections.abc import Callable
from typing import Protocol, TypeAlias

from pamqp import commands

from amqp_server.broker.budget import Job
from amqp_server.broker.errors import NodeLimitError
from amqp_server.broker.events import EventKind
from amqp_server.broker.limits import check_user_channel
from amqp_server.broker.steps import Steps, StepsJob, Suspended, advance
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.errors import (
    AssemblyLimitError,
    ChannelLimitError,
    ChannelStateError,
    DeliveryTimeoutError,
)
from amqp_server.protocol.faults import PUBLISH_INDEX, close_method, index_at_fault, index_of
from amqp_server.protocol.lane import Starved
from amqp_server.protocol.long_events import LongEvent, LostReply
from amqp_server.protocol.methods.dispatch import dispatch
from amqp_server.protocol.replies import Reply, Scope, reply_for
from amqp_server.protocol.session import Session
from amqp_server.wire.constants import FRAME_METHOD
from amqp_server.wire.errors import UnexpectedFrameError
from amqp_server.wire.events import AckRange, Event, FrameEvent, PublishBurst, PublishRun
from amqp_server.wire.methods import Method, decode_method, encode_method, method_index, method_name

log = logging.getLogger(__name__)


class Input(Protocol):
    """The input of the connection; ``connections.intake`` implements it."""

    def hold(self) -> None:
        """Carry out nothing more, until ``release``."""

    def release(self) -> None:
        """Go on."""

    def wake(self) -> None:
        """Ask for a turn soon."""


Fail: TypeAlias = Callable[[Exception, int, int], None]
"""Ends the connection; takes an error, the method at fault and the time."""


def _nobody_to_tell(_error: Exception, _index: int, _now_ms: int) -> None:
    """Stand in for a connection that is over."""


class ChannelTable:
    """Open and closing channels.

    An event that needs more time than its turn has continues in later turns. The rest of the
    client's input waits for it.

    Attributes:
        confirming: channels that published since confirms were written last, wholly or in part.

    Invariant: a number is here from channel.open until its close was answered, by either side.
    """

    def __init__(
        self,
        session: Session,
        outbox: Outbox,
        starved: Starved,
        intake: Input,
        fail: Fail,
    ) -> None:
        self._input = intake
        self._fail_connection = fail
        self._session = session
        self._outbox = outbox
        self._starved = starved
        self._channels: dict[int, Channel] = {}
        self.confirming: dict[Channel, None] = {}
        self._unfinished: dict[Channel, None] = {}
        self._ends: dict[Channel, Steps[None]] = {}
        self._assembling_bytes = 0
        session.refuse_by = self.refuse
        session.channels = self._channels

    def __len__(self) -> int:
        return len(self._channels)

    @property
    def hold_deliveries(self) -> bool:
        """Whether a channel has consumers, or deliveries that are not settled."""
        channels = self._channels.values()
        return any(channel.consumers or channel.unacked.count for channel in channels)

    # ── events ──

    def on_event(self, event: Event, now_ms: int) -> None:
        """Carry out an event of a channel; a soft error closes only this channel.

        Raises:
            Exception: an error to which ``replies`` gives the scope of the connection.
        """
        channel = self._channels.get(event[0])
        if channel is None:
            self._open(event)
            return
        if channel.is_closing:
            self._discard(channel, event)
            return
        try:
            if isinstance(event, PublishRun):
                channel.assembly.check_method_may_come()
                _, method, records, flags = event
                channel.publishing.publish(method, records, flags, now_ms)
                if channel.publishing.confirms is not None:
                    self.confirming[channel] = None
            elif isinstance(event, AckRange):
                channel.assembly.check_method_may_come()
                _, first_tag, last_tag, multiple = event
                channel.ack(first_tag, last_tag, now_ms, multiple=multiple)
            elif isinstance(event, PublishBurst):
                self._on_burst(channel, event, now_ms)
            else:
                self._on_frame(channel, event, now_ms)
        except Suspended as suspended:
            self._input.hold()
            channel.turn.later(LongEvent(self, channel, event, suspended.steps))
        except Exception as error:  # noqa: BLE001 — raised again, if it is not the channel's
            self._close_channel(channel, error, event, now_ms)

    def carry_on(self, channel: Channel, event: Event, steps: Steps[object], now_ms: int) -> bool:
        """Continue an event within the budget; return whether all of it is done."""
        try:
            advance(steps, channel.turn.budget.is_spent)
        except Suspended:
            is_done = False
        except Exception as error:  # noqa: BLE001 — answered as at the event's first try
            is_done = True
            try:
                self._close_channel(channel, error, event, now_ms)
            except Exception as hard:  # noqa: BLE001 — the rim, as in the connection
                self._fail_connection(hard, index_at_fault(hard, event), now_ms)
        else:
            is_done = True
        if not channel.is_closing:
            self._write_confirms(channel)
        if is_done and not self._waits_for_congestion(self._input.release):
            self._input.release()
        return is_done

    def waits_for_congestion(self, job: Job) -> bool:
        """Continue a job when congestion is over; return False if there is none."""

        def go_on() -> None:
            self._session.broker.turn.later(job)
            self._input.wake()

        return self._waits_for_congestion(go_on)

    def _waits_for_congestion(self, go_on: Callable[[], None]) -> bool:
        congestion = self._session.broker.congestion
        is_on = congestion.is_on
        if is_on:
            congestion.wait(go_on)
        return is_on

    def reply_lost(self, channel: Channel, error: Exception, index: int) -> None:
        """Take back the held reply, and answer its method with an error."""
        channel.turn.later(LostReply(self, channel, error, index))
        self._input.wake()

    def answer_lost(self, channel: Channel, error: Exception, index: int, now_ms: int) -> None:
        """Answer an error in place of the reply that is held."""
        self._outbox.withdraw()
        reply = reply_for(error)
        if channel.is_closing:
            return
        if reply.scope is Scope.CONNECTION:
            self._fail_connection(error, index, now_ms)
        else:
            self._fail(channel, reply, str(error), index, now_ms)

    def _close_channel(self, channel: Channel, error: Exception, event: Event, now_ms: int) -> None:
        """Answer an error that is the channel's; raise any other."""
        reply = reply_for(error)
        if reply.scope is Scope.CONNECTION:
            raise error
        if channel.is_closing:
            return
        # A soft error about content is attributed to its publish.
        index = index_of(event) or PUBLISH_INDEX
        self._fail(channel, reply, str(error), index, now_ms)

    def _on_burst(self, channel: Channel, burst: PublishBurst, now_ms: int) -> None:
        channel.assembly.check_method_may_come()
        if not channel.publishing.publish_burst(burst, now_ms):
            in_order = self._publishing_in_order(channel, burst, now_ms)
            advance(in_order, channel.turn.budget.is_spent)
        elif channel.publishing.confirms is not None:
            self.confirming[channel] = None

    def _publishing_in_order(
        self, channel: Channel, burst: PublishBurst, now_ms: int
    ) -> Steps[None]:
        turn, publish = channel.turn, channel.publishing.publish
        for _, method, records, flags in burst.in_order():
            try:
                publish(method, records, flags, now_ms)
            except Suspended as suspended:
                yield from suspended.steps
            if turn.effects:
                turn.settle(now_ms)
            if channel.is_closing:
                return
            if channel.publishing.confirms is not None:
                self.confirming[channel] = None
            yield

    def _on_frame(self, channel: Channel, event: FrameEvent, now_ms: int) -> None:
        _, kind, payload = event
        if kind == FRAME_METHOD:
            channel.assembly.check_method_may_come()
            self._on_method(channel, payload, now_ms)
        else:
            self._on_content(channel, event, now_ms)

    def _on_content(self, channel: Channel, event: FrameEvent, now_ms: int) -> None:
        content = channel.assembly.feed(event.kind, event.payload)
        if content is None or channel.unfinished.held_bytes:
            self._unfinished[channel] = self.confirming[channel] = None
        if content is None:
            return
        channel.publishing.checks.check_size(content.size_bytes)
        channel.publishing.publish(content.method, content.run, content.flags, now_ms)
        if channel.publishing.confirms is not None:
            self.confirming[channel] = None

    def _on_method(self, channel: Channel, payload: bytes, now_ms: int) -> None:
        method = decode_method(payload)
        if isinstance(method, commands.Basic.Publish):
            channel.assembly.start(payload)
        elif isinstance(method, commands.Channel.Open):
            raise ChannelStateError("second 'channel.open' seen")
        elif isinstance(method, commands.Channel.Close):
            self._end(channel, commands.Channel.CloseOk(), now_ms)
        else:
            dispatch(channel, method, now_ms)

    def _open(self, event: Event) -> None:
        if not isinstance(event, FrameEvent):
            raise ChannelStateError("expected 'channel.open'")
        if event.kind != FRAME_METHOD:
            raise UnexpectedFrameError("expected method frame, got non method frame instead")
        if not isinstance(decode_method(event.payload), commands.Channel.Open):
            raise ChannelStateError("expected 'channel.open'")
        session = self._session
        limit = session.channel_max
        count = len(self._channels)
        if limit and count >= limit:
            text = f"number of channels opened ({count}) has reached the negotiated channel_max"
            raise ChannelLimitError(f"{text} ({limit})")
        user = session.open_user
        if user.limits:  # counting goes over all connections
            check_user_channel(user, session.broker.count_channels(user.name))
        number = event.channel
        self._channels[number] = Channel(
            number, session, self._outbox, self._starved, self.reply_lost
        )
        session.channels_open = len(self._channels)
        self._note(EventKind.CHANNEL_CREATED, number)
        self._write(number, commands.Channel.OpenOk())

    def _discard(self, channel: Channel, event: Event) -> None:
        """Ignore everything on a channel we closed, except its close (2.2.5)."""
        if not isinstance(event, FrameEvent) or event.kind != FRAME_METHOD:
            return
        index = method_index(event.payload)
        if index == commands.Channel.CloseOk.index:
            self._forget(channel)
        elif index == commands.Channel.Close.index:
            self._write(channel.number, commands.Channel.CloseOk())

    # ── confirms ──

    def flush_confirms(self) -> None:
        """Write the acks and nacks that are due, as one ``multiple`` a channel where possible.

        First the memory of incomplete messages is counted.
        """
        if self._unfinished:
            unfinished, self._unfinished = self._unfinished, {}
            for channel in unfinished:
                self._count_unfinished(channel)
        for channel in self.confirming:
            self._write_confirms(channel)
        self.confirming.clear()

    def _write_confirms(self, channel: Channel) -> None:
        if channel.publishing.confirms is not None:
            octets = channel.publishing.confirms.render_replies(channel.number)
            if octets:
                self._outbox.write(octets)

    def _count_unfinished(self, channel: Channel) -> None:
        """Count a channel's memory of an incomplete message, for the connection and the node."""
        session, now_ms = self._session, channel.turn.now_ms
        more_bytes = channel.assembly.held_bytes - channel.unfinished.held_bytes
        limit = session.settings.assembling_bytes_max
        # The limit is for bodies: the largest body is allowed together with its header.
        if self._assembling_bytes + more_bytes > limit + session.frame_max_bytes:
            text = f"unfinished messages hold more than {limit} bytes on this connection"
            self._fail_connection(AssemblyLimitError(text), 0, now_ms)
            return
        try:
            channel.unfinished.add(more_bytes)
            self._assembling_bytes += more_bytes
        except NodeLimitError as error:
            self.refuse(channel.number, error, now_ms)

    # ── the end ──

    def refuse(self, number: int, error: Exception, now_ms: int) -> None:
        """Close a channel, if it is open, with an error that it did not cause."""
        channel = self._channels.get(number)
        if channel is not None and not channel.is_closing:
            self._fail(channel, reply_for(error), str(error), PUBLISH_INDEX, now_ms)

    def check_timeouts(self, now_ms: int) -> None:
        """Close channels that hold a delivery unacked for longer than its consumer may."""
        for channel in tuple(self._channels.values()):
            timeout_ms = None if channel.is_closing else channel.oldest_overdue_ms(now_ms)
            if timeout_ms is not None:
                error = DeliveryTimeoutError(channel.number, timeout_ms)
                self._fail(channel, reply_for(error), str(error), 0, now_ms)

    def recheck_consumers(self, now_ms: int) -> None:
        """Cancel consumers whose user may not read their queue any more."""
        for channel in self._channels.values():
            channel.recheck_consumers(now_ms)

    def ending_all(self, now_ms: int) -> Steps[None]:
        """Release every channel; the connection ends."""
        self._fail_connection = _nobody_to_tell  # this leaves no reference cycle
        self._session.has_no_channels()
        ending = tuple(self._ends.values())
        channels = [channel for channel in self._channels.values() if not channel.is_closing]
        for channel in channels:
            self._stop(channel, now_ms)
        for steps in ending:
            for _ in steps:  # its own job may continue it in between
                yield
        for channel in channels:
            yield from channel.getting_due()
        for channel in channels:
            channel.shut()
        while channels:
            channel = channels.pop(0)
            yield from channel.giving_back()
            self._channels.pop(channel.number, None)
            yield
        self._channels.clear()
        self._session.channels_open = 0

    def _note(self, kind: EventKind, number: int) -> None:
        session = self._session
        session.broker.events.note(kind, session.vhost_name, "", (session, number))

    def _stop(self, channel: Channel, now_ms: int) -> None:
        self._write_confirms(channel)
        self.confirming.pop(channel, None)
        self._unfinished.pop(channel, None)
        self._assembling_bytes -= channel.unfinished.held_bytes
        channel.stop(now_ms)
        self._note(EventKind.CHANNEL_CLOSED, channel.number)

    def _end(self, channel: Channel, last_word: Method, now_ms: int) -> None:
        """End a channel, and say so once everything it holds is given back.

        Until then the client's input waits, so its next event finds this done.
        """
        self._stop(channel, now_ms)
        self._ends[channel] = steps = self._ending(channel, last_word)
        try:
            advance(steps, channel.turn.budget.is_spent)
        except Suspended:
            self._input.hold()
            channel.turn.later(StepsJob(self._before_input(steps), channel.turn.budget.is_spent))
            self._input.wake()

    def _ending(self, channel: Channel, last_word: Method) -> Steps[None]:
        yield from channel.getting_due()
        channel.shut()
        yield from channel.giving_back()
        del self._ends[channel]
        if isinstance(last_word, commands.Channel.CloseOk):
            self._forget(channel)
        self._write(channel.number, last_word)

    def _before_input(self, steps: Steps[None]) -> Steps[None]:
        try:
            for _ in steps:  # the end of the connection may continue it in between
                yield
        finally:
            self._input.release()

    def _forget(self, channel: Channel) -> None:
        del self._channels[channel.number]
        self._session.channels_open = len(self._channels)

    def _fail(
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
        self._end(channel, close, now_ms)

    def _write(self, number: int, method: Method) -> None:
        self._outbox.write(encode_method(number, method))
