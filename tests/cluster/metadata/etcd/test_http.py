import asyncio

import pytest

from cluster.metadata.errors import AnswerTooLongError, StoreAwayError
from cluster.metadata.etcd.http import LINE_BYTES_MAX, Answer, Http, NotSentError, Times
from tests.support.etcd_server import free_port
from tests.support.scripted_gateway import ScriptedGateway, chunked, http


def test_an_answer_comes_whole() -> None:
    async def run() -> None:
        async with ScriptedGateway(lambda _: http(b"yes", status=b"404 No")) as gateway:
            connections = Http(Times())
            assert await connections.post(gateway.url, {"a": 1}, {}) == Answer(404, b"yes")
            assert gateway.requests == [{"a": 1}]
            await connections.close()

    asyncio.run(run())


def test_a_request_without_connection_has_not_left() -> None:
    async def run() -> None:
        connections = Http(Times())
        with pytest.raises(NotSentError):
            await connections.post(f"http://127.0.0.1:{free_port()}", {}, {})
        await connections.close()

    asyncio.run(run())


def test_lines_come_one_by_one_however_they_are_cut() -> None:
    async def run() -> None:
        pieces = [b"on", b"e\ntwo\n", b"\nthr", b"ee"]
        async with ScriptedGateway(lambda _: chunked(pieces)) as gateway:
            connections = Http(Times())
            async with connections.stream(gateway.url, {}, {}) as lines:
                read = [await lines.next() for _ in range(4)]
                with pytest.raises(StoreAwayError):
                    await lines.next()
            assert read == [b"one", b"two", b"", b"three"]
            await connections.close()

    asyncio.run(run())


def test_a_line_without_end_is_given_up() -> None:
    async def run() -> None:
        pieces = [b"x" * 1_000_000] * (LINE_BYTES_MAX // 1_000_000 + 3)
        async with ScriptedGateway(lambda _: chunked(pieces)) as gateway:
            connections = Http(Times())
            async with connections.stream(gateway.url, {}, {}) as lines:
                with pytest.raises(AnswerTooLongError):
                    await lines.next()
            await connections.close()

    asyncio.run(run())
