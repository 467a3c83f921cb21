"""Jobs that channels queue: they do nothing while there is congestion, and end when all is done."""

from typing import cast

from amqp_server.broker.budget import Job
from amqp_server.broker.steps import Steps, WaitingSteps
from amqp_server.protocol.channel import Channel
from amqp_server.protocol.long_events import LongEvent, LostReply
from amqp_server.wire.events import AckRange, Event

CHANNEL = cast("Channel", object())
EVENT = AckRange(1, 1, 1, multiple=False)


class FakeChannels:
    """Notes what it is asked; congestion is what the test says."""

    def __init__(self, pieces_left: int = 1) -> None:
        self.is_congested = False
        self.pieces_left = pieces_left
        self.waiting: list[Job] = []
        self.let_go_count = 0
        self.answered: list[tuple[str, int, int]] = []

    def waits_for_congestion(self, job: Job) -> bool:
        if self.is_congested:
            self.waiting.append(job)
        return self.is_congested

    def carry_on(
        self,
        long_event: LongEvent,
        channel: Channel,
        event: Event,
        steps: WaitingSteps[object],
        now_ms: int,
    ) -> bool:
        assert (channel, event, now_ms) == (CHANNEL, EVENT, 7)
        next(steps, None)
        self.pieces_left -= 1
        return not self.pieces_left

    def wait_over(self, long_event: LongEvent) -> None:
        assert long_event.channel is CHANNEL
        self.let_go_count += 1

    def answer_lost(self, channel: Channel, error: Exception, index: int, now_ms: int) -> None:
        assert channel is CHANNEL
        self.answered.append((str(error), index, now_ms))


def steps() -> Steps[object]:
    yield
    return None


def test_an_event_goes_on_until_it_is_done() -> None:
    channels = FakeChannels(pieces_left=2)
    job = LongEvent(channels, CHANNEL, EVENT, steps())
    assert [job.step(7), job.step(7)] == [False, True]


def test_an_event_waits_for_the_end_of_congestion() -> None:
    channels = FakeChannels(pieces_left=2)
    job = LongEvent(channels, CHANNEL, EVENT, steps())
    channels.is_congested = True
    assert job.step(7) is True, "it is queued again when congestion ends"
    assert (channels.waiting, channels.pieces_left) == ([job], 2)


def test_a_lost_reply_is_answered_once() -> None:
    channels = FakeChannels()
    job = LostReply(channels, CHANNEL, ValueError("lost"), 5)
    assert job.step(7) is True
    assert channels.answered == [("lost", 5, 7)]


def test_an_event_that_is_let_go_does_nothing_more() -> None:
    channels = FakeChannels()
    work = steps()
    job = LongEvent(channels, CHANNEL, EVENT, work)
    job.let_go()
    assert (channels.let_go_count, next(work, "over")) == (1, "over")
    assert job.step(7) is True, "what it waited for may come later"
    assert channels.pieces_left == 1
