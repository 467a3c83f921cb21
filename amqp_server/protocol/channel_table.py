"""The channels of one connection by number: events in, to the right lane; errors to their scope.

Source: AMQP 0-9-1 §1.5, §2.2.5; RabbitMQ, rabbit_reader and rabbit_channel, for texts and order.
"""

from collections.abc import Callable
from typing import Final

from pamqp import commands

from amqp_server.broker.access.rights import Permission
from amqp_server.broker.budget import Job
from amqp_server.broker.events import EventKind
from amqp_server.broker.limits import check_user_channel
from amqp_server.broker.steps import Suspended, Wait, WaitingSteps, advance, resume_after
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.channel_ends import ChannelEnds, Fail, Input
from amqp_server.protocol.errors import ChannelLimitError, ChannelStateError
from amqp_server.protocol.faults import PUBLISH_INDEX, index_at_fault, index_of
from amqp_server.protocol.following import follow
from amqp_server.protocol.lane import Starved
from amqp_server.protocol.long_events import LongEvent, LostReply
from amqp_server.protocol.methods.dispatch import dispatch
from amqp_server.protocol.publishing_channels import PublishingChannels
from amqp_server.protocol.replies import Scope, reply_for
from amqp_server.protocol.session import Session
from amqp_server.wire.constants import FRAME_METHOD
from amqp_server.wire.errors import UnexpectedFrameError
from amqp_server.wire.events import AckRange, Event, FrameEvent, PublishBurst, PublishRun
from amqp_server.wire.methods import Method, decode_method, encode_method, method_index

# Each method of a channel is compared with these.
_PUBLISH: Final = commands.Basic.Publish
_OPEN: Final = commands.Channel.Open
_CLOSE: Final = commands.Channel.Close


class ChannelTable:
    """Open and closing channels.

    An event that needs more time than its turn has continues in later turns. The rest of the
    client's input waits for it. Where it waits for something outside, other channels may go on
    (``overlapping``).

    Attributes:
        confirming: see ``PublishingChannels``.
        ends: how they end.
        overlapping: those that wait.
        input: of the connection.

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
        self.input = intake
        self._session = session
        self._outbox = outbox
        self._starved = starved
        self._channels: dict[int, Channel] = {}
        self._publishing = publishing = PublishingChannels(session, outbox)
        self.confirming = publishing.confirming
        self.ends = ChannelEnds(session, self._channels, publishing, outbox, intake, fail)
        self.overlapping = self.ends.overlapping
        self._waiting = self.overlapping.waiting
        session.refuse_by = self.ends.refuse
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
        if self._waiting and self.overlapping.holds_back(channel, event):
            return
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
            self.go_on_later(channel, event, suspended)
        except Exception as error:  # noqa: BLE001 — raised again, if it is not the channel's
            self._close_channel(channel, error, event, now_ms)

    def carry_on(
        self,
        long_event: LongEvent,
        channel: Channel,
        event: Event,
        steps: WaitingSteps[object],
        now_ms: int,
    ) -> bool:
        """Continue an event within the budget; return whether it is done, or waits."""
        self.overlapping.go_on(channel)
        wait, is_done = None, True
        try:
            advance(steps, channel.turn.budget.is_spent)
        except Suspended as suspended:
            is_done, wait = False, suspended.wait
        except Exception as error:  # noqa: BLE001 — answered as at the event's first try
            self.answer_error(channel, error, event, now_ms)
        if not channel.is_closing:
            self._publishing.write_confirms(channel)
        if wait is not None:
            self._wait_outside(long_event, wait)
            self.input.look(now_ms)
            return True
        self._hold(long_event, is_held=not is_done or self._session.broker.congestion.is_on)
        if is_done:
            if long_event.holds_input and not self._waits_for_congestion(self.input.release):
                self.input.release()
            follow(self, channel, now_ms)
        return is_done

    def find(self, number: int) -> Channel | None:
        """Return a channel."""
        return self._channels.get(number)

    def answer_error(self, channel: Channel, error: Exception, event: Event, now_ms: int) -> None:
        """Answer an error of an event of an earlier turn."""
        try:
            self._close_channel(channel, error, event, now_ms)
        except Exception as hard:  # noqa: BLE001 — the rim, as in the connection
            self.ends.fail_connection(hard, index_at_fault(hard, event), now_ms)

    def wait_over(self, long_event: LongEvent) -> None:
        """Go on with the input: a long event ended with its channel."""
        self._hold(long_event, is_held=False)
        self.overlapping.over(long_event.channel)

    def go_on_later(self, channel: Channel, event: Event, suspended: Suspended) -> None:
        """Continue an event in later turns."""
        long_event = LongEvent(self, channel, event, suspended.steps)
        if suspended.wait is None:
            self._hold(long_event, is_held=True)
            channel.turn.later(long_event)
        else:
            self._wait_outside(long_event, suspended.wait)

    def _wait_outside(self, long_event: LongEvent, wait: Wait) -> None:
        self._hold(long_event, is_held=False)
        self.overlapping.wait(long_event.channel, long_event)
        resume_after(wait, long_event, long_event.channel.turn)

    def _hold(self, long_event: LongEvent, *, is_held: bool) -> None:
        """Have the input wait for a long event, or not any more."""
        if is_held is not long_event.holds_input:
            long_event.holds_input = is_held
            if is_held:
                self.input.hold()
            else:
                self.input.release()

    def holds_back(self, event: Event) -> bool:
        """Keep the client's close of the connection while channels wait."""
        if not self._waiting or not isinstance(event, FrameEvent) or event.kind != FRAME_METHOD:
            return False
        is_close = method_index(event.payload) == commands.Connection.Close.index
        return is_close and self.overlapping.holds_back(None, event)

    def waits_for_congestion(self, job: Job) -> bool:
        """Continue a job when congestion is over; return False if there is none."""

        def go_on() -> None:
            self._session.broker.turn.later(job)
            self.input.wake()

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
        self.input.wake()

    def answer_lost(self, channel: Channel, error: Exception, index: int, now_ms: int) -> None:
        """Answer an error in place of the reply that is held."""
        self._outbox.withdraw()
        if not channel.is_closing:
            self.ends.fail(channel, error, index, now_ms)

    def _close_channel(self, channel: Channel, error: Exception, event: Event, now_ms: int) -> None:
        """Answer an error that is the channel's; raise any other."""
        if reply_for(error).scope is Scope.CONNECTION:
            raise error
        # A soft error about content is attributed to its publish.
        self.ends.fail(channel, error, index_of(event) or PUBLISH_INDEX, now_ms)

    def _on_burst(self, channel: Channel, burst: PublishBurst, now_ms: int) -> None:
        channel.assembly.check_method_may_come()
        if not channel.publishing.publish_burst(burst, now_ms):
            in_order = self._publishing_in_order(channel, burst, now_ms)
            advance(in_order, channel.turn.budget.is_spent)
        elif channel.publishing.confirms is not None:
            self.confirming[channel] = None

    def _publishing_in_order(
        self, channel: Channel, burst: PublishBurst, now_ms: int
    ) -> WaitingSteps[None]:
        turn, publish = channel.turn, channel.publishing.publish
        for _, method, records, flags in burst.in_order():
            try:
                publish(method, records, flags, now_ms)
            except Suspended as suspended:
                yield from suspended.rest()
            if turn.effects:
                turn.settle(now_ms)
            if channel.is_closing:
                return
            if channel.publishing.confirms is not None:
                self.confirming[channel] = None
            yield None

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
            self._publishing.note_unfinished(channel)
        if content is None:
            return
        channel.publishing.checks.check_size(content.size_bytes)
        self._session.broker.message_sizes.note(content.size_bytes)
        method, run, flags = content.method, content.run, content.flags
        try:
            channel.publishing.publish(method, run, flags, now_ms)
        except Suspended as suspended:
            # The event was the last part of it alone.
            self.go_on_later(channel, PublishRun(channel.number, method, run, flags), suspended)
            return
        if channel.publishing.confirms is not None:
            self.confirming[channel] = None

    def _on_method(self, channel: Channel, payload: bytes, now_ms: int) -> None:
        method = decode_method(payload)
        kind = type(method)
        if kind is _PUBLISH:
            channel.assembly.start(payload)
        elif kind is _OPEN:
            raise ChannelStateError("second 'channel.open' seen")
        elif kind is _CLOSE:
            self.ends.end(channel, commands.Channel.CloseOk(), now_ms)
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
        user = session.broker.users.get(session.username)  # its limits of now
        if user is not None and user.limits:  # counting goes over all connections
            check_user_channel(user, session.broker.count_channels(user.name))
        number = event.channel
        channel = Channel(number, session, self._outbox, self._starved, self.reply_lost)
        self._channels[number] = channel
        session.open_vhost.totals.channels.open(channel)
        session.channels_open = len(self._channels)
        session.broker.events.note(
            EventKind.CHANNEL_CREATED, session.vhost_name, "", (session, number)
        )
        self._write(number, commands.Channel.OpenOk())

    def _discard(self, channel: Channel, event: Event) -> None:
        """Ignore everything on a channel we closed, except its close (2.2.5)."""
        if not isinstance(event, FrameEvent) or event.kind != FRAME_METHOD:
            return
        index = method_index(event.payload)
        if index == commands.Channel.CloseOk.index:
            self.ends.forget(channel)
        elif index == commands.Channel.Close.index:
            self._write(channel.number, commands.Channel.CloseOk())

    # ── the end of a slice of the input ──

    def answer_publishes(self) -> None:
        """Count the memory of incomplete messages, then write the confirms that are due.

        The acks and nacks of a channel are one ``multiple`` where possible.
        """
        publishing = self._publishing
        if publishing.unfinished:
            now_ms = self._session.broker.turn.now_ms
            for channel, error, index in publishing.counting_unfinished():
                self.ends.fail(channel, error, index, now_ms)
        for channel in self.confirming:
            publishing.write_confirms(channel)
        self.confirming.clear()

    # ── consumers ──

    def recheck_consumers(self, now_ms: int) -> None:
        """Cancel consumers whose user may not read their queue any more (update-secret)."""
        session = self._session
        users = session.broker.users
        for channel in self._channels.values():
            for tag, consumer in tuple(channel.consumers.items()):
                name = consumer.queue.name
                if not users.allows(session.username, session.vhost_name, Permission.READ, name):
                    channel.end_consumer(tag, now_ms)

    def _write(self, number: int, method: Method) -> None:
        self._outbox.write(encode_method(number, method))
