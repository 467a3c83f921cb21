"""Gets and purges that wait for a leader, in random scripts: answers are in order."""

from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pamqp import commands

from amqp_server.broker.queue import Queue
from amqp_server.wire.methods import Method
from queues.asked_port import GetAnswer
from queues.batch import Batch
from tests.support.frames import method_frame, publish_frames
from tests.support.peer import Node, Received

Q, B = commands.Queue, commands.Basic
EMPTY: Final = GetAnswer(None, 0)


class Late:
    """Leads all queues here, but gets and purges are answered when the test says."""

    def __init__(self) -> None:
        self.asked: list[Callable[[], None]] = []

    def of(self, queue: Queue) -> "LateQueue":
        return LateQueue(self, queue)


class LateQueue:
    """One of them."""

    def __init__(self, late: Late, queue: Queue) -> None:
        self._late = late
        self._queue = queue

    def ask_get(self, then: Callable[[GetAnswer | None], None], now_ms: int) -> None:
        def answer() -> None:
            got = self._queue.engine.get(now_ms)
            then(EMPTY if got is None else GetAnswer(*got))

        self._late.asked.append(answer)

    def ask_purge(self, then: Callable[[int | None], None], _now_ms: int) -> None:
        self._late.asked.append(lambda: then(self._queue.engine.purge()[0]))

    def give_back_unseen(self, batch: Batch) -> None:
        self._queue.engine.requeue([batch], 1)


Made = Callable[[int, int], bytes]


def on_queue(kind: type[Method], **given: object) -> Made:
    return lambda channel, _number: method_frame(channel, kind, queue=f"q{channel}", **given)


def bare(kind: type[Method], **given: object) -> Made:
    return lambda channel, _number: method_frame(channel, kind, **given)


def published(channel: int, number: int) -> bytes:
    return publish_frames("", f"q{channel}", b"%d" % number, channel)


def returned(channel: int, _number: int) -> bytes:
    return publish_frames("", "nowhere", b"r", channel, mandatory=True)


def closed(channel: int, _number: int) -> bytes:
    close = {"reply_code": 200, "reply_text": "", "class_id": 0, "method_id": 0}
    closing = method_frame(channel, commands.Channel.Close, **close)
    return closing + method_frame(channel, commands.Channel.Open)


EVENTS: Final[dict[str, Made]] = {
    "publish": published,
    "two": lambda channel, number: published(channel, number) + published(channel, number + 1),
    "get": on_queue(B.Get, no_ack=True),
    "get to ack": on_queue(B.Get),
    "ack": bare(B.Ack, delivery_tag=0, multiple=True),
    "reject": bare(B.Reject, delivery_tag=1, requeue=True),
    "purge": on_queue(Q.Purge),
    "count": on_queue(Q.Declare, passive=True),
    "select": bare(commands.Confirm.Select),
    "return": returned,
    "close": closed,
}
KINDS: Final = [*EVENTS, *EVENTS, "get", "get", "publish", "publish", "get to ack"]
SCRIPTS: Final = st.lists(
    st.tuples(st.sampled_from([1, 1, 2]), st.sampled_from(KINDS)), max_size=40
)


def of_channel(received: list[Received], channel: int) -> list[object]:
    """Return what came on a channel; how confirms are joined is no matter."""
    found: list[object] = []
    confirmed = 0
    for each in received:
        method = each.method
        if each.channel != channel or method is None:
            continue
        if isinstance(method, B.Ack):
            confirmed = max(confirmed, method.delivery_tag)
            continue
        found.append((method.name, sorted(dict(method).items(), key=str), each.body))
    return [*found, confirmed]


@settings(max_examples=80, deadline=None)
@given(SCRIPTS, st.randoms(use_true_random=False))
def test_scripts_with_gets_that_wait_are_answered_as_by_one_broker(
    script: list[tuple[int, str]], chance: Random
) -> None:
    octets = [EVENTS[what](channel, number) for number, (channel, what) in enumerate(script)]
    answers: list[list[Received]] = []
    for late in (None, Late()):
        with pytest.MonkeyPatch.context() as patch:
            client = Node().open()
            client.open_channel(2)
            for channel in (1, 2):
                client.declare(f"q{channel}", channel)
            if late is not None:
                patch.setattr(Queue, "asked_for_messages", property(late.of))
            received: list[Received] = []
            for part in octets:
                client.send_bytes(part)
                while late is not None and late.asked and chance.random() < 0.4:
                    late.asked.pop(chance.randrange(len(late.asked)))()
                    client.node.end_turns()
            received += client.receive()
            while late is not None and late.asked:
                late.asked.pop(chance.randrange(len(late.asked)))()
                client.node.end_turns()
            received += client.receive()
            answers.append(received)
    for channel in (1, 2):
        assert of_channel(answers[1], channel) == of_channel(answers[0], channel)
