"""What was gathered behind an event of a channel that waited: carried out once that is done.

done ─ the next, and the next …  ├ one of them waits          it goes on after that
                                 ├ the turn's time is spent   it goes on in a later turn
                                 └ the input has to wait      the rest is input again
"""

from typing import Final, Protocol

from amqp_server.broker.steps import Suspended, WaitingSteps, advance
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.channel_ends import Input
from amqp_server.protocol.long_events import Channels, LongEvent
from amqp_server.protocol.methods.decided_runs import run_of
from amqp_server.protocol.overlapping import Overlapping
from amqp_server.wire.events import AckRange, Event

_NO_EVENT: Final = AckRange(0, 0, 0, multiple=False)
"""Of a turn that only goes on with what was gathered."""


class Followed(Channels, Protocol):
    """The channels of a connection; ``protocol.channel_table`` implements it.

    Attributes:
        overlapping: those that wait.
        input: of the connection.
    """

    overlapping: Overlapping
    input: Input

    def find(self, number: int) -> Channel | None:
        """Return a channel."""

    def go_on_later(self, channel: Channel, event: Event, suspended: Suspended) -> None:
        """Continue an event in later turns."""

    def answer_error(self, channel: Channel, error: Exception, event: Event, now_ms: int) -> None:
        """Answer an error of an event of an earlier turn."""


def follow(channels: Followed, channel: Channel, now_ms: int) -> None:
    """Carry out what was gathered behind an event that is done; then the input goes on."""
    overlapping, intake, turn = channels.overlapping, channels.input, channel.turn
    overlapping.let_in()
    while overlapping.has_more(channel) and intake.may_go_on:
        if turn.effects:
            turn.settle(now_ms)  # what the one before it has caused comes first
        if not _carried_out_run(channels, channel):
            intake.carry_out(overlapping.take(channel), now_ms)
        if channel in overlapping.waiting:
            intake.look(now_ms)
            return
        if channels.find(channel.number) is not channel:
            break
        if turn.budget.is_spent() and overlapping.has_more(channel):
            _follow_later(channels, channel)
            return
    overlapping.put_back(channel)


def _follow_later(channels: Followed, channel: Channel) -> None:
    """Go on with what was gathered in a later turn."""
    long_event = LongEvent(channels, channel, _NO_EVENT, _nothing())
    channels.overlapping.wait(channel, long_event)
    channel.turn.later(long_event)
    channels.input.wake()


def _carried_out_run(channels: Followed, channel: Channel) -> bool:
    """Ask for the first methods together, if they may be; else return False."""
    overlapping = channels.overlapping
    if (
        channel.is_closing
        or channel.session.broker.decisions is None
        or not channel.assembly.is_idle
        or overlapping.many_ask()
    ):
        return False
    run = run_of(channel, overlapping.following(channel))
    if run.size <= 1:
        return False
    events = [overlapping.take(channel) for _ in range(run.size)]

    def on_error(number: int, error: Exception) -> None:
        channels.answer_error(channel, error, events[number], channel.turn.now_ms)

    try:
        advance(run.steps(on_error), channel.turn.budget.is_spent)
    except Suspended as suspended:
        channels.go_on_later(channel, events[0], suspended)
    except Exception as error:  # noqa: BLE001 — answered as if it came now
        on_error(0, error)
    return True


def _nothing() -> WaitingSteps[None]:
    yield from ()
