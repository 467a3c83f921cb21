"""A tail shows what is published on each node, whoever leads the queue."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Any

import pytest

from amqp_server.broker.admin import PeerAwayError, PeerRefusedError
from management.access.login import Credentials, basic_header
from management.http.event_stream import BEAT, event, event_stream
from management.http.request import Request
from management.http.response import Response, answer
from management.live import other_tails as module
from management.live.listeners import BUFFER_BYTES, Listener
from management.live.other_tails import OtherTails
from tests.support.joined_apis import Joined, joined_apis

LOGIN = {"authorization": basic_header(Credentials("guest", "guest"))}


class Tail:
    """A node's tail, as it comes in pieces."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.is_over = False

    async def sent(self) -> AsyncGenerator[bytes]:
        try:
            for piece in self.pieces:
                yield piece
            await asyncio.Event().wait()
        finally:
            self.is_over = True


async def turns() -> None:
    for _ in range(8):
        await asyncio.sleep(0)


async def until(is_so: Callable[[], bool]) -> None:
    while not is_so():  # noqa: ASYNC110 -- nothing tells
        await asyncio.sleep(0.001)


def test_events_come_whole_and_beats_do_not() -> None:
    one = event({"n": 1}, "msg")
    tail = Tail(BEAT, one[:7], one[7:], event({"n": 2}, "msg"), b"data: cut")

    async def begin(_node: str) -> Response:
        return event_stream(tail.sent())

    async def run() -> None:
        listener = Listener(lambda: True)
        tails = OtherTails(lambda: ["b"], begin)
        tails.begin(listener)
        await turns()
        assert listener._events == [one, event({"n": 2}, "msg")]
        tails.end(listener)
        await turns()
        assert tail.is_over

    asyncio.run(run())


def test_a_node_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0)
    tail = Tail(event(1))
    failures: list[Any] = [
        PeerAwayError("gone", was_asked=False),
        PeerRefusedError("no"),
        answer({}, 503),
        TimeoutError(),
    ]
    asked: list[str] = []

    async def begin(node: str) -> Response:
        asked.append(node)
        if node == "c":
            return event_stream(Tail().sent())
        if not failures:
            return event_stream(tail.sent())
        failed = failures.pop(0)
        if isinstance(failed, Exception):
            raise failed
        assert isinstance(failed, Response)
        return failed

    async def run() -> None:
        listener = Listener(lambda: True)
        tails = OtherTails(lambda: ["b", "c"], begin)
        tails.begin(listener)
        async with asyncio.timeout(10):
            await until(lambda: bool(listener._events))
        tails.end(listener)
        assert (asked.count("b"), asked.count("c")) == (5, 1)

    asyncio.run(run())


def test_many_events_that_come_together_are_kept_as_far_as_there_is_room() -> None:
    count = BUFFER_BYTES // 1_000 + 2
    tail = Tail(b"".join([event({"n": number, "text": "x" * 1_000}) for number in range(count)]))

    async def begin(_node: str) -> Response:
        return event_stream(tail.sent())

    async def run() -> None:
        listener = Listener(lambda: True)
        tails = OtherTails(lambda: ["b"], begin)
        tails.begin(listener)
        await turns()
        assert listener.lost_count + len(listener._events) == count
        assert 0 < listener.lost_count < 20
        tails.end(listener)

    asyncio.run(run())


def test_an_event_without_an_end_ends_the_tail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVENT_BYTES_MAX", 10)
    tail = Tail(b"x" * 6, b"x" * 6, event(1))

    async def begin(_node: str) -> Response:
        return event_stream(tail.sent())

    async def run() -> None:
        listener = Listener(lambda: True)
        tails = OtherTails(lambda: ["b"], begin)
        tails.begin(listener)
        await turns()
        assert (tail.is_over, listener._events) == (True, [])
        tails.end(listener)

    asyncio.run(run())


@pytest.fixture
def joined() -> Iterator[Joined]:
    with joined_apis() as found:
        yield found


@pytest.mark.parametrize("queue", ["jobs", "votes"])
def test_what_passes_on_both_nodes_is_shown(joined: Joined, queue: str) -> None:
    async def run() -> None:
        request = Request("GET", f"/api/queues/%2F/{queue}/tail", headers=LOGIN)
        async with joined.a.management.application.answering(request) as response:
            stream = response.body
            assert isinstance(stream, AsyncGenerator)
            waiting = asyncio.ensure_future(anext(stream))
            taps = joined.b.broker.vhost("/").publisher.taps
            async with asyncio.timeout(10):
                await until(lambda: bool(taps._queues))
                joined.b.node.open().publish(b"of b", routing_key=queue)
                assert b'"payload":"of b"' in await waiting
                joined.a.node.open().publish(b"of a", routing_key=queue)
                assert b'"payload":"of a"' in await anext(stream)
                await stream.aclose()
                await until(lambda: not taps._queues)
        assert len(joined.a.management.services.listeners) == 0
        assert len(joined.b.management.services.listeners) == 0
        # Only one of them has asked the other.
        assert {each[0] for each in joined.peers.asked} == {"rabbit@b"}

    joined.a.run(run())
