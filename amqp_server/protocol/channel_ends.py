"""How the channels of one connection end: by their client, by an error, or with the connection.

A channel that ends gives back all that it holds, in steps. Its last word waits for that, and in a
cluster for the auto-delete queues that it has left (``broker.unused``). Where the connection ends
that waits only if a client was there to hear of it, and behind all that is given back.

Source: AMQP 0-9-1 §1.5, §2.2.5; RabbitMQ, rabbit_reader and rabbit_channel, for texts and order.
"""

import logging
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from pamqp import commands

from amqp_server.broker.events import EventKind
from amqp_server.broker.queue import Queue
from amqp_server.broker.steps import Suspended, WaitingSteps, advance, resume_after
from amqp_server.connections.outbox import Outbox
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.errors import DeliveryTimeoutError
from amqp_server.protocol.faults import PUBLISH_INDEX, close_method
from amqp_server.protocol.overlapping import Overlapping
from amqp_server.protocol.publishing_channels import PublishingChannels
from amqp_server.protocol.replies import Reply, Scope, reply_for
from amqp_server.protocol.session import Session
from amqp_server.wire.constants import FRAME_METHOD
from amqp_server.wire.events import Event, FrameEvent
from amqp_server.wire.methods import Method, encode_method, method_index, method_name

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

    def take_again(self, *events: Event) -> None:
        """Have events come once more, before all that waits."""

    @property
    def may_go_on(self) -> bool:
        """Whether nobody holds it, and the output has room."""

    def carry_out(self, event: Event, now_ms: int) -> None:
        """Carry out an event that came before, and that waited elsewhere."""


CLOSES_MAX: Final = 16
"""Closes of a client on one channel that are answered, where it sends more than one."""

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
        self.overlapping = Overlapping(intake, session.broker.waiting_memory)
        self._ending: dict[Channel, Ending] = {}
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

        The client's input waits while that takes time, so its next event finds it done. Where it
        waits for something outside, only what comes on this channel waits.
        """
        is_ours = not isinstance(last_word, commands.Channel.CloseOk)
        behind = self.overlapping.forget(channel) if is_ours else ()
        self._stop(channel, now_ms)
        steps = self._ending_one(channel, last_word)
        self._ending[channel] = ending = Ending(self, channel, steps, is_ours=is_ours)
        for event in behind:
            ending.hears(event)
        if not self.go_on(ending):
            channel.turn.later(ending)
            self._input.wake()

    def go_on(self, ending: "Ending") -> bool:
        """Carry on the end of a channel; return whether it is done, or waits.

        It raises what the steps raise.
        """
        channel, overlapping = ending.channel, self.overlapping
        has_waited = overlapping.go_on(channel)
        is_done, wait = True, None
        try:
            advance(ending.steps, channel.turn.budget.is_spent)
        except Suspended as suspended:
            is_done, wait = False, suspended.wait
        except Exception:
            self._hold(ending, is_held=False)
            overlapping.over(channel)
            raise
        self._hold(ending, is_held=not is_done and wait is None)
        if wait is not None:
            overlapping.wait(channel, ending)
            resume_after(wait, ending, channel.turn)
        elif has_waited:
            overlapping.over(channel)
        return is_done or wait is not None

    def _hold(self, ending: "Ending", *, is_held: bool) -> None:
        if is_held is not ending.holds_input:
            ending.holds_input = is_held
            if is_held:
                self._input.hold()
            else:
                self._input.release()

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
        for channel in self._channels.values():
            self.overlapping.forget(channel)
        for channel in channels:
            self._stop(channel, now_ms)
        for each in ending:
            for wait in each.steps:  # its own job may continue it in between
                if wait is not None:
                    each.steps.close()  # it has given all back, and nobody hears its last word
                    break
                yield None
        self._ending.clear()
        self.overlapping.end()
        self.overlapping.let_in()  # the client's close-ok may be behind it
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
        ending = self._ending.pop(channel)
        if isinstance(last_word, commands.Channel.CloseOk):
            self.forget(channel)
        self._outbox.write(encode_method(channel.number, last_word))
        for _ in range(ending.closes_count):
            self._outbox.write(encode_method(channel.number, commands.Channel.CloseOk()))

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


class Ending:
    """A channel that ends in steps: a ``broker.budget.Job``, and it may wait for the store.

    Attributes:
        channel: the channel.
        steps: give back what it holds, and answer.
        holds_input: nothing more of the connection is carried out meanwhile.
        closes_count: closes of the client that crossed ours, to be answered behind it.
        asks_store: it takes no place of those that ask.
        held_bytes: it has nothing of what came.
    """

    __slots__ = ("_ends", "_is_ours", "channel", "closes_count", "holds_input", "steps")
    asks_store: Final = False
    held_bytes: Final = 0

    def __init__(
        self, ends: ChannelEnds, channel: Channel, steps: WaitingSteps[None], *, is_ours: bool
    ) -> None:
        """Begin.

        Args:
            ends: carries it on.
            channel: the channel.
            steps: of its end.
            is_ours: its client does not know of it yet, so what it sends is ignored.
        """
        self._ends = ends
        self._is_ours = is_ours
        self.channel = channel
        self.steps = steps
        self.holds_input = False
        self.closes_count = 0

    def step(self, _now_ms: int) -> bool:
        """Do a piece, and more within the budget; return whether it is done, or waits."""
        try:
            return self._ends.go_on(self)
        except Exception:
            log.exception("the end of a channel failed")
            return True

    def let_go(self) -> None:
        """Nothing: a channel ends once."""

    def hears(self, event: Event) -> bool:
        """Ignore what comes on a channel that we close; note only that its client closes it too.

        What comes behind a client's own close is about the next channel of that number.
        """
        if self._is_ours and isinstance(event, FrameEvent) and event.kind == FRAME_METHOD:
            is_close = method_index(event.payload) == commands.Channel.Close.index
            self.closes_count = min(self.closes_count + is_close, CLOSES_MAX)
        return self._is_ours
