"""Signs of life: what a watch takes for the end of its member, and what it does not."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from cluster.metadata.errors import StoreAwayError
from cluster.metadata.etcd.engine import EtcdStore
from cluster.metadata.etcd.http import CONNECTIONS_MAX, Times
from cluster.metadata.port import Changes, Progress, Told
from tests.support.etcd_stores import Clock, opened, play, put
from tests.support.scripted_gateway import ScriptedGateway, chunked, http

CREATED = b'{"result":{"created":true,"header":{"revision":"9"}}}\n'
CHANGED = (
    b'{"result":{"header":{"revision":"10"},'
    b'"events":[{"kv":{"key":"YQ==","mod_revision":"10","version":"1"}}]}}\n'
)


@asynccontextmanager
async def watching(
    sign: Callable[[int], bytes | None], times: Times
) -> AsyncIterator[tuple[EtcdStore, AsyncIterator[Told]]]:
    """Watch at a member that answers signs so, by their number, and nothing else."""
    signs = 0

    def answer(request: Any) -> bytes | None:  # noqa: ANN401 -- fields of any request
        nonlocal signs
        if "create_request" in request:
            return chunked([CREATED], ends=False)
        if request:
            return None
        signs += 1
        return sign(signs)

    async with ScriptedGateway(answer) as gateway:
        store = opened([gateway.url], Clock(), times=times)
        told = store.watch(b"a", b"b", 5)
        assert await anext(told) == Progress(9)
        yield store, told


def test_a_sign_stands_in_no_line_behind_requests() -> None:
    """All connections wait for a member that is slow to change something, and is there."""

    async def run() -> None:
        times = Times(answer=60_000, silence=100, quiet=20, sign=2_000)
        async with watching(lambda _: http(b"{}"), times) as (store, told):
            asked = [asyncio.create_task(store.transact(put())) for _ in range(CONNECTIONS_MAX + 1)]
            assert await anext(told) == Progress(9), "after the silence it is begun anew"
            assert not any(each.done() for each in asked)
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    play(run())


def test_a_kept_connection_that_was_closed_is_no_end() -> None:
    async def run() -> None:
        times = Times(silence=100, quiet=20, sign=60_000)
        async with watching(lambda n: b"" if n == 2 else http(b"{}"), times) as (_, told):
            assert await anext(told) == Progress(9), "after the silence it is begun anew"

    play(run())


def test_a_member_that_refuses_connections_is_gone() -> None:
    async def run() -> None:
        times = Times(silence=60_000, quiet=20, sign=60_000)
        async with watching(lambda _: b"", times) as (_, told):
            with pytest.raises(StoreAwayError):
                await anext(told)

    play(run())


def test_a_process_that_stood_still_asks_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its timers run before what came meanwhile is read."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        time_s = loop.time

        def sign(number: int) -> bytes:
            if number == 1:
                monkeypatch.setattr(loop, "time", lambda: time_s() + 10)
            return http(b"{}")

        times = Times(silence=100, quiet=20, sign=2_000)
        async with watching(sign, times) as (_, told):
            assert await anext(told) == Progress(9), "after the silence it is begun anew"

    play(run())


@asynccontextmanager
async def told_instead_of_a_sign(octets: bytes) -> AsyncIterator[tuple[EtcdStore, Any]]:
    """Watch at a member that answers no request; asked for a sign it says this on the watch."""
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        head = await reader.readuntil(b"\r\n\r\n")
        if b"/watch" in head:
            writer.write(chunked([CREATED], ends=False))
        elif b"/status" in head:
            writers[0].write(octets)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        times = Times(answer=60_000, silence=60_000, quiet=20, sign=60_000)
        store = opened([f"http://{host}:{port}"], Clock(), times=times)
        told = store.watch(b"a", b"b", 5)
        assert await anext(told) == Progress(9)
        yield store, told
        await told.aclose()
        for writer in writers:
            writer.close()
            await writer.wait_closed()


def test_a_line_that_comes_while_a_sign_is_waited_for_is_told() -> None:
    async def run() -> None:
        line = b"%x\r\n%s\r\n" % (len(CHANGED), CHANGED)
        async with told_instead_of_a_sign(line) as (_, told):
            changes = await anext(told)
            assert isinstance(changes, Changes)
            assert changes.revision == 10

    play(run())


def test_a_watch_that_ends_while_a_sign_is_waited_for_ends_nothing_else() -> None:
    async def run() -> None:
        async with told_instead_of_a_sign(b"0\r\n\r\n") as (store, told):
            asked = asyncio.create_task(store.transact(put()))
            with pytest.raises(StoreAwayError):
                await anext(told)
            assert not asked.done()
            asked.cancel()
            await asyncio.gather(asked, return_exceptions=True)

    play(run())


def test_a_store_that_is_closed_ends_a_watch_that_waits_for_a_sign() -> None:
    async def run() -> None:
        is_asked = asyncio.Event()

        def sign(_: int) -> None:
            is_asked.set()

        times = Times(silence=60_000, quiet=20, sign=60_000)
        async with watching(sign, times) as (store, told):
            waiting = asyncio.ensure_future(anext(told))
            await is_asked.wait()
            await store.close()
            with pytest.raises(StoreAwayError):
                await waiting
            with pytest.raises(StoreAwayError):
                await store.transact(put())

    play(run())
