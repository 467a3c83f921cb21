"""Who listens: what waits for one, and how many there may be."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from management.http.errors import HttpError
from management.http.event_stream import BEAT
from management.live import listeners as module
from management.live.listeners import Listener, Listeners


async def next_of(stream: AsyncIterator[bytes]) -> bytes:
    return await anext(stream)


def test_events_come_in_order_and_together() -> None:
    async def listen() -> list[bytes]:
        listener = Listener(lambda: True)
        listener.put(b"1")
        listener.put(b"2")
        listener.end()
        return [octets async for octets in listener.sent()]

    assert asyncio.run(listen()) == [b"12"]


def test_a_slow_client_loses_the_oldest_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUFFER_BYTES", 10)

    async def listen() -> bytes:
        listener = Listener(lambda: True)
        for octet in b"abcdefghijkl":
            listener.put(bytes([octet]))
        assert listener.lost_count == 2
        return await next_of(listener.sent())

    assert asyncio.run(listen()) == b'event: lag\ndata: {"lost":2}\n\ncdefghijkl'


def test_an_event_larger_than_the_buffer_is_lost_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUFFER_BYTES", 10)

    async def listen() -> bytes:
        listener = Listener(lambda: True)
        listener.put(b"x" * 11)
        return await next_of(listener.sent())

    assert asyncio.run(listen()) == b'event: lag\ndata: {"lost":1}\n\n'


def test_it_beats_while_nothing_happens_and_ends_with_the_right_to_listen() -> None:
    async def listen() -> list[bytes]:
        answers = iter([True, True, False])
        listener = Listener(lambda: next(answers), beat_s=0)
        return [octets async for octets in listener.sent()]

    assert asyncio.run(listen()) == [BEAT, BEAT]


def test_there_are_as_many_as_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LISTENERS_MAX", 1)
    begun: list[Listener] = []
    ended: list[Listener] = []

    async def listen() -> None:
        listeners = Listeners()
        first = Listener(lambda: True)
        stream = listeners.serve(first, begun.append, ended.append)
        first.put(b"x")
        assert await next_of(stream) == b"x"
        assert len(listeners) == 1
        with pytest.raises(HttpError):
            listeners.require_room()
        second = listeners.serve(Listener(lambda: True), begun.append, ended.append)
        assert [octets async for octets in second] == []
        listeners.end()
        assert [octets async for octets in stream] == []
        assert len(listeners) == 0
        listeners.require_room()

    asyncio.run(listen())
    assert len(begun) == len(ended) == 1


def test_a_client_that_leaves_gives_its_place_back() -> None:
    ended: list[Listener] = []

    async def listen() -> None:
        listeners = Listeners()
        listener = Listener(lambda: True)
        stream = listeners.serve(listener, None, ended.append)
        listener.put(b"x")
        await next_of(stream)
        await stream.aclose()  # type: ignore[attr-defined] # a generator
        assert len(listeners) == 0

    asyncio.run(listen())
    assert len(ended) == 1
